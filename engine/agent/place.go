package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/realspec/realspec/engine/cluster"
)

// batch is agents that are placed together: pods of their own, or those of a Job.
type batch struct {
	namespace string
	group     string // the value of labelGroup
	want      int    // pods
	objects   []*unstructured.Unstructured
	orders    map[string]order // by the pod's name; "" is that of a Job's pods
}

// name is a name that no other object of the fleet has. The turn is held.
func (f *Fleet) name() string {
	f.count++
	return fmt.Sprintf("realspec-agent-%d", f.count)
}

// batch is a pod for each order, or a Job where n pods are all alike.
func (f *Fleet) batch(namespace string, orders []order) (*batch, error) {
	b := &batch{namespace: namespace, group: f.name(), want: len(orders), orders: map[string]order{}}
	for i, o := range orders {
		name := b.group
		if i > 0 {
			name = f.name()
		}
		pod, err := f.pod(o, b.group, name)
		if err != nil {
			return nil, err
		}
		b.objects, b.orders[name] = append(b.objects, pod), o
	}
	return b, nil
}

func (f *Fleet) indexed(o order, n int) (*batch, error) {
	b := &batch{namespace: o.namespace, group: f.name(), want: n, orders: map[string]order{"": o}}
	job, err := f.job(o, b.group, n)
	b.objects = append(b.objects, job)
	return b, err
}

// place makes the objects of a batch, waits until all its agents answer, and keeps
// them. What did not come up is removed again.
func (f *Fleet) place(ctx context.Context, b *batch) (err error) {
	feed := f.watches.Open(cluster.Pods, b.namespace)
	if err := feed.Synced(ctx); err != nil {
		return err
	}
	var made []cluster.Leftover
	defer func() {
		f.mu.Lock()
		f.belonging = append(f.belonging, made...)
		f.mu.Unlock()
		if err != nil {
			f.withdraw(ctx, made)
		}
	}()
	for _, o := range b.objects {
		// Before it is made: what is made is sure to be noted.
		r, err := f.client.Resource(o.GetAPIVersion(), o.GetKind())
		if err != nil {
			return err
		}
		got, err := f.client.Apply(ctx, o)
		if err != nil {
			return fmt.Errorf("an agent pod could not be made: %w", err)
		}
		made = append(made, cluster.Leftover{Resource: r, Namespace: b.namespace, Name: got.GetName(), UID: got.GetUID(), Run: f.opts.RunID})
	}
	timed, cancel := context.WithTimeout(ctx, f.opts.Ready)
	defer cancel()
	agents, err := f.awaitAgents(timed, feed, b)
	if err == nil {
		err = f.answering(timed, agents)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range agents {
		f.agents[a.key] = append(f.agents[a.key], a)
	}
	return nil
}

// withdraw deletes what did not become an agent, also when the time is over.
func (f *Fleet) withdraw(ctx context.Context, made []cluster.Leftover) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	for _, l := range made {
		// Whatever cannot be deleted now goes with the namespace.
		_ = f.client.Delete(ctx, l.Resource, l.Namespace, l.Name, cluster.DeleteOptions{UID: l.UID})
	}
}

// awaitAgents waits until the containers of a batch run.
func (f *Fleet) awaitAgents(ctx context.Context, feed *cluster.Feed, b *batch) ([]*Agent, error) {
	for {
		changed := feed.Changed()
		var agents []*Agent
		waiting := "no pod has been made yet"
		for _, u := range feed.Objects() {
			if u.GetLabels()[labelGroup] != b.group {
				continue
			}
			pod, err := typed(u)
			if err != nil {
				return nil, err
			}
			if err := hopeless(pod); err != nil {
				return nil, f.with(ctx, pod, err)
			}
			if running(pod) {
				agents = append(agents, f.agent(pod, b))
			} else {
				waiting = pod.Name + ": " + state(pod)
			}
		}
		if len(agents) == b.want {
			slices.SortFunc(agents, byName)
			return agents, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d agent pods run after %s; %s%s", len(agents), b.want, f.opts.Ready, waiting, f.warnings(ctx, b))
		}
	}
}

func typed(u *unstructured.Unstructured) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, pod); err != nil {
		return nil, fmt.Errorf("the pod %s/%s cannot be read: %w", u.GetNamespace(), u.GetName(), err)
	}
	return pod, nil
}

func running(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil && p.Status.PodIP != ""
}

func byName(a, b *Agent) int {
	// realspec-agent-9 comes before realspec-agent-10.
	return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
}

func (f *Fleet) agent(p *corev1.Pod, b *batch) *Agent {
	o, ok := b.orders[p.Name]
	if !ok {
		o = b.orders[""]
	}
	return &Agent{Name: p.Name, Namespace: p.Namespace, Node: p.Spec.NodeName, IP: p.Status.PodIP, HostIP: p.Status.HostIP,
		HostNetwork: o.hostNetwork, fleet: f, uid: string(p.UID), key: o.key, ports: o.ports}
}

// answering waits until all the agents answer on their control port: a running
// container is not one that listens yet.
func (f *Fleet) answering(ctx context.Context, agents []*Agent) error {
	errs := make([]error, len(agents))
	var all sync.WaitGroup
	for i, a := range agents {
		all.Go(func() { errs[i] = a.healthy(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// healthy asks until the agent answers, or until the answer cannot become better.
func (a *Agent) healthy(ctx context.Context) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := a.greet(ctx)
		var refused *refusal
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused) && refused.final():
			return fmt.Errorf("%s cannot be reached through the API server: %w", a, err)
		}
		if pod := a.fleet.watches.Open(cluster.Pods, a.Namespace).Get(a.Namespace, a.Name); pod != nil {
			if p, bad := typed(pod); bad == nil && hopeless(p) != nil {
				return a.fleet.with(ctx, p, hopeless(p))
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer through the API server's proxy: %w", a, err)
		}
	}
}
