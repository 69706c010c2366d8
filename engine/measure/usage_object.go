package measure

import (
	"time"
)

// used is what was read of one object.
type used struct {
	UsageObject
	first, last  int // rounds
	source       string
	cpu          []reckoned // cumulative
	beginning    int        // how many of them were there when the time began
	ending       int        // and when it ended
	rates        []rate     // of the metrics API
	memory       []reckoned
	stored, size []reckoned
	rx, tx       []reckoned // cumulative
}

// reckoned is a value with the kubelet's stamp.
type reckoned struct {
	at    time.Time
	value float64
}

// rate is an average over the time that ends at a stamp.
type rate struct {
	at     time.Time
	cores  float64
	window time.Duration
}

func (o *used) see(r UsageReading) {
	if r.CPU != nil || r.Cores != nil {
		if o.source == "" {
			o.source = r.Source
		}
		if o.source != r.Source {
			// The same counter with stamps of another resolution: its differences would
			// be of two clocks.
			r.CPU, r.Cores, r.Memory = nil, nil, nil
		}
	}
	add(&o.cpu, r.At, r.CPU)
	if r.Cores != nil && (len(o.rates) == 0 || r.At.After(o.rates[len(o.rates)-1].at)) {
		o.rates = append(o.rates, rate{r.At, *r.Cores, r.Window})
	}
	add(&o.memory, r.At, r.Memory)
	add(&o.stored, r.At, r.Stored)
	add(&o.size, r.At, r.Storage)
	add(&o.rx, r.At, r.Received)
	add(&o.tx, r.At, r.Sent)
}

// add appends a value with a new stamp.
func add(all *[]reckoned, at time.Time, value *float64) {
	if value == nil || len(*all) > 0 && !at.After((*all)[len(*all)-1].at) {
		return
	}
	*all = append(*all, reckoned{at, *value})
}

func (o *used) stamp() time.Time {
	switch {
	case len(o.cpu) > 0:
		return o.cpu[len(o.cpu)-1].at
	case len(o.rates) > 0:
		return o.rates[len(o.rates)-1].at
	}
	return time.Time{}
}

// figures are those of one object.
type figures struct {
	*used
	cpu, memory, storage amount
	received, sent       amount
	steps                []step // of CPU
	stamps               int
	censored             int // intervals in which the counter began again
	from, to             time.Time
	weight               float64 // the part of the time in which it was there
	low, high            float64 // bounds of the mean of CPU over the time asked for
}

// amount is the mean and the peak of something, and what there is of it.
type amount struct {
	is       bool
	mean, of float64
	peak     float64
}

// step is the time between two stamps and the average in it.
type step struct {
	from, to time.Time
	rate     float64
}

func (u *Usage) figuresOf(o *used, free bool) *figures {
	f := &figures{used: o, weight: 1}
	counter := o.cpu
	if free = free && len(counter)-o.beginning >= neededStamps; free {
		counter = counter[o.beginning:]
	}
	f.steps, f.censored = steps(counter)
	f.stamps = len(counter)
	if len(o.rates) > 0 {
		f.steps, f.stamps = windows(o.rates), len(o.rates)
	}
	f.cpu = averageOf(f.steps, o.CPU)
	f.memory = meanOf(o.memory, o.Memory)
	f.storage = meanOf(o.stored, meanOf(o.size, 0).mean)
	received, _ := steps(o.rx)
	sent, _ := steps(o.tx)
	f.received, f.sent = averageOf(received, 0), averageOf(sent, 0)
	if n := len(f.steps); n > 0 {
		f.from, f.to = f.steps[0].from, f.steps[n-1].to
	}
	asked := u.ended.Sub(u.began)
	whole := o.first == 1 && o.last >= u.end
	if !whole && asked > 0 {
		f.weight = min(f.to.Sub(f.from).Seconds()/asked.Seconds(), 1)
	}
	f.low, f.high = f.cpu.mean, f.cpu.mean
	if whole && !free && asked > 0 && len(counter) > 0 {
		inside, _ := steps(counter[o.beginning:max(o.ending, o.beginning)])
		f.low, f.high = min(count(inside)/asked.Seconds(), f.cpu.mean), max(count(f.steps)/asked.Seconds(), f.cpu.mean)
	}
	return f
}

// steps are the intervals of a counter. Where it went down it began again in
// between, so that what was counted until then is not known: that interval is
// censored, and neither its time nor its count is in any average.
func steps(counter []reckoned) (all []step, censored int) {
	for i := 1; i < len(counter); i++ {
		a, b := counter[i-1], counter[i]
		if b.value < a.value {
			censored++
			continue
		}
		all = append(all, step{a.at, b.at, (b.value - a.value) / b.at.Sub(a.at).Seconds()})
	}
	return all, censored
}

// windows are the intervals of the metrics API, which may overlap or leave gaps.
func windows(rates []rate) []step {
	var all []step
	for _, r := range rates {
		if r.window > 0 {
			all = append(all, step{r.at.Add(-r.window), r.at, r.cores})
		}
	}
	return all
}

// count is what a counter counted.
func count(steps []step) (n float64) {
	for _, s := range steps {
		n += s.rate * s.to.Sub(s.from).Seconds()
	}
	return n
}

// averageOf is the mean weighted by time.
func averageOf(steps []step, of float64) amount {
	a := amount{of: of}
	var seconds float64
	for _, s := range steps {
		seconds += s.to.Sub(s.from).Seconds()
		a.peak = max(a.peak, s.rate)
	}
	if seconds > 0 {
		a.is, a.mean = true, count(steps)/seconds
	}
	return a
}

// meanOf is the mean of samples.
func meanOf(samples []reckoned, of float64) amount {
	a := amount{of: of, is: len(samples) > 0}
	for _, s := range samples {
		a.mean += s.value / float64(len(samples))
		a.peak = max(a.peak, s.value)
	}
	return a
}
