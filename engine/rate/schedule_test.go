package rate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, s Schedule, err error) Schedule {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func constant(t testing.TB, rate float64, count int, dur, ramp time.Duration) Schedule {
	t.Helper()
	s, err := Constant(rate, count, dur, ramp)
	return must(t, s, err)
}

func TestConstant(t *testing.T) {
	tests := map[string]struct {
		rate      float64
		count     int
		dur, ramp time.Duration
		wantLen   int
		wantLast  time.Duration
		wantDur   time.Duration
		wantAsked float64
	}{
		"by count":                     {100, 1000, 0, 0, 1000, 9990 * time.Millisecond, 10 * time.Second, 100},
		"by time":                      {100, 0, 10 * time.Second, 0, 1000, 9990 * time.Millisecond, 10 * time.Second, 100},
		"count before time":            {100, 50, 10 * time.Second, 0, 50, 490 * time.Millisecond, 500 * time.Millisecond, 100},
		"time before count":            {100, 5000, 10 * time.Second, 0, 1000, 9990 * time.Millisecond, 10 * time.Second, 100},
		"count and time agree":         {100, 1000, 10 * time.Second, 0, 1000, 9990 * time.Millisecond, 10 * time.Second, 100},
		"time between two":             {100, 0, 1005 * time.Millisecond, 0, 101, time.Second, 1005 * time.Millisecond, 100},
		"rounding adds none":           {0.1, 0, 30 * time.Second, 0, 3, 20 * time.Second, 30 * time.Second, 0.1},
		"rounding adds none, 1.1":      {1.1, 0, 10 * time.Second, 0, 11, 9090909091, 10 * time.Second, 1.1},
		"one":                          {3, 1, 0, 0, 1, 0, 333333333, 3},
		"slower than its time":         {0.01, 0, time.Second, 0, 1, 0, time.Second, 0.01},
		"ramp, then the rate":          {100, 0, 20 * time.Second, 10 * time.Second, 1500, 19990 * time.Millisecond, 20 * time.Second, 75},
		"ramp only":                    {100, 0, 10 * time.Second, 10 * time.Second, 500, 9989994995, 10 * time.Second, 50},
		"count ends within the ramp":   {100, 125, 0, 10 * time.Second, 125, 4979959839, 5 * time.Second, 25},
		"count ends where it ends":     {100, 500, 0, 10 * time.Second, 500, 9989994995, 10 * time.Second, 50},
		"a very long one is cut by it": {10, Most, 0, 0, Most, 999999900 * time.Millisecond, 1e6 * time.Second, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := constant(t, tt.rate, tt.count, tt.dur, tt.ramp)
			if s.Len() != tt.wantLen || s.Duration() != tt.wantDur {
				t.Errorf("%d operations in %v, want %d in %v", s.Len(), s.Duration(), tt.wantLen, tt.wantDur)
			}
			if got := s.Due(s.Len() - 1); got != tt.wantLast {
				t.Errorf("the last is due at %v, want %v", got, tt.wantLast)
			}
			if s.Due(0) != 0 {
				t.Errorf("the first is due at %v, want 0s", s.Due(0))
			}
			if math.Abs(s.Asked()/tt.wantAsked-1) > 1e-8 {
				t.Errorf("asked %v, want %v", s.Asked(), tt.wantAsked)
			}
		})
	}
}

// The exact due time of operation i is i·10⁹/rate nanoseconds, in rationals.
func TestDueOfAConstantRateIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		rate := math.Exp(random.Float64()*12 - 2)
		s := constant(t, rate, 1+random.IntN(Most/100), 0, 0)
		i := random.IntN(s.Len())
		exact := new(big.Rat).Quo(new(big.Rat).SetInt64(int64(i)*1e9), new(big.Rat).SetFloat64(rate))
		want, _ := exact.Float64()
		if diff := math.Abs(float64(s.Due(i)) - want); diff > 1 {
			t.Fatalf("at %v/s operation %d is due at %d ns, want %.1f", rate, i, s.Due(i), want)
		}
	}
}

