package measure_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// echo is a change due and sent at a time in ms and seen so many ms later; -1:
// never.
func echo(due, late int) measure.Echo {
	e := measure.Echo{Due: at(due), Sent: at(due), Accepted: at(due + 1)}
	if late >= 0 {
		e.Seen = at(due + late)
	}
	return e
}

// tenSeconds is the probing of ten seconds, every 100 ms.
var tenSeconds = measure.Probing{From: at(0), To: at(10_000), Interval: 100 * millisecond, Grace: time.Second, What: "pod"}

func TestLagIsTheBarOfAMeasure(t *testing.T) {
	g := NewWithT(t)
	echoes := []measure.Echo{echo(-200, 90), echo(-100, 90)} // before
	for i := range 101 {
		echoes = append(echoes, echo(i*100, min(i+1, 100)))
	}
	echoes = append(echoes, echo(10_100, 90)) // after
	lag, bar, ok := measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect(bar).To(Equal(100 * millisecond))
	g.Expect(lag.What).To(Equal("pod"))
	g.Expect([]int64{lag.Count, lag.Missing}).To(Equal([]int64{101, 0}))
	g.Expect([]float64{*lag.P50, *lag.P99, *lag.Max}).To(Equal([]float64{0.051, 0.100, 0.100}))
}

// One change in flight for two seconds hides nineteen others, which would have
// been as late as it was, each a little less.
func TestAStallCountsForAsLongAsItLasts(t *testing.T) {
	g := NewWithT(t)
	var echoes []measure.Echo
	for due := 0; due <= 10_000; due += 100 {
		switch {
		case due == 5000:
			echoes = append(echoes, echo(due, 2000))
		case due < 5000 || due >= 7000:
			echoes = append(echoes, echo(due, 5))
		}
	}
	lag, bar, ok := measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect(lag.Count).To(Equal(int64(101)), "every due time")
	g.Expect(bar).To(BeNumerically(">=", 1900*millisecond))
	short := tenSeconds
	short.To = at(5000)
	_, bar, _ = measure.Lag(echoes, short)
	g.Expect(bar).To(Equal(2*time.Second), "sent within the time, and seen after it")
}

func TestAChangeThatWasRefusedSaysNothing(t *testing.T) {
	g := NewWithT(t)
	var echoes []measure.Echo
	for due := 0; due <= 10_000; due += 100 {
		echoes = append(echoes, echo(due, 5))
	}
	echoes[50] = measure.Echo{Due: at(5000), Sent: at(5000)}
	lag, _, ok := measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect([]int64{lag.Count, lag.Missing}).To(Equal([]int64{101, 0}))
	g.Expect(*lag.Max).To(Equal(0.105), "the next one answers for it")
}

func TestAnEchoThatNeverCameMakesTheBarUnbounded(t *testing.T) {
	g := NewWithT(t)
	var echoes []measure.Echo
	for due := 0; due <= 9500; due += 100 {
		echoes = append(echoes, echo(due, 5))
	}
	lag, bar, ok := measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect(bar).To(Equal(5*millisecond), "the last ones may still come")
	g.Expect(lag.Missing).To(BeZero())

	for i := range 2 {
		echoes[40+i].Seen = time.Time{}
	}
	lag, bar, ok = measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect(bar).To(Equal(spec.Missing))
	g.Expect(lag.Missing).To(Equal(int64(2)))
	g.Expect(*lag.P50).To(Equal(0.005))
	g.Expect(lag.P99).To(BeNil())
}

func TestAProbeThatStoppedMakesTheBarUnbounded(t *testing.T) {
	g := NewWithT(t)
	var echoes []measure.Echo
	for due := 0; due <= 4000; due += 100 {
		echoes = append(echoes, echo(due, 5))
	}
	lag, bar, ok := measure.Lag(echoes, tenSeconds)
	g.Expect(ok).To(BeTrue())
	g.Expect(bar).To(Equal(spec.Missing))
	g.Expect(lag.Missing).To(Equal(int64(50)), "from 4.1 to 9 s")
}

func TestWithoutEchoesThereIsNoBar(t *testing.T) {
	g := NewWithT(t)
	lag, _, ok := measure.Lag(nil, tenSeconds)
	g.Expect(ok).To(BeFalse())
	g.Expect(lag.P99).To(BeNil())
	short := tenSeconds
	short.To = at(300)
	lag, _, ok = measure.Lag([]measure.Echo{echo(0, 5), echo(100, 5), echo(200, 5), echo(300, 5)}, short)
	g.Expect(ok).To(BeFalse(), "four are too few")
	g.Expect(*lag.P99).To(Equal(0.005))
}
