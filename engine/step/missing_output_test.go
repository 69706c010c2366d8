package step

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// simulated is a world without a cluster, all of whose nodes are simulated: nothing
// can be sent in it.
func simulated(t *testing.T, steps string) (*World, *plan.Scenario) {
	t.Helper()
	p := compile(t, steps)
	facts := &spec.Facts{Cluster: spec.Cluster{Simulated: true}, Nodes: []spec.Node{{Name: "n", Simulated: true, Ready: true, Schedulable: true}}}
	w := &World{Setting: Setting{Facts: facts, Notice: func(string) {}}, Plan: p, Namespace: "ns", Progress: func(string) {},
		outputs: &outputs{}, taken: map[string]taken{}, spans: map[string]Span{}, skips: map[string]string{}}
	w.Agents = agent.New(nil, agent.Options{Facts: facts, Namespace: "ns", Watches: &cluster.Watches{}})
	w.values = p.Values(facts, "run", "ns")
	return w, p
}

// all runs the steps in order.
func all(w *World, p *plan.Scenario) []Result {
	var out []Result
	for _, s := range p.Steps {
		out = append(out, w.RunStep(context.Background(), s))
	}
	return out
}

func TestTheTimeOfStepsThatWereSkippedIsNoFigure(t *testing.T) {
	const skipped = "http: {url: 'http://web/', from: cluster}"
	const passes = "assert: {checks: [{cel: nodes.size() == 1}]}"
	for _, tc := range []struct {
		name, steps string
		outcome     event.Outcome
		why         string
	}{
		{"not measurable", "measure: [{name: took, elapsed: {}}]\nduring: [{" + skipped + "}]\n", event.Skipped, "nothing can be sent"},
		{"one of two", "measure: [{name: took, elapsed: {}}]\nduring: [{" + passes + "}, {" + skipped + "}]\n", event.Skipped, "nothing can be sent"},
		{"by if", "measure: [{name: took, elapsed: {}}]\nduring: [{if: nodes.size() > 1, " + passes + "}]\n",
			event.Skipped, "none of the steps that it measures ran"},
		{"one of two by if", "measure: [{name: took, elapsed: {}}]\nduring: [{if: nodes.size() > 1, " + passes + "}, {" + passes + "}]\n", event.Passed, ""},
		{"all ran", "measure: [{name: took, elapsed: {}}]\nduring: [{" + passes + "}]\n", event.Passed, ""},
		{"to a step", "id: a\n" + passes + "\n---\nid: b\n" + skipped + "\n---\nmeasure: [{name: took, elapsed: {from: a, to: b}}]\n", event.Skipped, "nothing can be sent"},
		{"from a step", "id: a\n" + skipped + "\n---\nid: b\n" + passes + "\n---\nmeasure: [{name: took, elapsed: {from: a, to: b}}]\n", event.Skipped, "nothing can be sent"},
		{"between steps that ran", "id: a\n" + passes + "\n---\nid: b\n" + passes + "\n---\nmeasure: [{name: took, elapsed: {from: a, to: b}}]\n", event.Passed, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			w, p := simulated(t, tc.steps+"thresholds: [{cel: \"took < duration('10s')\"}]\n")
			results := all(w, p)
			r := results[len(results)-1]
			g.Expect(r.Outcome).To(Equal(tc.outcome), "%+v", r)
			g.Expect(r.Measures).To(HaveLen(1))
			g.Expect(r.Measures[0].Unmeasurable).To(ContainSubstring(tc.why))
			g.Expect(r.Measures[0].Unmeasurable == "").To(Equal(tc.why == ""))
			g.Expect(r.Findings).To(HaveLen(1))
			if tc.why != "" {
				g.Expect(r.Measures[0].Value).To(BeNil())
				g.Expect(r.Findings[0].Outcome).To(Equal(event.Skipped))
				g.Expect(r.Findings[0].Reason).To(Equal(event.ReasonUnmeasured))
			}
		})
	}
}

// A repetition whose steps were skipped has no time either.
func TestRepetitionsThatWereSkippedHaveNoTime(t *testing.T) {
	g := NewWithT(t)
	m := &spec.Measure{Name: "took", Elapsed: &spec.ElapsedMeasure{}}
	skipped := repetition{taken: map[string]taken{"took": unmeasured(m, "nothing runs")}}
	g.Expect(pool(m, []repetition{skipped, skipped}).measured.Unmeasurable).To(Equal("nothing runs"))
}

