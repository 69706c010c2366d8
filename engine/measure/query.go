package measure

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/spec"
)

// PodsQuery says which pods are measured, and how.
type PodsQuery struct {
	Namespace string
	Selector  labels.Selector
	// From is the moment that begins the time: stored (also when empty), accepted,
	// sent or due.
	From string
	// By asks for the phases of every group as well: node, owner, or empty.
	By string
	// Check says where the server's stamps of a phase can be trusted: a simulated
	// node may make them up. Nil trusts none; samples still show them then.
	Check func(phase, node string) bool
	// Bar is how far a moment of the watch may be from the truth.
	Bar time.Duration
}

// Measure is the series of every phase over the selected pods. A pod that did not
// reach a phase, and one whose beginning is not known, is missing there. The order
// of the samples is by name, so that reports are stable.
func (p *Pods) Measure(q PodsQuery) PodsResult {
	chosen, unknown, unseen := p.choose(q)
	slices.SortFunc(chosen, func(a, b *chosenPod) int {
		if n := cmp.Compare(a.name, b.name); n != 0 {
			return n
		}
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.of.uid, b.of.uid))
	})
	sets := setsOf(q, "", chosen)
	if q.By != "" {
		groups := map[string][]*chosenPod{}
		for _, c := range chosen {
			groups[c.group(q.By)] = append(groups[c.group(q.By)], c)
		}
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			sets = append(sets, setsOf(q, name, groups[name])...)
		}
	}
	r := podsResult(sets, q.By != "")
	r.Unknown, r.Unseen = unknown, unseen
	return r
}

// chosenPod is a copy of a life and the subject of its samples, which outlives it.
type chosenPod struct {
	life
	of *subject
}

// choose copies the selected lives, so that the watch does not wait while they are
// summarized.
func (p *Pods) choose(q PodsQuery) (chosen []*chosenPod, unknown, unseen int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	copies, subjects := make([]chosenPod, len(p.lives)), make([]subject, len(p.lives))
	matches := p.matches(q.Selector)
	for uid, l := range p.lives {
		switch start, _ := l.start(q.From); {
		case l.warmUp:
		case l.first == never:
			unseen++
		case l.namespace != q.Namespace || !matches(l.labels):
		case start == never:
			unknown++
		default:
			i := len(chosen)
			subjects[i] = subject{l.name, string(uid), l.node}
			copies[i] = chosenPod{*l, &subjects[i]}
			chosen = append(chosen, &copies[i])
		}
	}
	return chosen, unknown, unseen
}

// Count is the number of samples of the last phase and how many of them are
// missing: what Measure would say, at a fraction of its cost, for one who waits.
func (p *Pods) Count(q PodsQuery) (samples, missing int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	matches := p.matches(q.Selector)
	for _, l := range p.lives {
		start, earlier := l.start(q.From)
		if l.warmUp || l.first == never || start == never || l.namespace != q.Namespace || !matches(l.labels) {
			continue
		}
		samples++
		if l.reached[len(l.reached)-1] == never || earlier == spec.Missing {
			missing++
		}
	}
	return samples, missing
}

// matches is the selector, which is asked once for each label set.
func (p *Pods) matches(s labels.Selector) func(set uint64) bool {
	known := map[uint64]bool{}
	return func(set uint64) bool {
		yes, asked := known[set]
		if !asked {
			yes = s.Matches(p.sets[set])
			known[set] = yes
		}
		return yes
	}
}

// start is the moment that begins a pod's time, and how much earlier it may have
// been. The creator's own moments are exact.
func (l *life) start(from string) (moment, time.Duration) {
	switch from {
	case "accepted":
		return l.accepted, 0
	case "sent":
		return l.sent, 0
	case "due":
		return l.due, 0
	}
	return l.first, l.firstEarlier
}

// noGroup is the group of pods without a node or an owner.
const noGroup = "(none)"

func (l *life) group(by string) string {
	if by == "owner" {
		return cmp.Or(l.owner, noGroup)
	}
	return cmp.Or(l.node, noGroup)
}

// setsOf are the series of all phases.
func setsOf(q PodsQuery, group string, pods []*chosenPod) []set {
	sets := make([]set, len(spec.Phases))
	for i, phase := range spec.Phases {
		sets[i] = set{name: phase, group: group, samples: make([]sample, len(pods))}
		for j, c := range pods {
			sets[i].samples[j] = c.sample(q, i)
		}
	}
	return sets
}

// sample is the time to phase i.
func (c *chosenPod) sample(q PodsQuery, i int) sample {
	s := sample{of: c.of, bar: q.Bar}
	if c.reached[i] == never {
		return s
	}
	start, earlier := c.start(q.From)
	s.between(start, earlier, c.reached[i], c.earlier[i])
	if trusted := q.Check != nil && q.Check(spec.Phases[i], c.node); trusted || q.Check == nil {
		s.server, s.stamped = c.serverSpan(i)
		s.skewed = trusted && s.stamped && c.contradicted(i, s.server, q.Bar)
	}
	return s
}
