package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/realspec/realspec/engine/spec"
)

// The kinds that a survey lists.
var (
	services       = builtIn("", "services", "Service", true)
	daemonSets     = builtIn("apps", "daemonsets", "DaemonSet", true)
	storageClasses = builtIn("storage.k8s.io", "storageclasses", "StorageClass", false)
	ingressClasses = builtIn("networking.k8s.io", "ingressclasses", "IngressClass", false)
)

// metricsGroup serves the CPU and memory in use.
const metricsGroup = "metrics.k8s.io"

// Survey is Facts with everything that takes further requests: metrics API,
// storage and ingress classes, network plugin, Prometheus and Grafana, and what
// the pods on each node ask for. It only reads. What may not be listed, the nodes
// included, is no error: the fields are in Unknown, with the reason. A server
// that does not answer is one.
func (c *Client) Survey(ctx context.Context) (*spec.Facts, error) {
	facts, err := c.factsIfAllowed(ctx)
	if err != nil {
		return nil, err
	}
	looks := []look{
		{[]string{"metricsAPI"}, c.lookMetrics},
		{[]string{"storageClasses"}, c.lookStorage},
		{[]string{"ingressClasses"}, c.lookIngress},
		{[]string{"prometheus", "grafana"}, c.lookServices},
		{[]string{"cni", "networkPolicies"}, c.lookNetwork},
		{[]string{"requested", "headroom"}, c.lookPods},
	}
	for _, said := range c.lookAll(ctx, looks, facts) {
		if !isForbidden(said.err) {
			return nil, said.err
		}
		for _, field := range said.fields {
			facts.Cluster.Unknown[field] = notAllowed(said.err)
		}
	}
	facts.Cluster.GPUs = gpus(facts.Nodes)
	if why := facts.Cluster.Unknown["nodes"]; why != "" {
		facts.Cluster.Unknown["gpus"] = why
	}
	for i := range facts.Nodes {
		facts.Nodes[i].Unknown = facts.Cluster.Unknown
	}
	return facts, nil
}

// look finds out the values of some fields, and answers with what puts them into
// the facts.
type look struct {
	fields []string
	find   func(context.Context, *spec.Facts) (func(*spec.Facts), error)
}

// failedLook is a look that did not find out.
type failedLook struct {
	fields []string
	err    error
}

// lookAll looks at everything at once: the facts are only read meanwhile.
func (c *Client) lookAll(ctx context.Context, looks []look, facts *spec.Facts) []failedLook {
	puts := make([]func(*spec.Facts), len(looks))
	errs := make([]error, len(looks))
	var wait sync.WaitGroup
	for i, l := range looks {
		wait.Go(func() { puts[i], errs[i] = l.find(ctx, facts) })
	}
	wait.Wait()
	var failed []failedLook
	for i, l := range looks {
		if errs[i] != nil {
			failed = append(failed, failedLook{l.fields, errs[i]})
			continue
		}
		puts[i](facts)
	}
	return failed
}

// factsIfAllowed are the facts; where nodes may not be listed, those that are
// left.
func (c *Client) factsIfAllowed(ctx context.Context) (*spec.Facts, error) {
	facts, err := c.Facts(ctx)
	if err == nil {
		facts.Cluster.Unknown = map[string]string{}
		return facts, nil
	}
	if !isForbidden(err) {
		return nil, err
	}
	found, unread := c.discovery.current(ctx)
	if unread != nil {
		return nil, unread
	}
	return &spec.Facts{
		Cluster: spec.Cluster{
			Version: c.info.Version, Server: c.info.Server, Context: c.info.Context, APIs: found.versions,
			Unknown: map[string]string{"nodes": notAllowed(err)},
		},
		Nodes: []spec.Node{},
	}, nil
}

