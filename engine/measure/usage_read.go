package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// ReadResourceMetrics reads a kubelet's /metrics/resource: the node's CPU and memory
// and those of every pod, each with the kubelet's stamp in milliseconds. A pod
// that has just begun may be there without one of them.
func ReadResourceMetrics(text []byte) ([]UsageReading, error) {
	const (
		nodeCPU, nodeMemory = "node_cpu_usage_seconds_total", "node_memory_working_set_bytes"
		podCPU, podMemory   = "pod_cpu_usage_seconds_total", "pod_memory_working_set_bytes"
	)
	families, err := familiesOf(text, nodeCPU, nodeMemory, podCPU, podMemory)
	if err != nil {
		return nil, fmt.Errorf("the kubelet's metrics cannot be read: %w", err)
	}
	if families[nodeCPU] == nil {
		return nil, fmt.Errorf("the kubelet's metrics have no %s", nodeCPU)
	}
	var all []UsageReading
	for _, name := range []string{nodeCPU, podCPU, nodeMemory, podMemory} {
		for _, m := range families[name].GetMetric() {
			if m.TimestampMs == nil {
				return nil, fmt.Errorf("%s in the kubelet's metrics has no time stamp, so that no average can be told", name)
			}
			r := UsageReading{Source: SourceResource, Namespace: labelOf(m, "namespace"), Pod: labelOf(m, "pod"),
				At: time.UnixMilli(m.GetTimestampMs())}
			value := valueOf(m)
			if name == nodeCPU || name == podCPU {
				r.CPU = &value
			} else {
				r.Memory = &value
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// summaryStats is what realspec reads of a kubelet's /stats/summary.
type summaryStats struct {
	Node summaryPart `json:"node"`
	Pods []struct {
		PodRef struct{ Name, Namespace string } `json:"podRef"`
		summaryPart
		Ephemeral *summaryStorage `json:"ephemeral-storage"`
	} `json:"pods"`
}

type summaryPart struct {
	CPU *struct {
		Time  time.Time `json:"time"`
		Nanos *float64  `json:"usageCoreNanoSeconds"`
	} `json:"cpu"`
	Memory *struct {
		Time    time.Time `json:"time"`
		Working *float64  `json:"workingSetBytes"`
	} `json:"memory"`
	Network *struct {
		Time time.Time `json:"time"`
		Rx   *float64  `json:"rxBytes"`
		Tx   *float64  `json:"txBytes"`
	} `json:"network"`
	FS *summaryStorage `json:"fs"`
}

type summaryStorage struct {
	Time     time.Time `json:"time"`
	Used     *float64  `json:"usedBytes"`
	Capacity *float64  `json:"capacityBytes"`
}

// ReadSummary reads a kubelet's /stats/summary. Its stamps are whole seconds. The
// network is the one of the node's default interface.
func ReadSummary(body []byte) ([]UsageReading, error) {
	var s summaryStats
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("the kubelet's summary cannot be read: %w", errNotExpected)
	}
	all := s.Node.readings("", "", s.Node.FS)
	for _, p := range s.Pods {
		all = append(all, p.readings(p.PodRef.Namespace, p.PodRef.Name, p.Ephemeral)...)
	}
	return all, nil
}

func (p *summaryPart) readings(namespace, pod string, storage *summaryStorage) []UsageReading {
	base := UsageReading{Source: SourceSummary, Namespace: namespace, Pod: pod}
	var all []UsageReading
	add := func(at time.Time, fill func(*UsageReading)) {
		one := base
		one.At = at
		fill(&one)
		all = append(all, one)
	}
	if c := p.CPU; c != nil && c.Nanos != nil {
		seconds := *c.Nanos / 1e9
		add(c.Time, func(r *UsageReading) { r.CPU = &seconds })
	}
	if m := p.Memory; m != nil && m.Working != nil {
		add(m.Time, func(r *UsageReading) { r.Memory = m.Working })
	}
	if n := p.Network; n != nil {
		add(n.Time, func(r *UsageReading) { r.Received, r.Sent = n.Rx, n.Tx })
	}
	if storage != nil {
		add(storage.Time, func(r *UsageReading) { r.Stored, r.Storage = storage.Used, storage.Capacity })
	}
	return all
}

// metricsItem is a NodeMetrics or PodMetrics of metrics.k8s.io.
type metricsItem struct {
	Metadata   struct{ Name, Namespace string } `json:"metadata"`
	Timestamp  time.Time                        `json:"timestamp"`
	Window     string                           `json:"window"`
	Usage      metricsUsage                     `json:"usage"`
	Containers []struct {
		Usage metricsUsage `json:"usage"`
	} `json:"containers"`
}

type metricsUsage struct {
	CPU    resource.Quantity `json:"cpu"`
	Memory resource.Quantity `json:"memory"`
}

// ReadMetricsAPI reads a list of metrics.k8s.io, of nodes or of pods. The readings
// of nodes come by the nodes' names, because the list is of all of them.
func ReadMetricsAPI(body []byte) (nodes map[string]UsageReading, pods []UsageReading, err error) {
	var list struct{ Items []metricsItem }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("the answer of %s cannot be read: %w", SourceMetricsAPI, errNotExpected)
	}
	nodes = map[string]UsageReading{}
	for i := range list.Items {
		item := &list.Items[i]
		r := UsageReading{Source: SourceMetricsAPI, At: item.Timestamp}
		if r.Window, err = time.ParseDuration(item.Window); err != nil {
			return nil, nil, fmt.Errorf("the answer of %s has the window %q, which is no duration", SourceMetricsAPI, item.Window)
		}
		cores, memory := item.Usage.CPU.AsApproximateFloat64(), item.Usage.Memory.AsApproximateFloat64()
		for _, c := range item.Containers {
			cores += c.Usage.CPU.AsApproximateFloat64()
			memory += c.Usage.Memory.AsApproximateFloat64()
		}
		r.Cores, r.Memory = &cores, &memory
		if item.Metadata.Namespace == "" {
			nodes[item.Metadata.Name] = r
			continue
		}
		r.Namespace, r.Pod = item.Metadata.Namespace, item.Metadata.Name
		pods = append(pods, r)
	}
	return nodes, pods, nil
}

var errNotExpected = errors.New("it is not the JSON that is expected")
