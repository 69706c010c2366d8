package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/probe"
)

// job is what the sending agent of a pair does.
func (n *network) job(p *pair) probe.Job {
	m := n.m.Network
	if n.what() == "throughput" {
		return probe.Job{Throughput: &probe.ThroughputJob{
			Address: p.address, Streams: cmp.Or(m.Streams, 1), For: n.time() + discard, Discard: discard,
		}}
	}
	return probe.Job{RoundTrips: &probe.RoundTripJob{
		Transaction: n.what(), Address: p.address, Rate: n.rate(), For: n.time(), Bytes: n.bytes(),
	}}
}

// discard is the beginning of a stream that does not count: TCP feels its way. It is
// added to the time that is measured.
const discard = time.Second

func (n *network) rate() float64 { return cmp.Or(n.m.Network.Rate, networkRate) }

func (n *network) bytes() int { return cmp.Or(n.m.Network.Bytes, networkBytes) }

func (n *network) time() time.Duration {
	if n.what() == "throughput" {
		return n.m.Network.For.Or(plan.ThroughputTime)
	}
	return n.m.Network.For.Or(plan.NetworkTime)
}

// start begins the transactions of all pairs, spread over the time between two of
// them: on one node they shall not wait for each other. Throughput begins when it
// is waited for, pair after pair.
func (n *network) start(ctx context.Context) error {
	n.began = time.Now()
	if n.what() == "throughput" {
		return nil
	}
	between := time.Duration(float64(time.Second) / n.rate() / float64(len(n.pairs)))
	var all sync.WaitGroup
	for i, p := range n.pairs {
		if !pause(ctx, time.Until(n.began.Add(time.Duration(i)*between))) {
			p.err = context.Cause(ctx)
			break
		}
		all.Go(func() {
			p.at = time.Now()
			p.begun, p.err = sender{p.from}.start(ctx, n.job(p), n.progress(i))
		})
	}
	all.Wait()
	err := n.failed()
	if err != nil {
		var begun []*sending
		for _, p := range n.pairs {
			begun = append(begun, p.begun)
		}
		abandon(ctx, begun)
	}
	return err
}

func (n *network) progress(i int) func(string) {
	if i > 0 {
		return nil
	}
	return func(text string) { n.w.Progress(fmt.Sprintf("%s: %s, of 1 of %d pairs", n.m.Name, text, len(n.pairs))) }
}

// wait waits for all pairs. The time of a network measure is always bounded.
func (n *network) wait(ctx context.Context, _ <-chan struct{}) {
	if n.what() == "throughput" {
		for i, p := range n.pairs {
			n.w.Progress(fmt.Sprintf("%s: pair %d of %d, %s", n.m.Name, i+1, len(n.pairs), p))
			p.at = time.Now().Add(discard)
			if p.report, p.err = p.from.Do(ctx, n.job(p), nil); p.err != nil {
				return
			}
		}
		return
	}
	var all sync.WaitGroup
	for _, p := range n.pairs {
		all.Go(func() { p.report, p.err = p.begun.wait(ctx, nil) })
	}
	all.Wait()
}

func (n *network) failed() error {
	var errs []error
	for _, p := range n.pairs {
		if p.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p, p.err))
		}
	}
	return errors.Join(errs...)
}

func (n *network) taken(context.Context) (taken, error) {
	if err := n.failed(); err != nil {
		return taken{}, err
	}
	var out taken
	var err error
	if n.what() == "throughput" {
		out, err = n.throughput()
	} else {
		out, err = n.roundTrips()
	}
	if err != nil {
		return taken{}, err
	}
	out.measured.What = n.words()
	out.notes = append(slices.Clone(n.notes), out.notes...)
	for _, p := range n.pairs {
		if p.report.ThrottledTimes > 0 {
			out.notes = append(out.notes, throttled(p.from.String(), p.report))
			out.doubt, out.doubtful = p.from.String()+" was throttled meanwhile: its times are not the network's", event.ReasonError
		}
	}
	return out, nil
}

