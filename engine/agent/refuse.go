package agent

import (
	"slices"

	"github.com/realspec/realspec/engine/spec"
)

// ErrNotMeasurable means that the cluster cannot truthfully answer what was asked:
// the step or measure is skipped with the reason.
type ErrNotMeasurable struct{ Reason string }

// Error is the reason.
func (e *ErrNotMeasurable) Error() string { return "not measurable here: " + e.Reason }

// Unmeasurable says why packets cannot be measured on these nodes; it is empty
// where they can.
func Unmeasurable(facts *spec.Facts) string {
	real := func(n spec.Node) bool { return !n.Simulated }
	switch {
	case facts == nil || slices.ContainsFunc(facts.Nodes, real):
		return ""
	case len(facts.Nodes) == 0:
		return "the cluster has no nodes: no pods can run"
	}
	return "the nodes are simulated: no packets flow between them"
}

// Unmeasurable says why agents can measure nothing here; it is empty where they
// can. A fleet that is nil has no agents.
func (f *Fleet) Unmeasurable() string {
	switch {
	case f == nil:
		return "this run has no agents"
	case Unmeasurable(f.opts.Facts) != "":
		return Unmeasurable(f.opts.Facts)
	case f.opts.Image == nil:
		return "this cluster has no agent image: --agent-image REF"
	}
	return ""
}
