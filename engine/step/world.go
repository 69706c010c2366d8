package step

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/agent"
	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// Setting is what a scenario is given, and hands on to the repetitions of its
// measures.
type Setting struct {
	Client *cluster.Client
	Facts  *spec.Facts
	RunID  string
	Notice func(string) // a line to the reader of the report
	// Environment is what baselines must have been recorded in.
	Environment event.Environment
	NoBaselines bool // do not judge by them
	// AgentImage gives the cluster's reference of the agent image; nil where the
	// cluster has none.
	AgentImage func(context.Context) (string, error)
	// Images are what runs instead of images that the cluster cannot pull.
	Images *Images
	// Nodes stops and starts real nodes; nil where nobody can.
	Nodes NodeControl
	// Getenv is the environment of the commands that run steps start.
	Getenv func(string) string
}

// World is what the steps of one scenario act on. One goroutine, the
// scenario's, uses it; others feed the recorders and make the calls of measures.
type World struct {
	Setting
	Watches   *cluster.Watches
	Plan      *plan.Scenario
	Namespace string
	Progress  func(string) // a sign of life, for the console
	// Agents are realspec's agent pods. Begin makes the fleet, unless it is there.
	Agents *agent.Fleet

	began     time.Time
	values    expr.Values     // what every expression may use, but for the outputs
	spans     map[string]Span // when the steps ran, by id
	made      sync.Mutex      // for applied: loads and calls create objects side by side
	applied   []applied
	writes    map[place]string // the version of our last write, by what was written
	pods      map[string]*podRecord
	objects   map[spec.Pos]*objectRecord // by the measure's place
	probes    map[string]*echoed         // by kind; a repetition uses those of its scenario
	ownProbes bool
	queueFull int64                      // how often the event queue had been full when the scenario began
	metrics   []byte                     // of the API server, when the scenario began
	usage     map[spec.Pos]*usageSampler // of measures since the scenario began, by place
	taken     map[string]taken           // what was measured, by name
	again     repetitions
	repeated  bool              // it is a repetition, and undoes what it has done itself
	skips     map[string]string // why steps were not measurable here, by id
	outputs   *outputs          // what steps saw; a repetition adds to those of its scenario
	veil      *strings.Replacer // hides the values of env in reports
	undo      *deeds            // what disrupt has to undo; a repetition adds to those of its scenario
}

// place is a kind in a namespace: what one feed shows.
type place struct {
	resource  cluster.Resource
	namespace string
}

// applied is an object that the scenario made or changed by apply.
type applied struct {
	resource        cluster.Resource
	namespace, name string
	uid             types.UID
	deleted         bool // by a step: it is waited for no more
}

// Begin opens every watch that the scenario needs and starts the recorders, so
// that nothing that the first step causes can be missed.
func (w *World) Begin(ctx context.Context) error {
	w.began = time.Now()
	ctx = cluster.Within(ctx, w.Plan.Key, "")
	if w.undo == nil {
		w.undo = &deeds{}
	}
	if w.Agents == nil {
		w.Agents = agent.New(w.Client, agent.Options{Image: w.AgentImage, RunID: w.RunID, Scenario: w.Plan.Name,
			Namespace: w.Namespace, Facts: w.Facts, Watches: w.Watches, Notice: w.Notice})
	}
	w.values = w.Plan.Values(w.Facts, w.RunID, w.Namespace)
	if w.outputs == nil {
		w.outputs = &outputs{}
	}
	w.writes, w.taken, w.spans = map[place]string{}, map[string]taken{}, map[string]Span{}
	w.skips = map[string]string{}
	w.pods, w.objects = map[string]*podRecord{}, map[spec.Pos]*objectRecord{}
	tapes, err := w.record(ctx)
	if err != nil {
		return err
	}
	var feeds []*cluster.Feed
	for _, watch := range w.Plan.Watches {
		feed, err := w.open(ctx, watch)
		if err != nil {
			return err
		}
		if feed != nil {
			feeds = append(feeds, feed)
		}
	}
	for _, f := range feeds {
		if err := f.Synced(ctx); err != nil {
			return err
		}
	}
	for _, t := range tapes {
		if err := listening(ctx, t); err != nil {
			return err
		}
	}
	if w.probes == nil {
		w.probes, w.ownProbes = map[string]*echoed{}, true
		w.startProbes(ctx)
	}
	w.metrics = w.metricsAtStart(ctx)
	w.startUsage(ctx)
	w.queueFull = w.Client.Account().QueueFull
	return nil
}