func TestWhatReadsAnOutputThatWasNotMeasurableIsSkipped(t *testing.T) {
	const chat = "id: chat\nhttp: {url: 'http://web/', from: cluster, output: said}\n---\n"
	const why = "outputs.said is not there: step chat was not measurable here: nothing can be sent from this cluster"
	for _, tc := range []struct {
		name, step string
		outcome    event.Outcome
		reason     event.Reason
		says       string
	}{
		{"http", "http: {url: 'http://127.0.0.1:1/${{ outputs.said.json.id }}', from: here}", event.Skipped, event.ReasonUnmeasured, why},
		{"http with a timeout", "timeout: 1m\nhttp: {url: 'http://127.0.0.1:1/', from: here, body: '${{ outputs.said.body }}'}", event.Skipped, event.ReasonUnmeasured, why},
		{"http measure", "measure: [{name: m, http: {url: 'http://127.0.0.1:1/', from: here, body: '${{ outputs.said.body }}', rate: 5, for: 1s}}]", event.Skipped, event.ReasonUnmeasured, why},
		{"http measure's url", "measure: [{name: m, http: {url: 'http://127.0.0.1:1/${{ outputs.said.body }}', rate: 5, for: 1s}}]", event.Skipped, event.ReasonUnmeasured, why},
		{"assert", "assert: {checks: [{cel: outputs.said.status == 200, message: 'it answers'}]}", event.Skipped, event.ReasonUnmeasured, why},
		{"assert with a timeout", "timeout: 1m\nassert: {checks: [{cel: outputs.said.status == 200}]}", event.Skipped, event.ReasonUnmeasured, why},
		{"has", "assert: {checks: [{cel: '!has(outputs.said)'}]}", event.Passed, "", ""},
		{"if", "if: outputs.said.status == 200\nassert: {checks: [{cel: 'true'}]}", event.Errored, event.ReasonExpression, why},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			w, p := simulated(t, chat+tc.step+"\n")
			start := time.Now()
			r := all(w, p)[1]
			g.Expect(time.Since(start)).To(BeNumerically("<", 30*time.Second))
			g.Expect(r.Outcome).To(Equal(tc.outcome), "%+v", r)
			g.Expect(r.Reason).To(Equal(tc.reason))
			g.Expect(r.Message).To(ContainSubstring(tc.says))
			if tc.outcome == event.Skipped {
				for _, f := range r.Findings {
					g.Expect(f.Outcome).To(Equal(event.Skipped))
				}
			}
		})
	}
}

// What is wrong all the same is not hidden by it.
func TestAnOutputThatIsNotThereHidesNoFailure(t *testing.T) {
	g := NewWithT(t)
	w, p := simulated(t, "http: {url: 'http://web/', from: cluster, output: said}\n---\n"+
		"assert: {checks: [{cel: outputs.said.status == 200}, {cel: nodes.size() == 9}]}\n")
	w.RunStep(context.Background(), p.Steps[0])
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	w.checks(context.Background(), p.Steps[1], r)
	r.missingOutputs(true)
	g.Expect(r.Outcome).To(Equal(event.Failed))
	g.Expect(r.Message).To(ContainSubstring("nodes.size() == 9"))
	g.Expect(r.Findings).To(HaveLen(1))
}

// A step that was skipped by its `if` is the author's own doing.
func TestAnOutputOfAStepThatWasNotNeededIsAnError(t *testing.T) {
	g := NewWithT(t)
	w, p := simulated(t, "if: nodes.size() > 1\nhttp: {url: 'http://web/', from: cluster, output: said}\n---\n"+
		"http: {url: 'http://127.0.0.1:1/${{ outputs.said.body }}', from: here}\n")
	g.Expect(w.RunStep(context.Background(), p.Steps[0]).Reason).To(Equal(event.ReasonCondition))
	_, err := w.text(context.Background(), p.Steps[1].Text(p.Steps[1].HTTP.URL))
	f := fault(context.Background(), spec.Pos{}, err)
	g.Expect(f.Reason).To(Equal(event.ReasonExpression))
	g.Expect(f.Message).To(ContainSubstring("there is no output, because its step did not run"))
}

// What changes the system is not left out: later steps would find it missing.
func TestAStepThatChangesSomethingIsNotSkippedForAnOutput(t *testing.T) {
	g := NewWithT(t)
	why := &expr.NoOutputError{Name: "said", Why: "step chat was not measurable here"}
	r := &Result{Attempt: event.Attempt{Outcome: event.Passed}}
	r.add(fault(context.Background(), spec.Pos{}, why))
	r.missingOutputs(onlyLooks(&plan.Step{Step: &spec.Step{Apply: &spec.Apply{}}}))
	g.Expect(r.Outcome).To(Equal(event.Errored))
	g.Expect(r.Reason).To(Equal(event.ReasonExpression))
	g.Expect(r.Findings).To(HaveLen(1))
}

func TestANullIsNotYetWhileWaiting(t *testing.T) {
	g := NewWithT(t)
	w, p := simulated(t, "wait: [{on: {kind: EndpointSlice, apiVersion: discovery.k8s.io/v1}, cel: 'object.endpoints.filter(e, e.conditions.ready).size() > 0'}]\n")
	s := p.Steps[0]
	for _, object := range []map[string]any{{"endpoints": nil}, {}} {
		st := w.evaluate(context.Background(), s.Wait[0].CEL, s.Program(s.Wait[0].CEL), expr.Values{"object": object}, nil)
		g.Expect(st.fault).To(BeNil())
		g.Expect(st.holds).To(BeFalse())
		g.Expect(st.detail).To(HavePrefix("object.endpoints"))
	}
}

func TestLogsThatTheKubeletNoLongerHas(t *testing.T) {
	g := NewWithT(t)
	id := strings.Repeat("0a", 32)
	g.Expect(collected.MatchString("unable to retriece container logs for containerd://" + id)).To(BeFalse())
	for _, text := range []string{"containerd://" + id, "cri-o://" + id + "\n"} {
		g.Expect(collected.MatchString("unable to retrieve container logs for " + text)).To(BeTrue())
		g.Expect(collected.MatchString("unable to retrieve container logs for " + text + "\nmore\n")).To(BeFalse())
	}
}

func TestWaitingForAnAgentIsToldWhereItTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var told []string
		w := &World{Progress: func(text string) { told = append(told, text) }}
		there := w.placing("there already")
		time.Sleep(placingTime - 1)
		there()
		done := w.placing("being placed")
		time.Sleep(placingTime + 1)
		done()
		synctest.Wait()
		g.Expect(told).To(Equal([]string{"being placed"}))
	})
}
