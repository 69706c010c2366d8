// Package run executes plans: the order of scenarios and steps, their time,
// what follows a failure, and cleaning up. It emits events and keeps no result
// of its own; package event folds the events into one.
package run

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/step"
)

// Cluster is a cluster that scenarios run on.
type Cluster struct {
	Client *cluster.Client
	Facts  *spec.Facts
	About  event.Cluster
	// Config is what may not be done on it; nil where nobody has written a
	// configuration.
	Config *spec.Config
	// Nodes stops and starts its real nodes; nil where nobody can.
	Nodes step.NodeControl
	// AgentImage gives the reference of the image of realspec's agents on this
	// cluster, and brings it there when it is first asked; nil where there is none.
	AgentImage func(context.Context) (string, error)
}

// Clusters gives scenarios the clusters that they run on. It is safe for
// concurrent use.
type Clusters interface {
	// For is the cluster for a scenario. A local one is started when needed.
	For(ctx context.Context, s *plan.Scenario) (*Cluster, error)
	// Release says that the scenario, its cleanup included, is done with its
	// cluster.
	Release(s *plan.Scenario)
}

// Keep says which scenarios leave behind what they made.
type Keep string

// The values of Keep.
const (
	KeepNever     Keep = "never"
	KeepOnFailure Keep = "on-failure"
	KeepAlways    Keep = "always"
)

// Options say how to run.
type Options struct {
	RunID    string
	Parallel int // scenarios at a time; less than 1 means 1
	Keep     Keep
	FailFast bool // no further scenario is begun after one did not pass
	// NoBaselines leaves out what steps say of recorded baselines.
	NoBaselines bool
	// AllowCommands and AllowDisruption let scenarios run commands on this machine
	// and disturb nodes and pods; those that would and may not are skipped.
	AllowCommands, AllowDisruption bool
	// Getenv is the environment that commands get a small part of.
	Getenv func(string) string
	// Images are what runs instead of images that the cluster cannot pull.
	Images *step.Images
	// CleanupTimeout bounds the cleanup of each scenario.
	CleanupTimeout time.Duration
}

// Runner runs scenarios.
type Runner struct {
	Options
	Clusters Clusters
	Sink     event.Sink

	cleanups sync.WaitGroup
	mu       sync.Mutex
	stop     bool // by FailFast
}

// Run runs the scenarios and returns when all of them are cleaned up. When ctx
// ends, steps end as interrupted and cleaning up begins; when cleanup ends too,
// cleaning up stops where it is and says what is left.
func (r *Runner) Run(ctx, cleanup context.Context, scenarios []*plan.Scenario) {
	ctx, stop := interruptible(ctx)
	defer stop()
	for _, s := range scenarios {
		r.Sink.Emit(Planned(s))
	}
	slots := make(chan struct{}, max(r.Parallel, 1))
	var running sync.WaitGroup
	for _, s := range scenarios {
		slots <- struct{}{}
		if ctx.Err() != nil || r.stopped() {
			<-slots
			r.notBegun(ctx, s)
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			one := &scenario{Runner: r, plan: s}
			outcome := one.run(ctx, cleanup)
			if r.FailFast && outcome != event.Passed && outcome != event.Skipped {
				r.setStopped()
			}
		})
	}
	running.Wait()
	r.cleanups.Wait()
}

// interruptible is ctx with the cause by which steps know that it was the run
// that ended, and not their time.
func interruptible(ctx context.Context) (context.Context, func()) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() { cancel(step.ErrInterrupted) })
	return out, func() { detach(); cancel(nil) }
}

// notBegun ends a scenario that is not begun. After an interrupt there is
// nothing to say: the fold knows.
func (r *Runner) notBegun(ctx context.Context, s *plan.Scenario) {
	r.Clusters.Release(s)
	if ctx.Err() != nil {
		return
	}
	r.Sink.Emit(event.ScenarioEnded{
		Scenario: s.Key, Outcome: event.Skipped, Reason: event.ReasonEarlier,
		Message: "not begun: an earlier scenario did not pass, and --fail-fast is set",
	})
}

func (r *Runner) stopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

func (r *Runner) setStopped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = true
}

// Planned announces a scenario with all its steps.
func Planned(s *plan.Scenario) event.ScenarioPlanned {
	e := event.ScenarioPlanned{
		Scenario: s.Key, Name: s.Name + place(s), Repetition: s.Repetition, Description: s.Spec.Spec.Description,
		Labels: s.Spec.Metadata.Labels, Covers: s.Spec.Spec.Covers, Pos: s.Spec.At,
	}
	for _, step := range s.Steps {
		e.Steps = append(e.Steps, event.PlannedStep{
			ID: step.ID, Name: step.Name, Verb: step.Verb(), Pos: step.At, Covers: step.Covers,
		})
	}
	return e
}

// place is what the key of a scenario that runs on several clusters adds to its
// name: @local.
func place(s *plan.Scenario) string {
	rest, ok := strings.CutPrefix(s.Key, s.Dir+"@")
	if !ok {
		return ""
	}
	where, _, _ := strings.Cut(rest, "#")
	return "@" + where
}
