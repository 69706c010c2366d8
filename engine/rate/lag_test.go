package rate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesOfLagsAreWithinOnePercent(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		var all []time.Duration
		var l lags
		for range 1 + random.IntN(2000) {
			lag := time.Duration(math.Exp(random.Float64() * 40))
			all = append(all, lag)
			l.add(lag)
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.99, 1} {
			want := all[max(int(math.Ceil(q*float64(len(all))-1e-9)), 1)-1]
			got := l.quantile(q)
			if got < want || float64(got) > float64(want)*1.01 {
				t.Fatalf("quantile %v of %d is %d, want %d", q, len(all), got, want)
			}
		}
	}
}

func TestBucketsOfLags(t *testing.T) {
	for _, lag := range []time.Duration{0, 1, 127, 128, 255, 256, 257, 511, 512, time.Second, math.MaxInt64} {
		b := bucket(lag)
		if upper(b) < lag || b > 0 && upper(b-1) >= lag {
			t.Errorf("lag %d is in bucket %d, from %d to %d", lag, b, upper(b-1)+1, upper(b))
		}
	}
	if (&lags{}).quantile(0.5) != 0 {
		t.Error("no lags have a median")
	}
}
