package step

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
)

// fault is the finding for an error at a place in the scenario. It decides
// between a failure (the cluster said no, or did not get there in time) and an
// error (we could not tell).
func fault(ctx context.Context, pos spec.Pos, err error) event.Finding {
	f := event.Finding{Outcome: event.Errored, Reason: event.ReasonExpression, Pos: pos, Message: err.Error()}
	var unknown *cluster.UnknownKindError
	var taken *TakenError
	var optIn *OptInError
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrInterrupted):
		f.Reason = event.ReasonInterrupted
	case errors.As(err, &optIn):
		f.Reason = event.ReasonInvalid
	case outputMissing(err) != "":
		f.Reason = event.ReasonUnmeasured // Result.missingOutputs decides what that means
	case cluster.IsUnavailable(err):
		f.Reason = event.ReasonCluster
	case cause != nil && errors.Is(err, context.DeadlineExceeded):
		f.Outcome, f.Reason, f.Message = event.Failed, event.ReasonTimeout, cause.Error()
	case cluster.IsRefused(err), cluster.IsNotFound(err), errors.As(err, &unknown), errors.As(err, &taken):
		f.Outcome, f.Reason = event.Failed, event.ReasonRefused
	}
	return f
}

// faultOf is the finding for an error of one object.
func faultOf(ctx context.Context, pos spec.Pos, o *unstructured.Unstructured, err error) event.Finding {
	f := fault(ctx, pos, err)
	if f.Reason == event.ReasonInvalid { // it names the object
		return f
	}
	f.Message = ref(o) + ": " + f.Message
	return f
}

// readFault is the finding for an error of reading. A read that is refused says
// nothing about the system.
func readFault(ctx context.Context, pos spec.Pos, err error) event.Finding {
	f := fault(ctx, pos, err)
	if f.Reason == event.ReasonRefused {
		f.Outcome = event.Errored
	}
	return f
}

// nothing is the finding for a selection that is empty and must not be.
func nothing(pos spec.Pos, sel *selection) event.Finding {
	where := "the cluster"
	if sel.namespace != "" {
		where = "namespace " + sel.namespace
	}
	return event.Finding{
		Outcome: event.Failed, Reason: event.ReasonNothing, Pos: pos,
		Message: fmt.Sprintf("nothing is selected: there is no %s in %s", sel, where),
	}
}