// listening waits until a tape has its first list, and for its stream too: what
// happens before that is open is known within bounds only.
func listening(ctx context.Context, t *cluster.Tape) error {
	if err := t.Synced(ctx); err != nil {
		return err
	}
	deadline := time.Now().Add(heartbeat)
	for changed := t.Changed(); ; changed = t.Changed() {
		if since, _ := t.Down(); since.IsZero() || !await(ctx, []<-chan struct{}{changed}, deadline) || time.Now().After(deadline) {
			return t.Err()
		}
	}
}

// End ends the probes and the watches.
func (w *World) End() {
	w.stopUsage()
	for _, p := range w.probes {
		if w.ownProbes {
			p.canary.Close()
		}
	}
	w.Watches.Close()
}

// open begins one planned watch. A kind that is not served yet has none: a
// scenario may bring its own CRD.
func (w *World) open(ctx context.Context, watch plan.Watch) (*cluster.Feed, error) {
	res, err := w.Client.Resource(watch.APIVersion, watch.Kind)
	var unknown *cluster.UnknownKindError
	if errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ns, err := w.text(ctx, watch.Namespace)
	if err != nil {
		return nil, err
	}
	return w.feed(res, ns), nil
}

// feed is the shared watch of a kind in a namespace ("" is the scenario's own).
func (w *World) feed(res cluster.Resource, namespace string) *cluster.Feed {
	return w.Watches.Open(res, w.namespaceFor(res, namespace))
}

func (w *World) namespaceFor(res cluster.Resource, namespace string) string {
	switch {
	case !res.Namespaced:
		return ""
	case namespace == "":
		return w.Namespace
	}
	return namespace
}

// wrote notes our own write, so that no condition is judged on an older state.
func (w *World) wrote(res cluster.Resource, o *unstructured.Unstructured) {
	if o == nil || o.GetResourceVersion() == "" {
		return
	}
	at, version := place{res, w.namespaceFor(res, o.GetNamespace())}, o.GetResourceVersion()
	if newer(version, w.writes[at]) { // answers of concurrent writes come in any order
		w.writes[at] = version
	}
}

// newer compares versions, which are whole numbers that rise (official since
// Kubernetes 1.35, true before).
func newer(a, b string) bool {
	return len(a) > len(b) || len(a) == len(b) && a > b
}

// current tells whether the feed shows our own last write to what it watches.
func (w *World) current(res cluster.Resource, namespace string, f *cluster.Feed) bool {
	rv, ok := w.writes[place{res, w.namespaceFor(res, namespace)}]
	return !ok || f.Reached(rv)
}

// text fills in a text that may hold ${{ }}; "" for one that was not written.
func (w *World) text(ctx context.Context, t *expr.Template) (string, error) {
	if t == nil {
		return "", nil
	}
	v, err := t.Eval(ctx, w.known())
	if err != nil {
		return "", err
	}
	return fmt.Sprint(v), nil
}

// known is the bindings of an expression that sees the basic names.
func (w *World) known() expr.Values { return w.with(nil) }

// with is the bindings of an expression that sees more than the basic names.
func (w *World) with(more expr.Values) expr.Values {
	all := make(expr.Values, len(w.values)+len(more)+1)
	maps.Copy(all, w.values)
	all["outputs"] = w.outputs.known()
	maps.Copy(all, more)
	return all
}

// RunStep runs a step of the scenario: its `if`, then its verb, and keeps when
// it ran.
func (w *World) RunStep(ctx context.Context, s *plan.Step) Result {
	r := Result{Attempt: event.Attempt{Outcome: event.Passed}}
	if s.If != nil {
		ok, err := s.If.Bool(ctx, w.known())
		switch {
		case err != nil:
			f := fault(ctx, s.Step.If.At, err)
			f.Expr = s.Step.If.Text
			r.add(f)
			r.missingOutputs(false)
			return r
		case !ok:
			r.Outcome, r.Reason = event.Skipped, event.ReasonCondition
			r.Message = "its `if` is false here: " + s.Step.If.Text
			return r
		}
	}
	ctx = cluster.Within(ctx, w.Plan.Key, s.ID)
	span := Span{Start: time.Now()}
	if earlier, ok := w.spans[s.ID]; ok {
		span.Start = earlier.Start // of the first attempt
	}
	r = Run(ctx, w, s)
	r.missingOutputs(onlyLooks(s))
	span.End = time.Now()
	w.spans[s.ID] = span
	w.noteSkip(s, &r)
	return r
}
