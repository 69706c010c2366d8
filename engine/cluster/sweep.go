package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// The labels and annotations of everything that a run creates. They are how it
// is found again when the run itself is no more.
const (
	LabelRun          = "realspec.dev/run"      // the run's id
	LabelScenario     = "realspec.dev/scenario" // the scenario's name
	AnnotationStarted = "realspec.dev/started"  // when the run began, RFC 3339
)

// Leftover is an object that a run left behind.
type Leftover struct {
	Resource   Resource
	Namespace  string
	Name       string
	UID        types.UID
	Run        string // the run's id
	Scenario   string
	Created    time.Time
	Deleting   time.Time // when its deletion was asked for; zero when it was not
	Finalizers []string
	// Cordoned is a node that a run cordoned, and that is uncordoned instead of
	// deleted; Created is then when that was.
	Cordoned bool
	// Inside is the number of labelled objects in this namespace; they go with it.
	Inside int
	// Why it is still there, after Remove.
	Why string
}

// String names the object. Example: ConfigMap shop/web.
func (l Leftover) String() string {
	if l.Cordoned {
		return "Node " + l.Name + " (cordoned; to be uncordoned)"
	}
	return title(l.Resource, l.Namespace, l.Name)
}

// Age is the time since the object was created.
func (l Leftover) Age(now time.Time) time.Duration { return now.Sub(l.Created) }

// Leftovers finds everything on the cluster that runs created: all kinds that can
// be listed and deleted, in all namespaces, by metadata only. The labels narrow
// it, to one run say; with none it is every run's. What stands in a namespace
// that is itself found is counted there. Nodes that runs cordoned are among them,
// unless other labels than the run's narrow it. Kinds that could not be looked at are
// named by the error; the rest is then returned with it.
func (c *Client) Leftovers(ctx context.Context, labels map[string]string) ([]Leftover, error) {
	all, err := c.discovery.everything(ctx)
	if err != nil {
		return nil, err
	}
	kinds := sweepable(all)
	selector := selectorOf(labels)
	found := make([][]Leftover, len(kinds))
	errs := make([]error, len(kinds))
	forEach(len(kinds), func(i int) {
		found[i], errs[i] = c.labelled(ctx, kinds[i], selector)
	})
	if err := errors.Join(errs...); err != nil && ctx.Err() != nil {
		return nil, err
	}
	out := fold(slices.Concat(found...))
	if labels[LabelScenario] == "" {
		nodes, err := c.cordoned(ctx, labels[LabelRun])
		if err != nil && !isForbidden(err) { // then the kind could not be looked at either, which is told below
			return out, err
		}
		out = append(out, nodes...)
	}
	slices.SortFunc(out, func(a, b Leftover) int {
		return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(a.Resource.String(), b.Resource.String()),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out, unseen(kinds, errs, all.silent)
}

// sweepable are the kinds that can hold leftovers, each once.
func sweepable(all *catalog) []Resource {
	var out []Resource
	for _, s := range preferred(all.resources) {
		if s.can("list") && s.can("delete") {
			out = append(out, s.Resource)
		}
	}
	return out
}

// selectorOf selects what has the labels, and is a run's in any case.
func selectorOf(labels map[string]string) string {
	parts := []string{}
	if labels[LabelRun] == "" {
		parts = append(parts, LabelRun)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if labels[key] == "" {
			continue
		}
		parts = append(parts, key+"="+labels[key])
	}
	return strings.Join(parts, ",")
}

// metadataOnly asks for a list without specs and statuses.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// labelled lists the leftovers of one kind.
func (c *Client) labelled(ctx context.Context, r Resource, selector string) ([]Leftover, error) {
	q := listCall(r, "", ListOptions{Selector: selector})
	q.accept = metadataOnly
	all, _, err := c.all(ctx, q, r)
	var refused *Refused
	if IsNotFound(err) || errors.As(err, &refused) && refused.Code == http.StatusMethodNotAllowed {
		return nil, nil // the kind is gone, or cannot be listed after all
	}
	var out []Leftover
	for _, u := range all {
		out = append(out, leftoverOf(r, u))
	}
	return out, err
}

func leftoverOf(r Resource, u *unstructured.Unstructured) Leftover {
	l := Leftover{
		Resource: r, Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(),
		Run: u.GetLabels()[LabelRun], Scenario: u.GetLabels()[LabelScenario],
		Created: u.GetCreationTimestamp().Time, Finalizers: u.GetFinalizers(),
	}
	if at := u.GetDeletionTimestamp(); at != nil {
		l.Deleting = at.Time
	}
	return l
}

// fold counts what stands in a found namespace there.
func fold(all []Leftover) []Leftover {
	inside := map[string]int{}
	for _, l := range all {
		if l.Resource.GVR == Namespaces.GVR {
			inside[l.Name] = 0
		}
	}
	var out []Leftover
	for _, l := range all {
		if _, folded := inside[l.Namespace]; folded && l.Namespace != "" {
			inside[l.Namespace]++
			continue
		}
		out = append(out, l)
	}
	for i := range out {
		if out[i].Resource.GVR == Namespaces.GVR {
			out[i].Inside = inside[out[i].Name]
		}
	}
	return out
}

// unseen is the error for kinds that could not be looked at.
func unseen(kinds []Resource, errs []error, silent []string) error {
	var names []string
	var first error
	for i, err := range errs {
		if err != nil {
			names = append(names, kinds[i].GVR.Resource)
			first = cmp.Or(first, err)
		}
	}
	for _, gv := range silent {
		names = append(names, "everything in "+gv+", which does not answer")
	}
	if len(names) == 0 {
		return nil
	}
	if first == nil {
		return fmt.Errorf("not looked at: %s", strings.Join(names, ", "))
	}
	return fmt.Errorf("not looked at: %s: %w", strings.Join(names, ", "), first)
}

// namespaceConditions says why a namespace is not gone yet, in the words of its
// controller.
func namespaceConditions(u *unstructured.Unstructured) string {
	raw, _ := json.Marshal(u.Object["status"])
	var status struct {
		Conditions []metav1.Condition `json:"conditions"`
	}
	if json.Unmarshal(raw, &status) != nil {
		return ""
	}
	var why []string
	for _, condition := range status.Conditions {
		if condition.Status == metav1.ConditionTrue && condition.Message != "" {
			why = append(why, condition.Message)
		}
	}
	return strings.Join(why, "; ")
}
