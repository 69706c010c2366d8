package cluster

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lateness bounds how long before its receipt an event may have happened.
//
// While a stream is open, events come as they happen. What happened while it was
// not comes all at once when it is open again, and looks the same. So after each
// opening the server is asked for its version: whatever is not newer than that
// may have happened at any time since the last stream was alive.
//
//	alive          opened, asked: 207
//	──┴──────────────┴──┬────┬────┬────┬──> receipt
//	  |<--- earlier --->|205 |207 |208: live
type lateness struct {
	// alive: everything that happened before it has been brought. Of the
	// follower's goroutine only.
	alive time.Time
	// now is the server's version after the stream was opened; 0 while it is not
	// known, and every event counts as late.
	now atomic.Uint64
}

// of is how much earlier an event of a stream may have been.
func (l *lateness) of(version string, at time.Time) time.Duration {
	now := l.now.Load()
	if n, ok := versionNumber(version); now != 0 && (!ok || n > now) {
		return 0
	}
	return l.since(at)
}

// since is the time since everything had been brought.
func (l *lateness) since(at time.Time) time.Duration { return max(at.Sub(l.alive), 0) }

// parted ends a stream that was alive until then. If it had not caught up with
// the server, then what is still to come is as old as before.
func (l *lateness) parted(alive time.Time, reached uint64) {
	if now := l.now.Load(); now != 0 && reached >= now {
		l.alive = alive
	}
	l.now.Store(0)
}

// askHowLate asks for the server's version until it answers. The function that
// it returns ends that.
func (f *follower) askHowLate(ctx context.Context) (forget func()) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	asking.Go(func() {
		for n := 1; ; n++ {
			version, err := f.client.serverVersion(ctx, f.key.resource, f.key.namespace)
			if err == nil {
				number, _ := versionNumber(version)
				f.late.now.Store(max(number, 1)) // where it is no number nothing can be compared
				return
			}
			if !sleep(ctx, backoff(n)) {
				return
			}
		}
	})
	return func() { cancel(); asking.Wait() }
}

// serverVersion is the server's version of a kind: of the smallest list that
// there is.
func (c *Client) serverVersion(ctx context.Context, r Resource, namespace string) (string, error) {
	q := listCall(r, namespace, ListOptions{})
	q.query.Set("limit", "1")
	q.accept = metadataOnly + ",application/json"
	a, err := c.send(ctx, q, 0)
	if err != nil {
		return "", err
	}
	var list struct {
		Metadata metav1.ListMeta `json:"metadata"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return "", c.garbled(q.what, err)
	}
	return list.Metadata.ResourceVersion, nil
}

// Newest is the highest resourceVersion among the objects that a label selector
// selects now, and empty when there are none: what a watch must have Reached to
// have shown them all. It reads metadata only.
func (c *Client) Newest(ctx context.Context, r Resource, namespace, selector string) (string, error) {
	q := listCall(r, namespace, ListOptions{Selector: withoutCanaries(r, selector)})
	q.accept = metadataOnly + ",application/json"
	newest, number := "", uint64(0)
	_, err := c.pages(ctx, q, c.opts.RetryBudget, func(a answer, _ bool) (metav1.ListMeta, error) {
		return eachItem(a.body, func(raw []byte) error {
			var item struct {
				Metadata struct {
					ResourceVersion string `json:"resourceVersion"`
				} `json:"metadata"`
			}
			err := json.Unmarshal(cutManagedFields(raw), &item)
			if n, _ := versionNumber(item.Metadata.ResourceVersion); n > number {
				newest, number = item.Metadata.ResourceVersion, n
			}
			return err
		})
	})
	return newest, err
}
