package measure_test

import (
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

func TestACallIsTimedFromWhenItWasDue(t *testing.T) {
	g := NewWithT(t)
	var c measure.Calls
	c.Shot(1, at(10), at(200), at(210), nil)
	c.Shot(2, at(20), at(20), at(21), nil)
	s, m := c.Series()
	g.Expect(s.Max).To(Equal(200*millisecond), "it waited for its turn")
	g.Expect(s.Count).To(Equal(int64(2)))
	g.Expect(m.Name).To(Equal("latency"))
	g.Expect(m.Samples[0].Object).To(Equal("1"), "the index of the template")

	c.Shot(3, at(30), at(30), at(31), errors.New("refused"))
	c.Shot(4, at(40), time.Time{}, time.Time{}, nil) // dropped
	s, m = c.Series()
	g.Expect([]int64{s.Count, s.Missing}).To(Equal([]int64{2, 2}))
	g.Expect(s.Max).To(Equal(spec.Missing))
	g.Expect(m.Max).To(BeNil())
	g.Expect(m.Samples[3].Value).To(BeNil())
}

func TestManyCallsAreNotListed(t *testing.T) {
	g := NewWithT(t)
	var c measure.Calls
	for i := range 10_000 {
		c.Shot(i, at(0), at(0), at(i%100), nil)
	}
	_, m := c.Series()
	g.Expect(m.Samples).To(HaveLen(10_000))
	c.Shot(6, at(0), at(0), at(7), nil)
	s, m := c.Series()
	g.Expect(m.Samples).To(BeEmpty())
	g.Expect(s.Count).To(Equal(int64(10_001)))
	g.Expect(*m.Intervals["p50"][0]).To(BeNumerically("~", 0.048, 0.0011))
	g.Expect(c.Error()).To(BeZero())
}
