package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// PairTrips are the round trips from one node to another.
type PairTrips struct {
	From, To string // nodes
	Host     bool   // between the nodes' own networks
	// Took are those that came back, from when each was sent.
	Took []time.Duration
	Lost int // those that did not, or not in time
	// Bar is the prober's own lag: how much a sample may be longer than the truth. It
	// is never shorter.
	Bar time.Duration
}

// Name is the pair as reports call it.
func (p PairTrips) Name() string { return pairName(p.From, p.To) }

func pairName(from, to string) string { return from + " → " + to }

// NetworkResult is what a network measure of round trips gives. Low has every
// sample shorter by its pair's Bar; nothing is longer than measured.
type NetworkResult struct {
	Value, Low, High spec.Network
	Measured         event.Measured
	// Worst names the pair with the largest p99, HostWorst that between the nodes' own
	// networks; empty where there is none.
	Worst, HostWorst string
}

// Network puts the round trips of all pairs together. A lost one is missing: it
// counts above every limit.
func Network(pairs []PairTrips) NetworkResult {
	var r NetworkResult
	var bar time.Duration
	take := func(host bool, allName, worstName string) (all, worst bounded, name string) {
		var whole trips
		var groups []bounded
		var sets []*set
		for _, p := range pairs {
			if p.Host != host {
				continue
			}
			one := p.trips()
			whole.add(one)
			groups = append(groups, one.summarize())
			sets = append(sets, one.set(allName, p.Name()))
			bar = max(bar, p.Bar)
		}
		if len(sets) == 0 {
			return all, worst, ""
		}
		all = whole.summarize()
		worst, i := worstPair(groups)
		named := set{name: worstName, samples: sets[i].samples}
		r.Measured.Series = append(r.Measured.Series, whole.set(allName, "").measured(all.nominal, false), named.measured(worst.nominal, false))
		for i := range sets {
			r.Measured.Series = append(r.Measured.Series, sets[i].measured(groups[i].nominal, false))
		}
		return all, worst, sets[i].group
	}
	all, worst, name := take(false, "all", "worst")
	host, hostWorst, hostName := take(true, "host", "hostWorst")
	r.Worst, r.HostWorst = name, hostName
	r.Value = spec.Network{All: all.nominal, Worst: worst.nominal, Host: host.nominal, HostWorst: hostWorst.nominal}
	r.Low = spec.Network{All: all.low, Worst: worst.low, Host: host.low, HostWorst: hostWorst.low}
	r.High = r.Value
	r.High.Worst, r.High.HostWorst = worst.high, hostWorst.high
	r.Measured.Unit, r.Measured.From = "s", "sent"
	if len(pairs) > 0 {
		r.Measured.Error = seconds(bar)
	}
	return r
}

// trips are round trips, as measured and as short as they may have been.
type trips struct {
	took, low []time.Duration
	lost      int
}

func (p PairTrips) trips() trips {
	t := trips{took: p.Took, low: make([]time.Duration, len(p.Took)), lost: p.Lost}
	for i, d := range p.Took {
		t.low[i] = max(d-p.Bar, 0)
	}
	return t
}

func (t *trips) add(o trips) {
	t.took, t.low, t.lost = append(t.took, o.took...), append(t.low, o.low...), t.lost+o.lost
}

func (t trips) summarize() bounded {
	b := bounded{nominal: stats.Summarize(t.took, t.lost), low: stats.Summarize(t.low, t.lost)}
	b.high = b.nominal
	return b
}

// set are the trips without names: those of a pair are all alike.
func (t trips) set(name, group string) *set {
	s := &set{name: name, group: group, samples: make([]sample, len(t.took)+t.lost)}
	for i, d := range t.took {
		s.samples[i] = sample{took: d, came: true}
	}
	return s
}