var errNoReport = errors.New("an agent gave no report: it may be of another version")

func (n *network) roundTrips() (taken, error) {
	var trips []measure.PairTrips
	var out taken
	var lagP99, worstLag time.Duration
	for _, p := range n.pairs {
		r := p.report.RoundTrips
		if r == nil {
			return out, errNoReport
		}
		trips = append(trips, measure.PairTrips{From: p.from.Node, To: p.to.Node, Host: p.host, Took: r.Service, Lost: r.Lost, Bar: r.LagP99})
		lagP99, worstLag = max(lagP99, r.LagP99), max(worstLag, r.WorstLag)
		out.samples, out.missing = out.samples+int64(r.Due), out.missing+int64(r.Lost)
		for _, kind := range measure.Kinds(r.Errors) {
			out.notes = append(out.notes, fmt.Sprintf("%s: %d lost: %s", p, kind.Count, kind.What))
		}
		if r.Short != "" {
			out.short = fmt.Sprintf("%s: %s", p, r.Short)
		}
	}
	got := measure.Network(trips)
	out.value, out.low, out.high, out.measured = got.Value, got.Low, got.High, got.Measured
	out.notes = append(out.notes, fmt.Sprintf("the largest p99 has %s", got.Worst),
		fmt.Sprintf("the agents' own lag: p99 %s, worst %s; a sample may be that much too long", fine(lagP99), fine(worstLag)))
	if v := got.Value; got.HostWorst != "" {
		out.notes = append(out.notes, fmt.Sprintf("the pod network adds %s at the median to the %s between the nodes themselves",
			fine(v.All.P50-v.Host.P50), fine(v.Host.P50)))
	} else {
		out.without = map[string]string{"host": "only control: true measures between the nodes' own networks"}
	}
	return out, nil
}

func (n *network) throughput() (taken, error) {
	var bits []measure.PairBits
	var out taken
	for _, p := range n.pairs {
		r := p.report.Throughput
		if r == nil {
			return out, errNoReport
		}
		bits = append(bits, measure.PairBits{From: p.from.Node, To: p.to.Node, Host: p.host, Each: r.Each, Start: p.at.Sub(n.w.began)})
		if !p.host {
			out.samples++
		}
	}
	got := measure.Throughput(bits)
	out.value, out.measured = got.Value, got.Measured
	return out, nil
}

// fine is a duration with three digits.
func fine(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d.Abs() < 1000*unit {
			return d.Round(unit)
		}
	}
}

// words say what was measured: a figure of a network means nothing without them.
func (n *network) words() string {
	m := n.m.Network
	streams := "one TCP stream"
	if m.Streams > 1 {
		streams = fmt.Sprintf("%d TCP streams", m.Streams)
	}
	what := map[string]string{
		"rtt":        fmt.Sprintf("TCP round trips of %d bytes on an open connection", n.bytes()),
		"connect":    "opening a TCP connection",
		"request":    fmt.Sprintf("opening a TCP connection, %d bytes there and back", n.bytes()),
		"udp":        fmt.Sprintf("UDP round trips of %d bytes", n.bytes()),
		"dns":        "resolving the full name of a Service",
		"throughput": streams,
	}[n.what()]
	way := "pod → ClusterIP → pod"
	switch {
	case n.what() == "dns":
		way = "pod → cluster DNS"
	case m.Path == "pod":
		way = "pod → pod"
	}
	where := "on different nodes"
	if m.Between == "same" {
		where = "on the same node"
	}
	count := 0
	for _, p := range n.pairs {
		if !p.host {
			count++
		}
	}
	pace := fmt.Sprintf("%g a second for %s between each of %d pairs, from when each was sent", n.rate(), n.time(), count)
	if n.what() == "throughput" {
		pace = fmt.Sprintf("for %s between each of %d pairs, one after the other; the median of the seconds of each", n.time(), count)
	}
	text := fmt.Sprintf("%s, %s %s, %s", what, way, where, pace)
	if m.Control {
		text += "; host: between the nodes' own networks"
	}
	return text
}
