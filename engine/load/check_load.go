package load

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

func (l *loader) checkLoad(o *spec.Load) {
	if !o.At.IsValid() {
		return
	}
	if name, ok := l.scalar(o.At, "name"); ok && strings.TrimSpace(name) == "" {
		l.wrong(o.At, "name", "empty", "name is empty")
	} else if ok && name == o.Name {
		pos, width := l.valueOf(o.At, "name")
		l.checkName(pos, width, "load's name", name)
	}
	p := pace{at: o.At, what: "load", noun: "objects", count: o.Count, concurrency: o.Concurrency, rate: o.Rate, ramp: o.Ramp, dur: o.For,
		stages: o.Stages, more: o.Churn * o.Hold.Value.Seconds(), warmUp: o.WarmUp}
	if o.Hold.Expr != nil && o.Churn > 0 {
		p.more = math.Inf(1)
	}
	l.checkStages(o)
	for _, field := range []string{"ramp", "for"} {
		if l.has(o.At, field) && !l.has(o.At, "rate") && !l.has(o.At, "stages") {
			l.wrongKey(o.At, field, "missing-field", "%s needs rate", field).Help = "rate: 10 is ten objects a second"
		}
	}
	if o.Ramp.Value > o.For.Value && o.For.Value > 0 && !l.has(o.At, "stages") {
		l.wrong(o.At, "ramp", "out-of-range", "ramp is %s, longer than for, which is %s", short(o.Ramp), short(o.For)).Help =
			"the rate rises within for"
	}
	l.checkPace(p)
	l.checkRate(o.At, "churn")
	if o.Churn > 0 && o.Hold.Value > maxTime {
		l.tooLong(o.At, "hold", "hold is")
	}
	if l.has(o.At, "churn") && o.Hold.Value == 0 && o.Hold.Expr == nil {
		l.wrongKey(o.At, "churn", "missing-field", "churn needs hold").Help =
			"hold: 1m says for how long objects are replaced"
	}
	l.checkGenerated(o.Object, p)
}

// hasName tells whether it is known what a load is called: its name could be
// read, or none was written.
func (l *loader) hasName(o *spec.Load) bool {
	name, _ := l.scalar(o.At, "name")
	return !l.has(o.At, "name") || name == o.Name && name != ""
}

// checkStages looks at the rates that follow each other.
func (l *loader) checkStages(o *spec.Load) {
	if !l.has(o.At, "stages") {
		return
	}
	for _, field := range []string{"rate", "ramp", "for"} {
		if l.has(o.At, field) {
			l.wrongKey(o.At, field, "too-many", "%s and stages in one load", field).Help =
				"each stage has a rate and a time of its own"
		}
	}
	if !l.holds(o.At, "stages") {
		l.wrong(o.At, "stages", "empty", "stages is empty").Help = "such as [{rate: 10, for: 30s}, {rate: 50, for: 1m}]"
	}
	seconds, pauses := 0.0, 0 // a rate of 0 is a pause, or the end of a ramp
	for _, s := range o.Stages {
		l.checkPositive(s.At, "for", s.For)
		seconds += s.For.Value.Seconds()
		if l.isZero(s.At, "rate") {
			pauses++
		}
	}
	if pauses > 0 && pauses == len(o.Stages) {
		l.wrong(o.At, "stages", "out-of-range", "the rate of every stage is 0")
	}
	if seconds > maxTime.Seconds() {
		l.tooLong(o.At, "stages", "the stages are")
	}
}

// checkAPI looks at what is called; the calls need what their verb works on.
func (l *loader) checkAPI(m *spec.APIMeasure) {
	if !m.At.IsValid() {
		return
	}
	p := pace{at: m.At, what: "api", noun: "calls", count: m.Count, concurrency: m.Concurrency, rate: m.Rate,
		dur: m.For, warmUp: m.WarmUp}
	l.checkPace(p)
	if m.On != nil {
		l.checkSelector(m.On)
	}
	if l.has(m.At, "on") && l.has(m.At, "object") {
		l.wrongKey(m.At, "object", "too-many", "on and object in one api").Help =
			"create has an object, the other verbs have on"
		return
	}
	l.checkNeeds(m)
	l.checkGenerated(m.Object, p)
}

// checkNeeds looks at whether a verb has what it needs, and nothing else.
func (l *loader) checkNeeds(m *spec.APIMeasure) {
	needs := map[string][]string{"get": {"on"}, "list": {"on"}, "create": {"object"}, "patch": {"on", "merge"}}[m.Verb]
	if needs == nil {
		return // the verb is wrong or missing, which has been said
	}
	examples := map[string]string{
		"on": "on: {kind: Pod, selector: app=web}", "merge": "merge: {metadata: {labels: {call: \"${{ index }}\"}}}",
		"object": "object: {apiVersion: v1, kind: ConfigMap}",
	}
	for _, field := range []string{"on", "object", "merge"} {
		switch needed := slices.Contains(needs, field); {
		case needed && !l.has(m.At, field) && !l.has(m.At, unknownMark):
			l.wrong(m.At, "verb", "missing-field", "%s needs %s", m.Verb, field).Help = examples[field]
		case !needed && l.has(m.At, field):
			l.wrongKey(m.At, field, "too-many", "%s has no use for %s", m.Verb, field).Help =
				m.Verb + " needs " + strings.Join(needs, " and ")
		}
	}
}

// withIndex finds the variable index in the expressions of a text.
var withIndex = regexp.MustCompile(`\$\{\{((?:[^}]|\}[^}])*?[^.\w])?index\b`)

// UsesIndex tells whether the expressions of a text read the variable index, so that
// every object of a load has a text of its own.
func UsesIndex(text string) bool { return withIndex.MatchString(text) }

// checkGenerated looks at the template of the objects that are created.
func (l *loader) checkGenerated(o spec.Object, p pace) {
	if !o.IsSet() || !l.checkKind(o) {
		return
	}
	if o.Fields["kind"] == "List" {
		l.diags.Add(orAt(o, "/kind"), "bad-kind", "a List is no object that can be created").Help = "one object is the template of all"
		return
	}
	metadata, isMap := o.Fields["metadata"].(map[string]any)
	if o.Fields["metadata"] != nil && !isMap {
		l.diags.Add(orAt(o, "/metadata"), "wrong-type", "the metadata of an object are a mapping")
		return
	}
	name, isText := metadata["name"].(string)
	switch {
	case metadata["name"] == nil:
	case !isText:
		l.diags.Add(orAt(o, "/metadata/name"), "wrong-type", "the name of an object is a text").Help = "put it in quotes"
	case name == "":
		l.diags.Add(orAt(o, "/metadata/name"), "empty", "this name is empty").Help =
			"without name, the objects are called like their kind, with the index behind"
	case p.due()+p.more > 1 && !UsesIndex(name):
		l.diags.Add(orAt(o, "/metadata/name"), "same-name", "all objects would have the name %s", shorten(name)).Help =
			"give each its own: \"" + name + "-${{ index }}\", or leave the name out"
	}
}

// short is a duration as it is written.
func short(d spec.Duration) string {
	text := d.Value.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
