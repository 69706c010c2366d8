package plan

import (
	"context"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
)

// consents refuses pods that reach beyond themselves by an expression over vars or
// env without the scenario's consent. What is written out was judged when the
// scenario was loaded; what only the run knows is judged when it is sent.
func (c *compiler) consents(s *spec.Step) {
	for _, w := range s.Writes() {
		switch {
		case w.Verb == "delete":
		case w.Object != nil:
			c.reaches(*w.Object, func(fields map[string]any) []spec.Reach {
				kind, _ := fields["kind"].(string)
				return spec.Reaches(kind, fields)
			})
		default:
			for _, patch := range []spec.Object{w.Merge, w.Strategic} {
				c.reaches(patch, func(fields map[string]any) []spec.Reach { return spec.Reaches(w.On.Kind, fields) })
			}
			for _, operation := range w.JSON {
				c.reaches(operation, func(fields map[string]any) []spec.Reach { return spec.ReachesOf(w.On.Kind, fields) })
			}
		}
	}
}

func (c *compiler) reaches(o spec.Object, of func(map[string]any) []spec.Reach) {
	compiled := c.current.objects[o.At]
	if compiled == nil || len(o.Templates) == 0 {
		return
	}
	values := c.scenario.Values(nil, runID, c.scenario.Name+"-"+runID)
	values["index"] = int64(0)
	fields, err := compiled.Eval(context.Background(), values)
	if err != nil {
		return
	}
	written := of(o.Fields)
	for _, r := range of(fields) {
		if !slices.Contains(written, r) && !slices.Contains(c.scenario.Spec.Spec.Allow, r.Allow) {
			c.diags.Add(placeOf(o, r.At), "needs-allow", "%s", r.Why).Help = load.AllowHelp(r.Allow)
		}
	}
}

// placeOf is the place of the value at a JSON pointer, or of what an expression gives
// that holds it.
func placeOf(o spec.Object, pointer string) spec.Pos {
	for ; pointer != ""; pointer = pointer[:strings.LastIndexByte(pointer, '/')] {
		if at, ok := o.Places[pointer]; ok {
			return at
		}
	}
	return o.At
}
