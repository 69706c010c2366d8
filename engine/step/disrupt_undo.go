package step

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/cluster"
)

// undoTime is how long undoing may take, until the nodes are Ready again.
const undoTime = time.Minute

// deed is what must be done to undo something.
type deed struct {
	action string // uncordon, cordon, start, thaw or heal
	node   string
	ready  bool   // the node was Ready before, and must become so again
	silent bool   // its kubelet cannot be heard until then
	of     string // the namespace of the scenario, or of the repetition, that undoes it
}

// deeds are what a scenario has to undo. They are safe for concurrent use.
type deeds struct {
	mu  sync.Mutex
	all []deed
}

// push notes a deed. Of one that is there already the first knows how the node
// was before.
func (u *deeds) push(d deed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.all, func(o deed) bool { return o.node == d.node && o.action == d.action })
	if i < 0 {
		u.all = append(u.all, d)
		return
	}
	u.all[i].silent = u.all[i].silent || d.silent
}

// drop forgets what has been done in the meantime.
func (u *deeds) drop(node, action string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = slices.DeleteFunc(u.all, func(d deed) bool { return d.node == node && d.action == action })
}

// take takes the deeds off the list, the last one first: all, or those of a
// repetition.
func (u *deeds) take(of string) []deed {
	if u == nil {
		return nil // the scenario never began
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	var taken, rest []deed
	for _, d := range u.all {
		if of == "" || d.of == of {
			taken = append(taken, d)
		} else {
			rest = append(rest, d)
		}
	}
	u.all = rest
	slices.Reverse(taken)
	return taken
}

// UndoError is a node that could not be brought back to what it was.
type UndoError struct {
	Node string
	Help string // the command that does it by hand
	Err  error
}

// Error names the node and the command to type.
func (e *UndoError) Error() string {
	return fmt.Sprintf("Node/%s is not as it was: %v; to mend it: %s", e.Node, e.Err, e.Help)
}

// Unwrap is the cause.
func (e *UndoError) Unwrap() error { return e.Err }

// Undo brings the nodes back to what they were before the scenario: uncordoned,
// started, thawed, healed, the last disruption first, and waits until those that
// were Ready are so again, for at most a minute. It may be called more than once. A
// repetition undoes what it has done itself: the next one is to find what its
// scenario has done. The errors are *UndoError.
func (w *World) Undo(ctx context.Context) []error {
	of := ""
	if w.repeated {
		of = w.Namespace
	}
	all := w.undo.take(of)
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(cluster.Within(ctx, w.Plan.Key, "cleanup"), undoTime)
	defer cancel()
	start := time.Now()
	var errs []error
	var undone []string
	beats := make([]string, len(all))
	for i, d := range all {
		var err error
		if d.silent {
			beats[i], err = w.Client.NodeBeat(ctx, d.node)
		}
		if tried := w.undoOne(ctx, d); tried != nil {
			err = tried
		}
		if err != nil {
			errs = append(errs, &UndoError{Node: d.node, Help: w.byHand(d), Err: err})
			all[i].ready = false
			continue
		}
		undone = append(undone, "Node/"+d.node+" "+done[d.action])
	}
	for i, d := range all {
		if !d.ready {
			continue
		}
		if err := w.back(ctx, d, beats[i]); err != nil {
			errs = append(errs, &UndoError{Node: d.node, Help: "kubectl describe node " + d.node, Err: err})
		}
	}
	if len(undone) > 0 {
		w.Notice(fmt.Sprintf("undone in %s: %s", round(time.Since(start)), strings.Join(undone, ", ")))
	}
	return errs
}

func (w *World) undoOne(ctx context.Context, d deed) error {
	switch d.action {
	case actionUncordon:
		return w.Client.UncordonOf(ctx, d.node, w.RunID)
	case actionCordon:
		_, err := w.Client.Cordon(ctx, d.node, "", time.Now())
		return err
	}
	return w.Nodes.Do(ctx, d.action, d.node, 0)
}

// back waits until a node is Ready, and its kubelet can be heard again where it
// could not: a node stays Ready for a while when its kubelet is silent.
func (w *World) back(ctx context.Context, d deed, beat string) error {
	err := w.Client.AwaitNode(ctx, d.node, beat)
	if cluster.IsNotFound(err) {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it is not Ready %s after it was to be as before", undoTime)
	}
	return err
}

// byHand is what a person types to undo a deed.
func (w *World) byHand(d deed) string {
	switch d.action {
	case actionUncordon, actionCordon:
		return "kubectl " + d.action + " " + d.node
	}
	return w.Nodes.Command(d.action, d.node)
}