// worstPair is the pair with the largest p99; of equal ones that with the larger
// max, then the first.
func worstPair(pairs []bounded) (bounded, int) {
	i := 0
	for j, p := range pairs {
		a, b := p.nominal, pairs[i].nominal
		if cmp.Or(cmp.Compare(a.P99, b.P99), cmp.Compare(a.Max, b.Max)) > 0 {
			i = j
		}
	}
	return pairs[i].among(pairs, func(s *spec.Series) *time.Duration { return &s.P99 }), i
}

// PairBits is the throughput from one node to another.
type PairBits struct {
	From, To string
	Host     bool
	Each     []float64 // bits a second of every second
	// Start is when its first second began, since the run did.
	Start time.Duration
}

// ThroughputResult is what a network measure of throughput gives.
type ThroughputResult struct {
	Value    spec.Values // of the pairs, in bits a second
	Measured event.Measured
}

// Throughput is the median over the seconds of each pair, and the numbers of all
// pairs but those between the nodes' own networks, which stand beside them.
func Throughput(pairs []PairBits) ThroughputResult {
	var all, host []float64
	var groups []event.MeasuredSeries
	var lines []event.Timeline
	for _, p := range pairs {
		seconds := stats.SummarizeValues(p.Each)
		name := "all"
		if p.Host {
			name = "host"
			host = append(host, seconds.P50)
		} else {
			all = append(all, seconds.P50)
		}
		groups = append(groups, shownValues(name, pairName(p.From, p.To), seconds))
		line := event.Timeline{Name: pairName(p.From, p.To), Unit: "bit/s", Start: p.Start.Seconds()}
		if p.Host {
			line.Name += " host"
		}
		for i, bits := range p.Each {
			line.Points = append(line.Points, [2]float64{float64(i), bits})
		}
		lines = append(lines, line)
	}
	r := ThroughputResult{Value: stats.SummarizeValues(all)}
	r.Measured = event.Measured{Unit: "bit/s", Timelines: lines}
	r.Measured.Series = append(r.Measured.Series, shownValues("", "", r.Value))
	if len(host) > 0 {
		r.Measured.Series = append(r.Measured.Series, shownValues("host", "", stats.SummarizeValues(host)))
	}
	r.Measured.Series = append(r.Measured.Series, groups...)
	return r
}

// PairNode is a node between which pairs are chosen.
type PairNode struct{ Name, Zone string }

// Pairs chooses at most that many pairs of different nodes, each direction being
// one, always the same ones of the same nodes. Nodes are put in a ring in which the
// zones take turns; first come the neighbours, then those that are two apart, and so
// on, so that every node, and every two zones, are met early. Of a round that is too
// long it takes some, evenly.
func Pairs(nodes []PairNode, most int) [][2]string {
	ring := takingTurns(nodes)
	n := len(ring)
	var out [][2]string
	for apart := 1; apart <= n/2 && len(out) < most; apart++ {
		links := n
		if 2*apart == n {
			links = n / 2 // the others are the same ones, seen from the other end
		}
		take := min(links, (most-len(out)+1)/2)
		for k := range take {
			a := k * links / take
			out = append(out, [2]string{ring[a], ring[(a+apart)%n]}, [2]string{ring[(a+apart)%n], ring[a]})
		}
	}
	return out[:min(len(out), most)]
}

// Sames chooses at most that many nodes, evenly over the ring of zones.
func Sames(nodes []PairNode, most int) []string {
	ring := takingTurns(nodes)
	take := min(len(ring), most)
	out := make([]string, take)
	for k := range take {
		out[k] = ring[k*len(ring)/take]
	}
	return out
}

// takingTurns are the nodes by name, the first of each zone, then the second.
func takingTurns(nodes []PairNode) []string {
	sorted := slices.Clone(nodes)
	slices.SortFunc(sorted, func(a, b PairNode) int { return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Name, b.Name)) })
	turn := map[string]int{}
	type placed struct {
		PairNode
		turn int
	}
	all := make([]placed, len(sorted))
	for i, node := range sorted {
		all[i] = placed{node, turn[node.Zone]}
		turn[node.Zone]++
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.turn, b.turn) })
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return names
}
