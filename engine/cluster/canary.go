package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// canaryName is the canary's; a second one in a namespace gets a random tail.
const canaryName = "realspec-canary"

// annotationBeat is what the canary's patches count.
const annotationBeat = "realspec.dev/beat"

// CanaryOptions say what kind of canary is to live where.
type CanaryOptions struct {
	Resource  Resource          // Pods or ConfigMaps: the tape's
	Namespace string            // the tape must watch it
	Labels    map[string]string // the run's
	Interval  time.Duration     // between two patches. Default: 100ms
}

// Echo is one patch of the canary and its way back.
type Echo struct {
	// Due is when it was to be sent, Sent when it began to be written to
	// the connection, Accepted when the answer was in. Accepted is zero when it
	// failed; Sent too when it did not come that far.
	Due, Sent, Accepted time.Time
	// Seen is when the tape's watch brought that version: before Accepted when
	// the watch was faster than the answer, zero when it has not come.
	Seen time.Time
}

// Canary is an object that is changed at a fixed rate, to measure how far behind
// a watch is: what happens to it shows on the same watch as what is measured.
type Canary struct {
	client   *Client
	resource Resource
	options  CanaryOptions
	name     string
	uid      types.UID
	stop     context.CancelFunc
	wait     sync.WaitGroup
	closing  sync.Once

	mu     sync.Mutex
	echoes []Echo
	open   map[string]int       // patches that are accepted and not seen, by version
	early  map[string]time.Time // versions that were seen and are not accepted yet
}

// StartCanary waits for the tape, creates the canary and patches it until Close.
// The due times are absolute: Start, Start + Interval, …. One patch is in flight
// at a time; a due time that passes meanwhile is skipped, and the lag shows in
// the one that took so long.
func (c *Client) StartCanary(ctx context.Context, tape *Tape, o CanaryOptions) (*Canary, error) {
	o.Interval = cmp.Or(o.Interval, 100*time.Millisecond)
	if o.Resource.GVR != Pods.GVR && o.Resource.GVR != ConfigMaps.GVR {
		return nil, fmt.Errorf("a canary is a Pod or a ConfigMap, not a %s", o.Resource.GVK.Kind)
	}
	if err := tape.Synced(ctx); err != nil {
		return nil, err
	}
	k := &Canary{
		client: c, resource: o.Resource, options: o,
		open: map[string]int{}, early: map[string]time.Time{},
	}
	if err := k.create(ctx); err != nil {
		return nil, err
	}
	tape.RecordCanary(k.seen)
	ctx, k.stop = context.WithCancel(ctx)
	k.wait.Go(func() { k.beat(ctx) })
	return k, nil
}

// Echoes are the patches so far, in order. The last ones may not be seen yet.
func (k *Canary) Echoes() []Echo {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Echo{}, k.echoes...)
}

// closePatience is how long the deletion of the canary may take; what is left
// goes with its namespace, or with the run's labels.
const closePatience = 5 * time.Second

// Close ends the patches and deletes the canary, whether or not the context of
// StartCanary has ended. The echoes stay.
func (k *Canary) Close() {
	k.closing.Do(func() {
		k.stop()
		k.wait.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		grace := int64(0)
		_ = k.client.Delete(ctx, k.resource, k.options.Namespace, k.name, DeleteOptions{UID: k.uid, Grace: &grace})
	})
}

// beat patches at the due times.
func (k *Canary) beat(ctx context.Context) {
	start := time.Now()
	for i := 1; ; i++ {
		due := start.Add(time.Duration(i) * k.options.Interval)
		if late := time.Since(due); late > 0 {
			i += int(late/k.options.Interval) + 1
			due = start.Add(time.Duration(i) * k.options.Interval)
		}
		if !sleep(ctx, time.Until(due)) {
			return
		}
		k.patch(ctx, i, due)
	}
}