func TestRampIsASquareRoot(t *testing.T) {
	s := constant(t, 1000, 0, time.Minute, time.Minute)
	for i := range s.Len() {
		want := math.Sqrt(2 * float64(i) * 60 / 1000)
		if diff := s.Due(i).Seconds() - want; math.Abs(diff) > 2e-9 {
			t.Fatalf("operation %d is due at %v, want %v s", i, s.Due(i), want)
		}
	}
}

// A ramp up and the same ramp down are each other's mirror image.
func TestRampDownMirrorsRampUp(t *testing.T) {
	const whole = 10 * time.Second
	up, err := Stages([]Stage{{Rate: 100, For: whole, Ramp: true}}, 0)
	must(t, up, err)
	down, err := Stages([]Stage{{Rate: 100, For: 1}, {Rate: 0, For: whole, Ramp: true}}, 0)
	must(t, down, err)
	for i := 1; i < 500; i++ {
		diff := up.Due(i) - (whole - down.Due(500-i))
		if diff.Abs() > 20*time.Nanosecond {
			t.Errorf("operation %d: up at %v, down mirrored at %v", i, up.Due(i), whole-down.Due(500-i))
		}
	}
}

// Operations never belong to a pause: what comes due exactly when it begins
// comes due when it ends.
func TestPause(t *testing.T) {
	stages := []Stage{{Rate: 0.1, For: 30 * time.Second}, {Rate: 0, For: 5 * time.Second}, {Rate: 10, For: time.Second}}
	s, err := Stages(stages, 0)
	must(t, s, err)
	if s.Len() != 13 || s.Due(2) != 20*time.Second || s.Due(3) != 35*time.Second || s.Duration() != 36*time.Second {
		t.Errorf("%d operations, due(2) %v, due(3) %v, in %v", s.Len(), s.Due(2), s.Due(3), s.Duration())
	}
	s, err = Stages(stages, 3)
	must(t, s, err)
	if s.Len() != 3 || s.Duration() != 30*time.Second || s.Asked() != 0.1 {
		t.Errorf("three operations before the pause: %d in %v, %v/s", s.Len(), s.Duration(), s.Asked())
	}
	s, err = Stages(stages[1:], 0)
	must(t, s, err)
	if s.Due(0) != 5*time.Second {
		t.Errorf("after a pause of 5s the first is due at %v", s.Due(0))
	}
}

func TestStagesEndWithTheirCount(t *testing.T) {
	s, err := Stages([]Stage{{Rate: 10, For: time.Second}, {Rate: 100, For: time.Second}}, 60)
	must(t, s, err)
	if s.Len() != 60 || s.Duration() != 1500*time.Millisecond || s.Asked() != 40 {
		t.Errorf("%d operations in %v, %v/s", s.Len(), s.Duration(), s.Asked())
	}
}

// The due times of random stages are compared with a numerical integration of
// the rate as the documentation has it, which shares no code with Due.
func TestDueIsWhereTheIntegralReachesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		stages := randomStages(random)
		s, err := Stages(stages, 0)
		must(t, s, err)
		total := integral(stages, s.Duration())
		if n := float64(s.Len()); n < total-1e-3 || n >= total+1+1e-3 {
			t.Fatalf("%v: %d operations, but the integral of the rate is %v", stages, s.Len(), total)
		}
		last := time.Duration(-1)
		for i := range s.Len() {
			due := s.Due(i)
			if due < last || due > s.Duration() {
				t.Fatalf("%v: operation %d is due at %v, after one at %v, in a schedule of %v", stages, i, due, last, s.Duration())
			}
			last = due
		}
		for range 20 {
			i := random.IntN(s.Len())
			if n := integral(stages, s.Due(i)); math.Abs(n-float64(i)) > 1e-3 {
				t.Fatalf("%v: operation %d is due at %v, where the integral is %v", stages, i, s.Due(i), n)
			}
		}
	}
}

