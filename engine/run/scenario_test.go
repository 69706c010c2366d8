package run

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/step"
)

// tried runs a step that never passes, in a world without a cluster.
func tried(ctx context.Context, timeout time.Duration) []event.Event {
	sink := &recorded{}
	p := &plan.Scenario{Key: "shop"}
	s := &scenario{Runner: &Runner{Sink: sink}, plan: p, world: &step.World{Plan: p}}
	s.step(ctx, &plan.Step{Step: &spec.Step{ID: "a", Retries: 5}, Timeout: timeout})
	return sink.all
}

// An attempt that begins when the time is over would stand for the last one that had
// some, with what that one measured.
func TestNoAttemptBeginsWhenTheTimeIsOver(t *testing.T) {
	g := NewWithT(t)
	all := tried(t.Context(), 250*time.Millisecond) // 0 ms, 100 ms; the next would be at 300 ms
	g.Expect(all).To(HaveLen(3))
	g.Expect(all[1].(event.AttemptEnded).Attempt.Number).To(Equal(1))
	g.Expect(all[2].(event.StepEnded).Attempt.Number).To(Equal(2))
	g.Expect(all[2].(event.StepEnded).Attempt.Reason).To(Equal(event.ReasonCrashed))
}

func TestAnInterruptBetweenAttemptsIsNoFailure(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(30*time.Millisecond, func() { cancel(step.ErrInterrupted) })
	all := tried(ctx, time.Minute)
	g.Expect(all).To(HaveLen(2))
	end := all[1].(event.StepEnded).Attempt
	g.Expect(end.Number).To(Equal(1))
	g.Expect(end.Outcome).To(Equal(event.Errored))
	g.Expect(end.Reason).To(Equal(event.ReasonInterrupted))
}

// A namespace that was there before is why the scenario's could not be made, and is
// somebody else's.
func TestCleanupLeavesTheNamespaceOfOthers(t *testing.T) {
	client := connect(t)
	g := NewWithT(t)
	facts, err := client.Facts(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	_, err = client.CreateNamespace(t.Context(), "shop-r1", map[string]string{"team": "shop"})
	g.Expect(err).NotTo(HaveOccurred())
	sink := &recorded{}
	s := &scenario{
		Runner:    &Runner{Options: Options{RunID: "r1", Keep: KeepNever, CleanupTimeout: time.Minute}, Sink: sink},
		plan:      &plan.Scenario{Dir: "shop", Key: "shop", Name: "shop", Spec: &spec.Scenario{}},
		cluster:   &Cluster{Client: client, Facts: facts},
		namespace: "shop-r1",
	}
	g.Expect(s.begin(t.Context())).To(MatchError(ContainSubstring("the namespace of the scenario could not be made")))
	s.cleanUp(t.Context(), event.Errored)
	got, err := client.Get(t.Context(), cluster.Namespaces, "", "shop-r1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.GetDeletionTimestamp()).To(BeNil())
	g.Expect(sink.all).To(ConsistOf(HaveField("Left", BeEmpty())))
}