// patch changes the canary once.
func (k *Canary) patch(ctx context.Context, beat int, due time.Time) {
	meta, s, err := k.client.writeOnce(ctx, call{
		verb: "patch", method: http.MethodPatch, path: path(k.resource, k.options.Namespace, k.name, ""),
		query:   url.Values{"fieldManager": {FieldManager}},
		body:    fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}}}`, annotationBeat, beat),
		content: string(types.MergePatchType), accept: metadataAnswer,
		what: "patch " + title(k.resource, k.options.Namespace, k.name),
	})
	if ctx.Err() != nil {
		return // cut off by Close: it says nothing about the cluster
	}
	echo := Echo{Due: due, Sent: s.sent, Accepted: s.accepted}
	if err != nil {
		echo.Accepted = time.Time{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.echoes = append(k.echoes, echo)
	if err != nil {
		return
	}
	last := len(k.echoes) - 1
	if at, ok := k.early[meta.ResourceVersion]; ok {
		k.echoes[last].Seen = at
	} else {
		k.open[meta.ResourceVersion] = last
	}
	clear(k.early) // one patch is in flight at a time: the others are nobody's
}

// seen is called by the tape.
func (k *Canary) seen(uid types.UID, version string, at time.Time) {
	if uid != k.uid {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	_, known := k.open[version]
	// A watch that lost its place shows only the latest version: whoever sees it
	// sees all that was before.
	number, _ := versionNumber(version)
	for open, i := range k.open {
		if n, ok := versionNumber(open); open == version || ok && n < number {
			k.echoes[i].Seen = at
			delete(k.open, open)
		}
	}
	if !known {
		k.early[version] = at
	}
}

// create makes the canary; where its name is taken, by another run in the same
// namespace say, with another one.
func (k *Canary) create(ctx context.Context) error {
	var err error
	for _, manifest := range k.manifests() {
		var body []byte
		if body, err = json.Marshal(manifest); err != nil {
			return err
		}
		var made Created
		if made, err = k.client.Create(ctx, k.resource, k.options.Namespace, body); err == nil {
			k.name, k.uid = made.Name, made.UID
			break
		}
		if !IsRefused(err) {
			return err
		}
	}
	if err != nil {
		return err
	}
	if k.resource.GVR == Pods.GVR {
		// A pod that has ended counts in no quota, and nobody waits for it. A
		// refusal leaves it Pending behind its gate, which does as well.
		_, _ = k.client.Patch(ctx, k.resource, k.options.Namespace, k.name,
			types.MergePatchType, []byte(`{"status":{"phase":"Succeeded"}}`), "status")
	}
	return nil
}

// manifests are the canary as it is tried to be created, one after the other.
func (k *Canary) manifests() []map[string]any {
	labels := map[string]string{LabelCanary: "true"}
	maps.Copy(labels, k.options.Labels)
	if k.resource.GVR == ConfigMaps.GVR {
		return []map[string]any{
			canaryManifest(k.resource, labels, map[string]any{"name": canaryName}),
			canaryManifest(k.resource, labels, map[string]any{"generateName": canaryName + "-"}),
		}
	}
	var out []map[string]any
	// A quota may demand requests and limits, a LimitRange refuse such small ones.
	for _, resources := range []map[string]any{{}, smallest()} {
		for _, name := range []map[string]any{{"name": canaryName}, {"generateName": canaryName + "-"}} {
			pod := canaryManifest(k.resource, labels, name)
			pod["spec"] = canarySpec(resources)
			out = append(out, pod)
		}
	}
	return out
}

func canaryManifest(r Resource, labels map[string]string, name map[string]any) map[string]any {
	metadata := maps.Clone(name)
	metadata["labels"] = labels
	return map[string]any{"apiVersion": r.GVK.GroupVersion().String(), "kind": r.GVK.Kind, "metadata": metadata}
}

func smallest() map[string]any {
	amounts := map[string]any{"cpu": "1m", "memory": "1Mi"}
	return map[string]any{"requests": amounts, "limits": amounts}
}

// canarySpec is a pod that no scheduler takes and no kubelet sees, so that its
// image is never pulled. It keeps the Pod Security Standard "restricted".
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func canarySpec(resources map[string]any) map[string]any {
	return map[string]any{
		"schedulerName":                 "realspec.dev-canary",
		"schedulingGates":               []any{map[string]any{"name": LabelCanary}},
		"automountServiceAccountToken":  false,
		"restartPolicy":                 "Never",
		"terminationGracePeriodSeconds": 0,
		"securityContext": map[string]any{
			"runAsNonRoot": true, "runAsUser": 65534,
			"seccompProfile": map[string]any{"type": "RuntimeDefault"},
		},
		"containers": []any{map[string]any{
			"name": "canary", "image": "realspec.dev/canary:never-pulled", "resources": resources,
			"securityContext": map[string]any{
				"allowPrivilegeEscalation": false,
				"capabilities":             map[string]any{"drop": []any{"ALL"}},
			},
		}},
	}
}
