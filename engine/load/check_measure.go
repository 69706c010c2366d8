package load

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// maxRepeat bounds the repetitions of a measure: each has a namespace of its
// own, and the quantile that needs most of them, p99, needs 299.
const maxRepeat = 1000

// checkRepeat looks at how often the steps under `during` run.
func (l *loader) checkRepeat(s *spec.Step) {
	if l.has(s.At, "repeat") && l.has(s.At, "measure") && !l.has(s.At, "during") {
		l.wrongKey(s.At, "repeat", "missing-field", "repeat needs during").Help = "during holds the steps that are repeated"
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		if l.has(s.At, "repeat") && m.At.IsValid() && !pooled(m) {
			l.wrongKey(m.At, m.Kind(), "bad-repeat", "%s has no place in a step with repeat", m.Kind()).Help =
				"the samples of repetitions are taken together for pods, objects and elapsed only"
		}
	}
	l.checkCount(s.At, "repeat", s.Repeat)
	if s.Repeat > maxRepeat {
		l.wrong(s.At, "repeat", "out-of-range", "repeat is %d, at most %d are allowed", s.Repeat, maxRepeat)
	}
}

// pooled tells whether the samples of repetitions are taken together.
func pooled(m *spec.Measure) bool {
	return m.Kind() == "" || m.Pods != nil || m.Objects != nil || m.Elapsed != nil
}

func (l *loader) checkMeasure(s *spec.Step, m *spec.Measure) {
	if !m.At.IsValid() {
		return
	}
	if m.Name != "" {
		pos, width := l.valueOf(m.At, "name")
		l.checkName(pos, width, "measure's name", m.Name)
	}
	if p := m.Pods; p != nil {
		l.checkLabels(p.At, "selector", p.Selector.Text)
		l.checkCount(p.At, "expect", p.Expect)
	}
	if o := m.Objects; o != nil {
		l.checkSelector(&o.On)
		l.checkCount(o.At, "expect", o.Expect)
		l.checkText(o.At, "start", o.Start.Text)
	}
	if m.API != nil {
		l.checkAPI(m.API)
	}
	if m.APIServer != nil {
		l.checkAPIServer(m.APIServer)
	}
	if m.Prometheus != nil {
		l.checkPrometheus(m.Prometheus)
	}
	l.checkProbe(m, l.has(s.At, "during"))
}

// resourceName is how the API server's own figures name a resource.
var resourceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

func (l *loader) checkAPIServer(m *spec.APIServerMeasure) {
	l.checkNames(m.At, "resources", m.Resources, resourceName, "a resource",
		"resources are written as in a URL, lower-case and in the plural: pods, deployments")
}

func (l *loader) checkPrometheus(m *spec.PrometheusMeasure) {
	l.checkPositive(m.At, "step", m.Step)
	l.checkText(m.At, "token", m.Token.Text)
	text := m.URL.Text
	if text == "" || strings.Contains(text, "${{") || strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		l.wrong(m.At, "url", "bad-url", "%q is no address of a Prometheus", shorten(text)).Help =
			"http://host:9090, or a path that the API server proxies: " +
				"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"
	}
}

// named is what thresholds know by a name.
type named struct {
	at   spec.Pos
	what string // measure, load or churn of a load
}

// checkMeasureNames reports measures and loads of one scenario that have the
// same name.
func (l *loader) checkMeasureNames(steps []*spec.Step) {
	first := map[string]named{}
	for s := range every(steps) {
		for i := range s.Measure {
			if m := &s.Measure[i]; m.Name != "" {
				l.checkFirst(first, m.Name, named{m.At, "measure"})
			}
		}
		if s.Load == nil || !s.Load.At.IsValid() || !l.hasName(s.Load) {
			continue
		}
		l.checkFirst(first, s.Load.Measure(), named{s.Load.At, "load"})
		if l.has(s.Load.At, "churn") {
			l.checkFirst(first, s.Load.Measure()+spec.ChurnSuffix, named{s.Load.At, "churn of a load"})
		}
	}
}

