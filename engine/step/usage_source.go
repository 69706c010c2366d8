package step

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/measure"
)

// asking is one round's way to the sources.
type asking struct {
	*usageSampler
	whole, again bool
	metrics      func() (map[string][]measure.UsageReading, error)
}

// kubeletAnswer is what came of asking a node.
type kubeletAnswer struct {
	readings []measure.UsageReading
	source   string
	summary  bool
	err      error
}

// node asks the node's source. Which one that is, the first answer decides: the
// kubelet's metrics, its summary, the metrics API.
func (a *asking) node(ctx context.Context, node string) (got kubeletAnswer) {
	known := a.sources[node]
	var errs []error
	if known == "" || known == measure.SourceResource {
		body, err := a.kubelet(ctx, node, "metrics/resource")
		if err == nil {
			got.readings, err = measure.ReadResourceMetrics(body)
		}
		if err == nil {
			got.source = measure.SourceResource
			a.addSummary(ctx, node, &got)
			return got
		}
		errs = append(errs, err)
	}
	if known == "" || known == measure.SourceSummary {
		body, err := a.kubelet(ctx, node, "stats/summary")
		if err == nil {
			got.readings, err = measure.ReadSummary(body)
		}
		if err == nil {
			got.source, got.summary = measure.SourceSummary, true
			return got
		}
		errs = append(errs, err)
	}
	if known == "" || known == measure.SourceMetricsAPI {
		all, err := a.metrics()
		if err == nil {
			if got.readings = all[node]; a.of == "pods" {
				got.readings = all[""]
			}
			if len(got.readings) > 0 {
				got.source = measure.SourceMetricsAPI
				return got
			}
			err = fmt.Errorf("%s does not know it", measure.SourceMetricsAPI)
		}
		errs = append(errs, err)
	}
	got.err = errs[0]
	if len(errs) > 1 && cluster.IsNotFound(errs[0]) {
		got.err = errors.Join(errs...)
	}
	return got
}

// addSummary asks for file systems and network. A kubelet that does not say is no
// fault: a threshold over them then has no figure, and says so.
func (a *asking) addSummary(ctx context.Context, node string, got *kubeletAnswer) {
	if a.again || !a.whole && time.Since(a.summaries[node]) < usageSummary {
		return
	}
	got.summary = true
	body, err := a.kubelet(ctx, node, "stats/summary")
	if err != nil {
		return
	}
	if more, err := measure.ReadSummary(body); err == nil {
		got.readings = append(got.readings, more...)
	}
}

func (a *asking) kubelet(ctx context.Context, node, path string) ([]byte, error) {
	body, _, err := a.client.Raw(ctx, "/api/v1/nodes/"+url.PathEscape(node)+"/proxy/"+path, nil)
	return body, err
}

// askMetricsAPI asks for all nodes by their names, or for all pods of the namespace.
func (u *usageSampler) askMetricsAPI(ctx context.Context) (map[string][]measure.UsageReading, error) {
	const root = "/apis/" + measure.SourceMetricsAPI + "/v1beta1"
	path := root + "/nodes"
	if u.of == "pods" {
		path = root + "/namespaces/" + url.PathEscape(u.namespace) + "/pods"
	}
	body, _, err := u.client.Raw(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	nodes, pods, err := measure.ReadMetricsAPI(body)
	all := map[string][]measure.UsageReading{"": pods}
	for name, r := range nodes {
		all[name] = []measure.UsageReading{r}
	}
	return all, err
}
