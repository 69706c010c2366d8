package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// wavePatience is how long a wave of deletions may hold up the next one. Most
// are gone in milliseconds; what is stuck must not keep the rest alive.
const wavePatience = 5 * time.Second

// Remove deletes leftovers, in the opposite order of apply, and waits until they
// are gone or the context ends. An object that has taken a leftover's name since
// is not touched. progress, if there is one, is told how many of them are gone.
// What is left comes back with the reason for each; the error is only for a
// server that could not be asked.
func (c *Client) Remove(ctx context.Context, all []Leftover, progress func(gone, total int)) (left []Leftover, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	watches := c.NewWatches(ctx)
	defer watches.Close()
	r := &removal{
		client: c, watches: watches, total: len(all), progress: progress,
		feeds: map[watchKey]*Feed{}, gone: map[types.UID]bool{}, why: map[types.UID]error{},
	}
	order := removalOrder(all)
	for _, wave := range order {
		r.delete(ctx, wave)
		patience, cancel := context.WithTimeout(ctx, wavePatience)
		r.await(patience, wave)
		cancel()
	}
	var still []Leftover
	for _, wave := range order {
		still = append(still, r.await(ctx, wave)...)
	}
	if slices.ContainsFunc(all, func(l Leftover) bool { return l.Resource.GVK.Kind == "CustomResourceDefinition" }) {
		c.discovery.forget() // its kind goes with it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range still {
		if told, there := c.explain(ctx, l, r.why[l.UID]); there {
			left = append(left, told)
		} else {
			r.left(l)
		}
	}
	return left, r.failure
}

// removal is the state of one Remove.
type removal struct {
	client   *Client
	watches  *Watches
	progress func(gone, total int)
	total    int
	// feeds are of Remove's own goroutine. One that has failed for good stays here:
	// watches would begin it anew each time.
	feeds map[watchKey]*Feed

	mu      sync.Mutex
	gone    map[types.UID]bool
	why     map[types.UID]error // what the deletion met
	failure error
}

// removalOrder is the order of apply, turned round.
func removalOrder(all []Leftover) [][]Leftover {
	byWave := map[wave][]Leftover{}
	for _, l := range all {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(l.Resource.GVK)
		byWave[waveOf(u)] = append(byWave[waveOf(u)], l)
	}
	var out [][]Leftover
	for w := waveGates; w >= waveFoundations; w-- {
		if len(byWave[w]) > 0 {
			out = append(out, byWave[w])
		}
	}
	return out
}

// delete asks for the deletion of a wave.
func (r *removal) delete(ctx context.Context, wave []Leftover) {
	for _, l := range wave {
		r.feed(l) // before the deletion, so that its end is not missed
	}
	forEach(len(wave), func(i int) {
		l := wave[i]
		err := r.end(ctx, l)
		r.mu.Lock()
		defer r.mu.Unlock()
		switch {
		case IsNotFound(err), err == nil && l.Cordoned:
			r.left(l)
		case err != nil:
			r.why[l.UID] = err
			if IsUnavailable(err) && r.failure == nil {
				r.failure = err
			}
		}
	})
}

// end deletes an object, or uncordons a node.
func (r *removal) end(ctx context.Context, l Leftover) error {
	if l.Cordoned {
		return r.client.UncordonOf(ctx, l.Name, l.Run)
	}
	return r.client.Delete(ctx, l.Resource, l.Namespace, l.Name, DeleteOptions{UID: l.UID})
}

// left notes that an object is gone. The lock is held.
func (r *removal) left(l Leftover) {
	if r.gone[l.UID] {
		return
	}
	r.gone[l.UID] = true
	if r.progress != nil {
		r.progress(len(r.gone), r.total)
	}
}

// feed watches the objects of a leftover's kind; of one that a run labelled, only
// the labelled ones. It is nil for a node, which stays.
func (r *removal) feed(l Leftover) *Feed {
	if l.Cordoned {
		return nil
	}
	key := watchKey{resource: l.Resource, namespace: l.Namespace, canaries: true}
	if l.Run != "" {
		key.selector = LabelRun
	}
	if r.feeds[key] == nil {
		r.feeds[key] = r.watches.open(key)
	}
	return r.feeds[key]
}

// await waits until a wave is gone and returns what is still there.
func (r *removal) await(ctx context.Context, wave []Leftover) []Leftover {
	for {
		changes := make([]<-chan struct{}, 0, 4)
		watched := map[*Feed]bool{}
		var still []Leftover
		for _, l := range wave {
			f := r.feed(l)
			if f != nil && !watched[f] {
				watched[f] = true
				changes = append(changes, f.Changed())
			}
			if r.present(f, l) {
				still = append(still, l)
			}
		}
		if len(still) == 0 || ctx.Err() != nil || r.hopeless(still) {
			return still
		}
		waitAny(ctx, changes)
	}
}

// present tells whether an object is still there, as far as is known.
func (r *removal) present(f *Feed, l Leftover) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone[l.UID] || l.Cordoned {
		return !r.gone[l.UID]
	}
	select {
	case <-f.synced:
		if u := f.Get(l.Namespace, l.Name); u != nil && u.GetUID() == l.UID {
			return true
		}
	default:
		err := f.Err()
		if IsRefused(err) && r.why[l.UID] == nil {
			r.why[l.UID] = err // nobody will tell when it is gone
		}
		if !IsNotFound(err) { // a kind that is gone has no objects
			return true
		}
	}
	r.left(l)
	return false
}

// hopeless tells that the deletion of all of them was refused, or cannot be seen.
func (r *removal) hopeless(still []Leftover) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(still, func(l Leftover) bool { return r.why[l.UID] == nil })
}

// waitAny waits until one of the channels is closed or the context ends.
func waitAny(ctx context.Context, changes []<-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	for _, change := range changes {
		wait.Go(func() {
			select {
			case <-change:
				cancel()
			case <-ctx.Done():
			}
		})
	}
	<-ctx.Done()
	wait.Wait()
}

// explain says why an object is still there, and false when it is not. The
// context has mostly ended by then, so the question has a little time of its own.
func (c *Client) explain(ctx context.Context, l Leftover, met error) (Leftover, bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	u, err := c.Get(ctx, l.Resource, l.Namespace, l.Name)
	switch {
	case IsNotFound(err), err == nil && u.GetUID() != l.UID:
		return l, false
	case err == nil:
		now := leftoverOf(l.Resource, u)
		l.Finalizers, l.Deleting = now.Finalizers, now.Deleting
	}
	var reasons []string
	if met != nil {
		reasons = append(reasons, met.Error())
	}
	if err == nil && l.Resource.GVR == Namespaces.GVR {
		if why := namespaceConditions(u); why != "" {
			reasons = append(reasons, why)
		}
	}
	if len(l.Finalizers) > 0 {
		reasons = append(reasons, "waits for finalizer "+strings.Join(l.Finalizers, ", "))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		reasons = append(reasons, err.Error())
	}
	if len(reasons) == 0 {
		reasons = append(reasons, "its deletion goes on in the background")
	}
	l.Why = strings.Join(reasons, "; ")
	return l, true
}
