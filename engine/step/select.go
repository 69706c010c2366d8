package step

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// selection is a spec.Selector with its texts filled in and its kind resolved.
type selection struct {
	spec      *spec.Selector
	resource  cluster.Resource
	namespace string // as it is asked for; "" for kinds without one
	name      string
	labels    labels.Selector
	where     *expr.Program
}

// selection resolves a selector. The kind may have become known only now, when
// the scenario brings its own CRD.
func (w *World) selection(ctx context.Context, s *plan.Step, sel *spec.Selector) (*selection, error) {
	res, err := w.Client.Resource(sel.APIVersion, sel.Kind)
	if err != nil {
		return nil, err
	}
	out := &selection{spec: sel, resource: res, where: s.Program(sel.Where)}
	ns, err := w.text(ctx, s.Text(sel.Namespace))
	if err != nil {
		return nil, err
	}
	out.namespace = w.namespaceFor(res, ns)
	if out.name, err = w.text(ctx, s.Text(sel.Name)); err != nil {
		return nil, err
	}
	if out.labels, err = w.labels(ctx, s, sel.Selector); err != nil {
		return nil, err
	}
	return out, nil
}

// labels is a label selector with its text filled in.
func (w *World) labels(ctx context.Context, s *plan.Step, t spec.Text) (labels.Selector, error) {
	query, err := w.text(ctx, s.Text(t))
	if err != nil {
		return nil, err
	}
	selector, err := labels.Parse(query)
	if err != nil {
		return nil, fmt.Errorf("the label selector %q cannot be read: %w", query, err)
	}
	return selector, nil
}

// String names what is selected: Deployment/web, or Pod with app=web.
func (sel *selection) String() string {
	kind := sel.resource.GVK.Kind
	switch {
	case sel.name != "":
		return kind + "/" + sel.name
	case sel.spec.Where.IsSet():
		return fmt.Sprintf("%s where %s", sel.labelled(), sel.spec.Where.Text)
	}
	return sel.labelled()
}

func (sel *selection) labelled() string {
	if sel.labels.Empty() {
		return "any " + sel.resource.GVK.Kind
	}
	return sel.resource.GVK.Kind + " with " + sel.labels.String()
}

// feed is the watch that shows the selection.
func (sel *selection) feed(w *World) *cluster.Feed { return w.feed(sel.resource, sel.namespace) }

// watched picks from the watch. A field that `where` misses means not yet.
func (sel *selection) watched(ctx context.Context, w *World) ([]*unstructured.Unstructured, error) {
	feed := sel.feed(w)
	if sel.name != "" {
		o := feed.Get(sel.namespace, sel.name)
		if o == nil {
			return nil, nil
		}
		picked, _, err := sel.pick(ctx, w, []*unstructured.Unstructured{o})
		return picked, err
	}
	picked, _, err := sel.pick(ctx, w, feed.Objects())
	return picked, err
}

// live reads the selection from the API server: one request.
func (sel *selection) live(ctx context.Context, w *World) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	if sel.name != "" {
		o, err := w.Client.Get(ctx, sel.resource, sel.namespace, sel.name)
		switch {
		case cluster.IsNotFound(err):
		case err != nil:
			return nil, err
		default:
			found = append(found, o)
		}
	} else {
		var err error
		if found, err = w.Client.List(ctx, sel.resource, sel.namespace, cluster.ListOptions{Selector: sel.labels.String()}); err != nil {
			return nil, err
		}
	}
	picked, missing, err := sel.pick(ctx, w, found)
	if err == nil && missing != nil && len(picked) == 0 {
		// Not one object has the field: more likely a slip than a fact, and
		// an absence proved by a slip would be a vacuous pass.
		return nil, fmt.Errorf("where %s: %w", sel.spec.Where.Text, missing)
	}
	return picked, err
}

// pick filters by name, labels and where. missing is a field that `where` did
// not find on every one of the candidates.
func (sel *selection) pick(ctx context.Context, w *World, from []*unstructured.Unstructured) (picked []*unstructured.Unstructured, missing, err error) {
	var candidates, without int
	for _, o := range from {
		if sel.name != "" && o.GetName() != sel.name || !sel.labels.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		candidates++
		if sel.where != nil {
			ok, err := sel.where.Bool(ctx, w.with(expr.Values{"object": o.Object}))
			var lack *expr.MissingError
			if errors.As(err, &lack) {
				missing = lack
				without++
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			if !ok {
				continue
			}
		}
		picked = append(picked, o)
	}
	if without < candidates {
		missing = nil
	}
	return picked, missing, nil
}

// ref names an object as a person would: Deployment/web.
func ref(o *unstructured.Unstructured) string { return o.GetKind() + "/" + o.GetName() }