// lookMetrics asks the metrics API for one node: that it is served says nothing
// about the server behind it. It tries once.
func (c *Client) lookMetrics(ctx context.Context, facts *spec.Facts) (func(*spec.Facts), error) {
	answers := false
	for _, gv := range facts.Cluster.APIs {
		if !strings.HasPrefix(gv, metricsGroup+"/") {
			continue
		}
		_, err := c.send(ctx, call{
			verb: "list", method: http.MethodGet, path: "/apis/" + gv + "/nodes",
			query: url.Values{"limit": {"1"}}, what: "list nodes of " + metricsGroup,
		}, 0)
		if isForbidden(err) || ctx.Err() != nil {
			return nil, err
		}
		answers = answers || err == nil
	}
	return func(f *spec.Facts) { f.Cluster.MetricsAPI = answers }, nil
}

const (
	defaultStorage = "storageclass.kubernetes.io/is-default-class"
	defaultIngress = "ingressclass.kubernetes.io/is-default-class"
)

func (c *Client) lookStorage(ctx context.Context, _ *spec.Facts) (func(*spec.Facts), error) {
	out := []spec.StorageClass{}
	err := each(ctx, c, storageClasses, "", func(o struct {
		Metadata             metav1.ObjectMeta `json:"metadata"`
		Provisioner          string            `json:"provisioner"`
		AllowVolumeExpansion bool              `json:"allowVolumeExpansion"`
		VolumeBindingMode    string            `json:"volumeBindingMode"`
	}) {
		out = append(out, spec.StorageClass{
			Name: o.Metadata.Name, Provisioner: o.Provisioner, Default: o.Metadata.Annotations[defaultStorage] == "true",
			Expandable: o.AllowVolumeExpansion, Binding: o.VolumeBindingMode,
		})
	}, func() { out = out[:0] })
	return func(f *spec.Facts) { f.Cluster.StorageClasses = out }, err
}

func (c *Client) lookIngress(ctx context.Context, _ *spec.Facts) (func(*spec.Facts), error) {
	out := []spec.IngressClass{}
	err := each(ctx, c, ingressClasses, "", func(o struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     struct {
			Controller string `json:"controller"`
		} `json:"spec"`
	}) {
		out = append(out, spec.IngressClass{
			Name: o.Metadata.Name, Controller: o.Spec.Controller,
			Default: o.Metadata.Annotations[defaultIngress] == "true",
		})
	}, func() { out = out[:0] })
	return func(f *spec.Facts) { f.Cluster.IngressClasses = out }, err
}

// each lists a kind of all namespaces, page by page, and hands over every object
// as far as T has fields for it; anew is called when the list begins again. A
// kind that the cluster does not serve has no objects.
func each[T any](ctx context.Context, c *Client, r Resource, fields string, take func(T), anew func()) error {
	_, err := c.pages(ctx, listCall(r, "", ListOptions{FieldSelector: fields}), c.opts.RetryBudget,
		func(a answer, first bool) (metav1.ListMeta, error) {
			if first {
				anew()
			}
			return eachItem(a.body, func(raw []byte) error {
				var item T
				if err := json.Unmarshal(raw, &item); err != nil {
					return err
				}
				take(item)
				return nil
			})
		})
	if IsNotFound(err) {
		return nil
	}
	return err
}

// notAllowed says what we may not do. Example: not allowed to list pods.
func notAllowed(err error) string {
	var refused *Refused
	if !errors.As(err, &refused) {
		return err.Error()
	}
	return "not allowed to " + refused.What
}

// gpus counts by resource name what ready and schedulable nodes may give to pods.
func gpus(nodes []spec.Node) map[string]int64 {
	out := map[string]int64{}
	for _, n := range nodes {
		if !n.Ready || !n.Schedulable {
			continue
		}
		for name, amount := range n.Allocatable {
			if IsGPU(name) && !amount.IsZero() {
				out[name] += amount.Value()
			}
		}
	}
	return out
}

// IsGPU tells a resource name that stands for GPUs, whole or in parts:
// nvidia.com/gpu, nvidia.com/mig-1g.5gb, amd.com/gpu, gpu.intel.com/i915.
func IsGPU(resource string) bool {
	vendor, name, ok := strings.Cut(resource, "/")
	return ok && (strings.Contains(name, "gpu") || strings.HasPrefix(vendor, "gpu.") ||
		slices.Contains([]string{"nvidia.com", "amd.com", "habana.ai"}, vendor))
}
