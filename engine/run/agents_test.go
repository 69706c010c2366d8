package run

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/local"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

// connect starts a local cluster for one test.
func connect(t *testing.T) *cluster.Client {
	t.Helper()
	path := os.Getenv("REALSPEC_CLUSTER_BIN")
	if path == "" {
		path, _ = filepath.Abs(filepath.Join("..", "..", "bin", "realspec-cluster"))
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("REALSPEC_REQUIRE_CLUSTER") == "1" {
			t.Fatal(err)
		}
		t.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
	t.Setenv("REALSPEC_STATE", t.TempDir())
	binary := local.Binary{Path: path}
	up, err := binary.Up(t.Context(), "engine-run-test", []string{"--nodes", "count=1"}, os.Getpid(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := binary.Down(context.Background(), "engine-run-test"); err != nil {
			t.Error(err)
		}
	})
	client, err := cluster.Open(t.Context(), cluster.Options{Kubeconfig: up.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// recorded keeps the events.
type recorded struct {
	mu  sync.Mutex
	all []event.Event
}

func (r *recorded) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

// The agents go with the scenario, also when it is kept, and also when they never
// answered: here they cannot, because the nodes are simulated and only said to be real.
func TestCleanupRemovesTheAgents(t *testing.T) {
	client := connect(t)
	for i, test := range []struct {
		keep Keep
		left []string
	}{
		{KeepNever, nil},
		{KeepAlways, []string{"shop-r1"}},
	} {
		t.Run(string(test.keep), func(t *testing.T) {
			g := NewWithT(t)
			facts, err := client.Facts(t.Context())
			g.Expect(err).NotTo(HaveOccurred())
			for i := range facts.Nodes {
				facts.Nodes[i].Simulated = false
			}
			id := "r" + strconv.Itoa(i)
			sink := &recorded{}
			s := &scenario{
				Runner:    &Runner{Options: Options{RunID: id, Keep: test.keep, CleanupTimeout: time.Minute}, Sink: sink},
				plan:      &plan.Scenario{Dir: "shop", Key: "shop", Name: "shop", Spec: &spec.Scenario{}},
				cluster:   &Cluster{Client: client, Facts: facts, AgentImage: func(context.Context) (string, error) { return "agent:1", nil }},
				namespace: "shop-" + id,
			}
			g.Expect(s.begin(t.Context())).To(Succeed())
			short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err = s.world.Agents.One(short, map[string]string{"app": "web"})
			g.Expect(err).To(HaveOccurred())
			short, cancel = context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err = s.world.Agents.One(short, nil)
			g.Expect(err).To(MatchError(ContainSubstring("through the API server")))
			g.Expect(namespaces(t, client, id)).To(ContainElement("shop-" + id + "-agents"))

			s.world.End()
			s.cleanUp(t.Context(), event.Passed)
			g.Expect(namespaces(t, client, id)).To(ConsistOf(test.left))
			end, ok := sink.all[len(sink.all)-1].(event.CleanupEnded)
			g.Expect(ok).To(BeTrue())
			g.Expect(end.Left).To(BeEmpty())
			pods, err := client.List(t.Context(), cluster.Pods, "", cluster.ListOptions{Selector: cluster.LabelRun + "=" + id})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(pods).To(BeEmpty(), "also those with the scenario's labels")
		})
	}
}

func namespaces(t *testing.T, client *cluster.Client, run string) []string {
	t.Helper()
	all, err := client.List(t.Context(), cluster.Namespaces, "", cluster.ListOptions{Selector: cluster.LabelRun + "=" + run})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range all {
		names = append(names, u.GetName())
	}
	return names
}
