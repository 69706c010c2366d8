package load

import (
	"cmp"
	"slices"

	"github.com/realspec/realspec/engine/spec"
)

// checkProbe looks at the measures that send traffic, run commands or ask
// kubelets. during tells whether the step wraps others.
func (l *loader) checkProbe(m *spec.Measure, during bool) {
	switch {
	case m.HTTP != nil:
		l.checkHTTPMeasure(m.HTTP, during)
	case m.Network != nil:
		l.checkNetwork(m.Network)
	case m.Usage != nil:
		l.checkUsage(m.Usage, during)
	case m.Exec != nil:
		l.checkPodOn("exec", &m.Exec.On)
		l.checkCommand(m.Exec.At, m.Exec.Command)
		l.checkText(m.Exec.At, "container", m.Exec.Container.Text)
		l.checkText(m.Exec.At, "value", m.Exec.Value.Text)
		l.checkCount(m.Exec.At, "count", m.Exec.Count)
	}
}

func (l *loader) checkHTTPMeasure(h *spec.HTTPMeasure, during bool) {
	if !h.At.IsValid() {
		return
	}
	l.checkAsked(asked{h.At, h.URL, h.Headers, h.From, h.As, h.TLS, h.RequestTimeout, h.Checks})
	l.checkCount(h.At, "agents", h.Agents)
	l.checkPace(pace{at: h.At, what: "http", noun: "requests", count: h.Count, concurrency: h.Concurrency, rate: h.Rate,
		dur: h.For, warmUp: h.WarmUp, during: during})
}

// maxDatagram is the most bytes that a UDP datagram carries over IPv4.
const maxDatagram = 65507

func (l *loader) checkNetwork(n *spec.NetworkMeasure) {
	if !n.At.IsValid() {
		return
	}
	what := cmp.Or(n.Transaction, "rtt")
	for _, field := range []struct {
		name string
		with []string
		help string
	}{
		{"streams", []string{"throughput"}, "only transaction: throughput has streams"},
		{"bytes", []string{"rtt", "request", "udp"}, "rtt, request and udp carry a payload"},
		{"rate", []string{"rtt", "connect", "request", "udp", "dns"}, "throughput sends as fast as TCP carries it"},
		{"path", []string{"rtt", "connect", "request", "udp", "throughput"}, "dns resolves the name of a Service"},
		{"control", []string{"rtt", "connect", "request", "udp", "throughput"}, "the nodes' own networks do not know the names of Services"},
	} {
		if l.has(n.At, field.name) && !slices.Contains(field.with, what) {
			l.wrongKey(n.At, field.name, "no-place", "%s has no place beside transaction: %s", field.name, what).Help = field.help
		}
	}
	if n.Control && n.Between == "same" {
		l.wrongKey(n.At, "control", "no-place", "control has no place beside between: same").Help =
			"between two pods of one node there is no network of the nodes"
	}
	if what == "udp" && n.Bytes > maxDatagram {
		l.wrong(n.At, "bytes", "out-of-range", "bytes is %d, and a datagram carries at most %d", n.Bytes, maxDatagram)
	}
	l.checkCount(n.At, "bytes", n.Bytes)
	l.checkCount(n.At, "streams", n.Streams)
	l.checkCount(n.At, "pairs", n.Pairs)
	l.checkRate(n.At, "rate")
	l.checkPositive(n.At, "for", n.For)
	l.checkLabels(n.At, "nodes", n.Nodes.Text)
}

func (l *loader) checkUsage(u *spec.UsageMeasure, during bool) {
	if !u.At.IsValid() {
		return
	}
	of := cmp.Or(u.Of, "nodes")
	shares := map[string][]string{"nodes": {"allocatable", "capacity"}, "pods": {"requests", "limits"}}[of]
	if u.Against != "" && shares != nil && !slices.Contains(shares, u.Against) {
		l.wrong(u.At, "against", "no-place", "against: %s has no place beside of: %s", u.Against, of).Help =
			"known of " + of + ": " + shares[0] + ", " + shares[1]
	}
	if of == "nodes" && l.has(u.At, "namespace") {
		l.wrongKey(u.At, "namespace", "no-place", "namespace has no place beside of: nodes").Help = "nodes have no namespace; of: pods does"
	}
	if during && l.has(u.At, "for") {
		l.wrongKey(u.At, "for", "no-place", "for has no place beside during").Help = "it is measured while the steps under during run"
	}
	l.checkLabels(u.At, "selector", u.Selector.Text)
	l.checkPositive(u.At, "for", u.For)
	l.checkPositive(u.At, "every", u.Every)
}
