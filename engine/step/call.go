package step

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/rate"
	"github.com/realspec/realspec/engine/spec"
)

// call makes the calls of an api measure at their due times.
func (w *World) call(ctx context.Context, s *plan.Step, m *spec.Measure) (delivered, error) {
	a := m.API
	due, err := schedule(a.Rate, a.Count, a.For.Value, 0, nil)
	if err != nil {
		return delivered{}, err
	}
	d := delivery{name: m.Name, kind: m.Kind(), schedule: due, concurrency: a.Concurrency, warmUp: a.WarmUp}
	switch a.Verb {
	case "create":
		maker, err := w.maker(s, a.Object, a.WarmUp)
		if err != nil {
			return delivered{}, err
		}
		d.call, d.ended = maker.create, maker.ended
	default:
		if d.call, err = w.callOn(ctx, s, a); err != nil {
			return delivered{}, err
		}
	}
	did := w.deliver(ctx, d)
	did.measured.What = a.Verb + " " + called(a)
	return did, nil
}

func called(a *spec.APIMeasure) string {
	if a.On != nil {
		return a.On.Kind
	}
	kind, _ := a.Object.Fields["kind"].(string)
	return kind
}

// callOn reads or changes objects that are there, each in turn.
func (w *World) callOn(ctx context.Context, s *plan.Step, a *spec.APIMeasure) (rate.Operation, error) {
	sel, err := w.selection(ctx, s, a.On)
	if err != nil {
		return nil, err
	}
	if a.Verb == "list" {
		return func(ctx context.Context, _ int) (rate.Done, error) {
			did, err := w.Client.Call(ctx, "list", sel.resource, sel.namespace, "", nil, "", sel.labels.String())
			return rate.Done{Sent: did.Sent, Ended: did.Accepted}, err
		}, nil
	}
	found, err := sel.live(ctx, w)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s selects nothing, so there is nothing to %s", sel, a.Verb)
	}
	names := make([]string, len(found))
	for i, o := range found {
		if err := w.mayChange(o); a.Verb != "get" && err != nil {
			return nil, err
		}
		names[i] = o.GetName()
	}
	var patch *expr.Object
	if a.Verb == "patch" {
		patch = s.Object(a.Merge)
	}
	return func(ctx context.Context, i int) (rate.Done, error) {
		var body []byte
		var content string
		if patch != nil {
			fields, err := patch.Eval(ctx, w.with(expr.Values{"index": int64(i)}))
			if err != nil {
				return rate.Done{}, err
			}
			if err := w.mayReach(sel.String(), spec.Reaches(sel.resource.GVK.Kind, fields)); err != nil {
				return rate.Done{}, err
			}
			if body, err = json.Marshal(fields); err != nil {
				return rate.Done{}, err
			}
			content = string(types.MergePatchType)
		}
		did, err := w.Client.Call(ctx, a.Verb, sel.resource, sel.namespace, names[i%len(names)], body, content, "")
		return rate.Done{Sent: did.Sent, Ended: did.Accepted}, err
	}, nil
}
