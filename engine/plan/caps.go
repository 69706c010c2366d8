package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/realspec/realspec/engine/spec"
)

// Most is an upper bound of what a scenario creates and how long it takes: as if
// nothing that it deletes were ever gone.
type Most struct {
	Pods   int64             `json:"pods"`
	CPU    resource.Quantity `json:"cpu"`
	Memory resource.Quantity `json:"memory"`
	GPUs   int64             `json:"gpus"`
	// Seconds is the scenario's timeout.
	Seconds float64 `json:"seconds"`
	// Unknown says of which objects the pods cannot be counted before the run.
	Unknown []string `json:"unknown,omitempty"`
}

// String is what people read: at most 5 pods, 2 cpu, 1Gi memory, 0 GPUs, 15m.
func (m Most) String() string {
	text := fmt.Sprintf("at most %s, %s cpu, %s memory, %s, %s",
		counted(m.Pods, "pod"), m.CPU.String(), m.Memory.String(), counted(m.GPUs, "GPU"), seconds(m.Seconds))
	if len(m.Unknown) > 0 {
		text += "; not counted: " + strings.Join(m.Unknown, "; ")
	}
	return text
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Over lists which caps the scenario may go over, with both figures.
func (m Most) Over(c spec.Caps) []string {
	var out []string
	add := func(over bool, has, name, cap string) {
		if over {
			out = append(out, fmt.Sprintf("%s, caps.%s allows %s", has, name, cap))
		}
	}
	if c.Pods != nil {
		add(m.Pods > int64(*c.Pods), "creates up to "+counted(m.Pods, "pod"), "pods", fmt.Sprint(*c.Pods))
	}
	if c.CPU.Quantity != nil {
		add(m.CPU.Cmp(*c.CPU.Quantity) > 0, "requests up to "+m.CPU.String()+" cpu", "cpu", c.CPU.String())
	}
	if c.Memory.Quantity != nil {
		add(m.Memory.Cmp(*c.Memory.Quantity) > 0, "requests up to "+m.Memory.String()+" memory", "memory", c.Memory.String())
	}
	if c.GPUs != nil {
		add(m.GPUs > int64(*c.GPUs), "requests up to "+counted(m.GPUs, "GPU"), "gpus", fmt.Sprint(*c.GPUs))
	}
	if c.Time.Value > 0 {
		limit := c.Time.Value.Seconds()
		add(m.Seconds > limit, "may take "+seconds(m.Seconds), "time", seconds(limit))
	}
	return out
}

// Most is the most that a run of the scenario creates. Facts may be nil; then a
// DaemonSet is counted once.
//
//	pods of an object  = replicas (an autoscaler's and a patch's too), for a
//	                     Deployment that is changed also maxSurge
//	of a DaemonSet     = the nodes
//	of a Job           = min(parallelism, completions)
//	times                the count of a load and what its churn replaces, the
//	                     repetitions of a measure
//	CPU, memory, GPUs  = requests, or limits where there are none
func (s *Scenario) Most(facts *spec.Facts) Most {
	own := s.Name + "-" + runID
	t := &tally{outliner: &outliner{values: s.Values(facts, runID, own)}, facts: facts, own: own}
	for _, step := range s.Steps {
		t.step(step, 1)
	}
	for _, raise := range t.raises { // an autoscaler may stand before what it scales
		t.raise(raise)
	}
	out := Most{Seconds: s.Timeout.Seconds(), Unknown: t.unknown}
	out.CPU.Format, out.Memory.Format = resource.DecimalSI, resource.BinarySI
	out.add(t.agents, agentSize)
	for _, o := range t.objects {
		out.add(o.copies*o.pods(), o.each)
	}
	return out
}

func (m *Most) add(pods int64, each podSize) {
	m.Pods += pods
	m.GPUs += pods * each.gpus
	m.CPU.Add(*resource.NewMilliQuantity(pods*each.milliCPU, resource.DecimalSI))
	m.Memory.Add(*resource.NewQuantity(pods*each.memory, resource.BinarySI))
}

// tally counts what steps create.
type tally struct {
	*outliner
	facts   *spec.Facts
	own     string // the scenario's namespace
	objects []*podMaker
	scalers []scaler
	raises  []raise
	agents  int64
	unknown []string
}

// home is a namespace; "" for the scenario's own, however it is written.
func (t *tally) home(namespace string) string {
	if namespace == t.own {
		return ""
	}
	return namespace
}

// podMaker is an object that has pods, or is one.
type podMaker struct {
	kind, namespace, name string
	copies                int64 // objects like it
	replicas              int64
	body                  map[string]any // of a Deployment: its spec
	changed               bool           // after it was created, so that it is rolled
	each                  podSize
}

func (o *podMaker) pods() int64 {
	if o.changed && o.body != nil {
		return o.replicas + surge(o.body, o.replicas)
	}
	return o.replicas
}

func (t *tally) step(s *Step, copies int64) {
	switch {
	case s.Apply != nil:
		for _, m := range t.manifests(s) {
			t.object(m, copies)
		}
	case s.Load != nil:
		for _, m := range t.manifests(s) {
			t.object(m, copies*loadCount(s.Load))
		}
	case s.Patch != nil:
		for _, w := range s.Step.Writes() {
			t.patch(s, w)
		}
	case s.HTTP != nil && t.from(s, s.HTTP.URL, s.HTTP.From) == spec.FromCluster:
		t.agents += copies
	}
	for i := range s.Measure {
		t.measure(s, &s.Measure[i], copies)
	}
	for _, d := range s.During {
		t.step(d, copies*int64(max(s.Repeat, 1)))
	}
}

func (t *tally) object(m Manifest, copies int64) {
	m.Namespace = t.home(m.Namespace)
	if m.Kind == "HorizontalPodAutoscaler" {
		t.autoscaler(m)
		return
	}
	made, ok := t.podMaker(m)
	if !ok {
		return
	}
	made.copies = copies
	i := slices.IndexFunc(t.objects, func(o *podMaker) bool {
		return m.Name != "" && o.kind == made.kind && o.namespace == made.namespace && o.name == made.name
	})
	if i < 0 {
		t.objects = append(t.objects, made)
		return
	}
	before := t.objects[i] // the same object again, changed
	before.copies = max(before.copies, made.copies)
	before.replicas, before.body = max(before.replicas, made.replicas), made.body
	before.each, before.changed = before.each.max(made.each), true
}

func (t *tally) cannot(m Manifest, what string) {
	t.notCounted(fmt.Sprintf("%s (%s is known only during the run)", m, what))
}

func (t *tally) notCounted(text string) {
	if !slices.Contains(t.unknown, text) {
		t.unknown = append(t.unknown, text)
	}
}

// measure counts the pods of realspec's own agents, and objects that calls create.
func (t *tally) measure(s *Step, m *spec.Measure, copies int64) {
	switch {
	case m.API != nil && m.API.Verb == "create":
		calls := m.API.Count
		if calls == 0 {
			calls = int(math.Ceil(m.API.Rate * m.API.For.Value.Seconds()))
		}
		t.object(t.manifest(s, m.API.Object), copies*int64(calls))
	case m.API != nil && m.API.Verb == "patch" && m.API.On != nil:
		t.patch(s, spec.Written{On: m.API.On, Merge: m.API.Merge})
	case m.HTTP != nil && t.from(s, m.HTTP.URL, m.HTTP.From) == spec.FromCluster:
		n := m.HTTP.Agents
		if n == 0 {
			n = max(int(math.Ceil(m.HTTP.Rate/agentRate)), 1)
		}
		t.agents += copies * int64(n)
	case m.Network != nil:
		t.agents += copies * 2 * int64(t.nodes()) // two each with control, and on the same node
	}
}

// nodes is how many nodes there are; 1 when that is not known.
func (t *tally) nodes() int {
	if t.facts == nil {
		return 1
	}
	return max(len(t.facts.Nodes), 1)
}

// loadCount is how many objects a load creates at most.
func loadCount(l *spec.Load) int64 {
	during := func(rate float64, d time.Duration) float64 { return rate * d.Seconds() }
	replaced := int64(math.Ceil(during(l.Churn, l.Hold.Value)))
	if l.Count > 0 {
		return int64(l.Count) + replaced
	}
	total := during(l.Rate, l.For.Value)
	before := 0.0
	for _, s := range l.Stages {
		rate := s.Rate
		if s.Ramp {
			rate = (before + s.Rate) / 2
		}
		total += during(rate, s.For.Value)
		before = s.Rate
	}
	return int64(math.Ceil(total)) + replaced
}

// whole is a number of an object's field, within what such a field holds: what is
// below zero takes nothing away from others.
func whole(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return min(max(v, 0), math.MaxInt32), true
	case int:
		return whole(int64(v))
	case float64:
		return int64(min(max(v, 0), math.MaxInt32)), v == math.Trunc(v)
	}
	return 0, false
}