func randomStages(random *rand.Rand) []Stage {
	stages := []Stage{{Rate: 1 + random.Float64()*50, For: time.Second}}
	for range random.IntN(5) {
		stage := Stage{Rate: random.Float64() * 200, For: time.Duration(1 + random.Int64N(int64(20*time.Second))), Ramp: random.IntN(2) == 0}
		if random.IntN(5) == 0 {
			stage.Rate = 0
		}
		stages = append(stages, stage)
	}
	return stages
}

// integral is ∫ rate from 0 to end, by the midpoints of a thousand slices a stage.
func integral(stages []Stage, end time.Duration) float64 {
	sum, previous := 0.0, 0.0
	for _, stage := range stages {
		time := min(stage.For, max(end, 0)).Seconds()
		for slice := range 1000 {
			rate := stage.Rate
			if stage.Ramp {
				at := time * (float64(slice) + 0.5) / 1000
				rate = previous + (stage.Rate-previous)*at/stage.For.Seconds()
			}
			sum += rate * time / 1000
		}
		end -= stage.For
		previous = stage.Rate
	}
	return sum
}

func TestBurst(t *testing.T) {
	s := Burst(3)
	if s.Len() != 3 || s.Due(2) != 0 || s.Duration() != 0 || s.Asked() != 0 {
		t.Errorf("%d operations, due(2) %v, in %v, %v/s", s.Len(), s.Due(2), s.Duration(), s.Asked())
	}
	if Burst(-1).Len() != 0 {
		t.Error("a negative burst has operations")
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	constants := map[string]struct {
		rate      float64
		count     int
		dur, ramp time.Duration
		want      string
	}{
		"zero":           {0, 1, 0, 0, "the rate is 0"},
		"negative":       {-1, 1, 0, 0, "the rate is -1"},
		"not a number":   {math.NaN(), 1, 0, 0, "the rate is NaN"},
		"infinite":       {math.Inf(1), 1, 0, 0, "the rate is +Inf"},
		"no end":         {1, 0, 0, 0, "no end"},
		"negative count": {1, -1, time.Second, 0, "the count is -1"},
		"negative time":  {1, 1, -time.Second, 0, "for -1s"},
		"negative ramp":  {1, 1, 0, -time.Second, "ramp -1s"},
		"ramp too long":  {1, 1, time.Second, time.Minute, "longer than the whole time"},
		"too many":       {1e6, 0, time.Minute, 0, "60000000 operations"},
		"one too many":   {1e6, Most + 1, 0, 0, "10000001 operations"},
		"too long":       {1, 1, 101 * 24 * time.Hour, 0, "longer than 100 days"},
		"too slow":       {1e-6, 1000, 0, 0, "longer than 100 days"},
		"ramp for years": {1, 1, 0, 1000 * 24 * time.Hour, "longer than 100 days"},
	}
	for name, tt := range constants {
		_, err := Constant(tt.rate, tt.count, tt.dur, tt.ramp)
		refused(t, name, err, tt.want)
	}
	stages := map[string]struct {
		stages []Stage
		count  int
		want   string
	}{
		"none":             {nil, 5, "no stages"},
		"negative rate":    {[]Stage{{1, time.Second, false}, {-2, time.Second, true}}, 0, "the rate of stage 2 is -2"},
		"not a number":     {[]Stage{{math.NaN(), time.Second, false}}, 0, "the rate of stage 1 is NaN"},
		"no time":          {[]Stage{{1, 0, false}}, 3, "the time of stage 1 is 0s"},
		"no operations":    {[]Stage{{0, time.Second, false}}, 0, "no operation is due"},
		"negative count":   {[]Stage{{1, time.Second, false}}, -3, "the count is -3"},
		"too long in all":  {[]Stage{{1, Longest, false}, {1, 1, false}}, 1, "longer than 100 days"},
		"too many in all":  {[]Stage{{1e5, time.Minute, false}, {1e5, time.Minute, false}}, 0, "12000000 operations"},
		"infinite product": {[]Stage{{math.MaxFloat64, time.Hour, false}}, 0, "operations are due"},
	}
	for name, tt := range stages {
		_, err := Stages(tt.stages, tt.count)
		refused(t, name, err, tt.want)
	}
}

func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %q in it", name, err, want)
	}
}
