package cluster

import (
	"context"
	"time"
)

// Synced waits for the first list. It fails at once where the server refuses the
// watch for good: not allowed (403), no such kind (404), not watchable (405).
func (f *follower) Synced(ctx context.Context) error {
	select {
	case <-f.synced:
	case <-f.ended:
	case <-ctx.Done():
	}
	select {
	case <-f.synced: // whatever came with it
		return nil
	default:
	}
	if err := f.Err(); err != nil {
		return err
	}
	since, err := f.Down()
	if err != nil {
		return err
	}
	return &Unavailable{
		What: f.what, Server: f.client.info.Server, Attempts: 1, Elapsed: time.Since(since),
		Why: "no answer yet", Err: ctx.Err(),
	}
}

// Err is why the watch has ended for good, or nil while it lives.
func (f *follower) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// Down tells since when the watch has had no connection, and why. The time is
// zero while it is connected; the error is nil until a first attempt has failed.
func (f *follower) Down() (since time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.downSince, f.downErr
}

// Changed is closed at the next change of what the watch knows: an object, a
// version, the connection. Take it before you read, so that nothing is missed in
// between.
func (f *follower) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

// Reached tells whether the watch has seen the cluster at least as it was at a
// resourceVersion: the one that Apply or Patch returned for an object of this
// kind, so that one reads what one wrote. Versions are compared as integers, as
// Kubernetes allows since 1.35; one that is none counts as reached.
func (f *follower) Reached(resourceVersion string) bool {
	wanted, ok := versionNumber(resourceVersion)
	if !ok {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reached >= wanted || f.opaque
}

// advance notes a version that the watch has seen.
func (f *follower) advance(version string) {
	n, ok := versionNumber(version)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opaque = f.opaque || !ok
	if n > f.reached {
		f.reached = n
		f.notify()
	}
}

// connected notes that the stream is open.
func (f *follower) connected() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.downSince, f.downErr = time.Time{}, nil
	f.notify()
}

// lost notes that the stream has ended.
func (f *follower) lost(err error) {
	f.client.ledger.reconnects.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.downSince.IsZero() {
		f.downSince = time.Now()
	}
	if err != nil && !IsUnavailable(err) && !isFinal(err) {
		err = &Unavailable{What: f.what, Server: f.client.info.Server, Attempts: 1, Why: plainNet(err), Err: err}
	}
	f.downErr = err
	f.notify()
}

// end notes that the watch is over.
func (f *follower) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure = err
	f.notify()
	close(f.ended)
}

// notify wakes who waits for a change. The lock is held.
func (f *follower) notify() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}