// checkFirst reports a name that something has already.
func (l *loader) checkFirst(first map[string]named, name string, n named) {
	earlier, again := first[name]
	if !again {
		first[name] = n
		return
	}
	switch {
	case n.what == "load" && earlier.what == "load" && !l.has(n.at, "name"):
		l.wrong(n.at, "name", "duplicate-name", "two loads are named %s", name).Help =
			fmt.Sprintf("the first is at %s; give one of them a name of its own, such as name: burst", earlier.at)
	case n.what == "churn of a load" && earlier.what == n.what: // so have their loads
	case n.what == earlier.what:
		l.wrong(n.at, "name", "duplicate-name", "the %s %s is there twice", n.what, name).Help =
			fmt.Sprintf("the first is at %s; names are unique in a scenario", earlier.at)
	default:
		l.wrong(n.at, "name", "duplicate-name", "the name %s is taken", name).Help =
			fmt.Sprintf("the %s at %s has it; measures and loads share their names", earlier.what, earlier.at)
	}
}

// checkElapsed looks at the ends of the elapsed measures of a step, and turns
// the name of a file into the id of its first or last step.
func (l *loader) checkElapsed(steps []*spec.Step, current int) {
	for i := range steps[current].Measure {
		e := steps[current].Measure[i].Elapsed
		if e == nil || !e.At.IsValid() {
			continue
		}
		hasFrom, hasTo := l.has(e.At, "from"), l.has(e.At, "to")
		switch {
		case (hasFrom || hasTo) && l.has(steps[current].At, "repeat"):
			l.diags.Add(e.At, "bad-repeat", "elapsed with from and to has no place in a step with repeat").Help =
				"only the steps under during are repeated: elapsed: {}"
			continue
		case !hasFrom && !hasTo && !l.has(steps[current].At, "during"):
			l.diags.Add(e.At, "missing-field", "elapsed has no from and to").Help =
				"from: 00-apply and to: 01-wait, or steps under during"
			continue
		case hasFrom != hasTo:
			l.diags.Add(e.At, "missing-field", "elapsed has only one of from and to").Help =
				"both are ids of steps, or neither is written and the steps under during are measured"
			continue
		}
		from, okFrom := l.elapsedEnd(steps, current, e.At, "from", &e.From)
		to, okTo := l.elapsedEnd(steps, current, e.At, "to", &e.To)
		if okFrom && okTo && from > to {
			l.wrong(e.At, "from", "bad-order", "from is %s, which runs after to, %s", e.From, e.To)
		}
	}
}

// elapsedEnd finds the step that one end of an elapsed measure names.
func (l *loader) elapsedEnd(steps []*spec.Step, current int, at spec.Pos, field string, name *string) (int, bool) {
	if *name == "" {
		if text, ok := l.scalar(at, field); ok && strings.TrimSpace(text) == "" {
			l.wrong(at, field, "empty", "%s is empty", field)
		}
		return 0, false
	}
	id := *name
	if ids := l.stems[id]; len(ids) > 0 && field == "from" {
		id = ids[0]
	} else if len(ids) > 0 {
		id = ids[len(ids)-1]
	}
	i := slices.IndexFunc(steps, func(s *spec.Step) bool { return s.ID == id })
	switch {
	case i < 0 && l.partial:
		return 0, false // it may be in what could not be read
	case i < 0:
		var known []string
		for _, s := range steps[:current] {
			known = append(known, s.ID)
		}
		l.wrong(at, field, "unknown-step", "%s names no step: %q", field, shorten(*name)).Help = diag.DidYouMean(*name, known)
		return 0, false
	case i >= current:
		l.wrong(at, field, "bad-order", "%s names %s, which does not end before this step", field, *name).Help =
			"elapsed measures steps that ran before; those under during are measured by elapsed: {}"
		return 0, false
	}
	*name = id
	return i, true
}

// checkFrom looks at pods measures whose time begins with a request: only a load
// knows when it asked for a pod.
func (l *loader) checkFrom(earlier []*spec.Step, s *spec.Step) {
	for i := range s.Measure {
		p := s.Measure[i].Pods
		if p == nil || !slices.Contains([]string{"accepted", "sent", "due"}, p.From) || l.partial {
			continue
		}
		if !slices.ContainsFunc(earlier, loadsPods) && !loadsPods(s) {
			l.wrong(p.At, "from", "missing-load", "from: %s needs a load of pods, before this step or under its during", p.From).Help =
				"only a load knows when it asked for a pod; from: stored goes with all pods"
		}
	}
}

// loadsPods tells whether a step, or one under `during`, may create pods by a
// load.
func loadsPods(s *spec.Step) bool {
	if s.Load != nil {
		kind, _ := s.Load.Object.Fields["kind"].(string)
		return kind == "Pod" || kind == "" || strings.Contains(kind, "${{")
	}
	return slices.ContainsFunc(s.During, func(inner spec.Step) bool { return loadsPods(&inner) })
}
