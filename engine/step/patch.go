package step

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// patch changes every selected object.
func (w *World) patch(ctx context.Context, s *plan.Step, r *Result) {
	sel, err := w.selection(ctx, s, &s.Patch.On)
	if err != nil {
		r.add(fault(ctx, s.Patch.On.At, err))
		return
	}
	kind, body, err := w.patchBody(ctx, s, sel)
	if err != nil {
		r.add(fault(ctx, s.Patch.At, err))
		return
	}
	found, err := sel.live(ctx, w)
	if err != nil {
		r.add(fault(ctx, s.Patch.On.At, err))
		return
	}
	if len(found) == 0 && !sel.spec.AllowEmpty {
		r.add(nothing(s.Patch.On.At, sel))
	}
	for i, o := range found {
		got, err := o, w.mayChange(o)
		if err == nil {
			got, err = w.Client.Patch(ctx, sel.resource, o.GetNamespace(), o.GetName(), kind, body, s.Patch.Subresource)
		}
		if err != nil {
			r.add(faultOf(ctx, s.Patch.At, o, err))
			continue
		}
		if s.Patch.Subresource != "scale" { // its answer is a Scale, with versions of its own kind
			w.wrote(sel.resource, got)
		}
		w.Progress(fmt.Sprintf("patched %d of %d objects", i+1, len(found)))
	}
}

// patchBody is the patch as it is sent.
func (w *World) patchBody(ctx context.Context, s *plan.Step, sel *selection) (types.PatchType, []byte, error) {
	kind, source := types.MergePatchType, s.Patch.Merge
	if s.Patch.Strategic.IsSet() {
		kind, source = types.StrategicMergePatchType, s.Patch.Strategic
	}
	if source.IsSet() {
		fields, err := s.Object(source).Eval(ctx, w.known())
		if err != nil {
			return "", nil, err
		}
		if err := w.mayReach(sel.String(), spec.Reaches(sel.resource.GVK.Kind, fields)); err != nil {
			return "", nil, err
		}
		w.Images.Rewrite(fields)
		body, err := json.Marshal(fields)
		return kind, body, err
	}
	var operations []map[string]any
	for _, op := range s.Patch.JSON {
		fields, err := s.Object(op).Eval(ctx, w.known())
		if err != nil {
			return "", nil, err
		}
		if err := w.mayReach(sel.String(), spec.ReachesOf(sel.resource.GVK.Kind, fields)); err != nil {
			return "", nil, err
		}
		operations = append(operations, fields)
	}
	body, err := json.Marshal(operations)
	return types.JSONPatchType, body, err
}
