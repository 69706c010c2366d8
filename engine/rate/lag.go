package rate

import (
	"math"
	"math/bits"
	"time"
)

// fine is how many buckets there are between a lag and twice that lag: none is
// wider than 1/fine of what is in it.
const (
	fineBits = 7
	fine     = 1 << fineBits
)

// lags is a histogram of durations with a fixed size and a fixed relative
// precision (under 1 %): ten million lags take as much room as ten. Those below
// fine nanoseconds have a bucket each; above, each power of two has fine.
type lags struct {
	count   int
	buckets [(64 - fineBits) * fine]uint32
}

// add counts a lag of 0 or more.
func (l *lags) add(lag time.Duration) {
	l.count++
	l.buckets[bucket(lag)]++
}

// quantile is the nearest rank, as the upper end of its bucket. It is 0 when
// there is none.
func (l *lags) quantile(q float64) time.Duration {
	rest := max(int(math.Ceil(q*float64(l.count)-1e-9)), 1)
	if l.count == 0 {
		return 0
	}
	for i, n := range l.buckets {
		if rest -= int(n); rest <= 0 {
			return upper(i)
		}
	}
	return math.MaxInt64
}

// bucket keeps the leading fineBits+1 bits of a lag: the rest is the width of
// its bucket.
func bucket(lag time.Duration) int {
	drop := max(bits.Len64(uint64(lag))-fineBits-1, 0)
	return drop<<fineBits + int(lag>>drop)
}

// upper is the largest lag in a bucket.
func upper(bucket int) time.Duration {
	drop := max(bucket>>fineBits-1, 0)
	lead := bucket - drop<<fineBits
	return time.Duration(lead+1)<<drop - 1
}
