package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
)

// A pod that burns exactly half a core uses half a core, whatever the distance of
// the samples; the node's own figure is that and what the node needs itself. A
// busy machine may not give the pod its half core: the truth is the kernel's own
// counter of the pod, which the test reads beside. It takes about two minutes.
func TestUsageOnRealNodes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: takes two minutes")
	}
	c := startRealNodes(t, "usage", "1")
	program, result := c.build(t, "../realspec"), filepath.Join(c.dir, "result.json")
	c.image(t, c.build(t, "../realspec-agent"), "docker.io/library/burner:1")
	truth := watchBurner(t, c.kubeconfig)
	c.must(t, program, "run", "testdata/half-a-core", "--cluster", "current", "--json", result)

	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var run event.Result
	g := NewWithT(t)
	g.Expect(json.Unmarshal(text, &run)).To(Succeed())
	for _, m := range run.Scenarios[0].Steps[2].Measures {
		t.Logf("%s: %s", m.Name, m.What)
		g.Expect(m.What).To(HavePrefix("/metrics/resource: "))
		g.Expect(m.Timelines).NotTo(BeEmpty())
		if m.Name == "machine" {
			continue
		}
		line := m.Timelines[0]
		from := run.Scenarios[0].Started.Add(seconds(line.Start))
		want := truth.between(t, from, from.Add(seconds(line.Points[len(line.Points)-1][0])))
		got := *m.Series[0].Samples[0].Value // of one core
		t.Logf("%s: measured %.4f, by the kernel's counter %.4f", m.Name, got, want)
		g.Expect(got).To(BeNumerically("~", want, 0.02*want), m.Name)
		if math.Abs(want-0.5) < 0.01 && m.Name != "whole" { // else the machine was busy
			g.Expect(got).To(BeNumerically("~", 0.5, 0.025), m.Name)
		}
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// burned is what the kernel counted of the burner's cgroup: core-seconds over time.
type burned struct {
	mu     sync.Mutex
	at     []time.Time
	counts []float64
}

// watchBurner reads the kernel's counter ten times a second, from the moment at
// which the pod is there.
func watchBurner(t *testing.T, kubeconfig string) *burned {
	client, err := cluster.Open(t.Context(), cluster.Options{Kubeconfig: kubeconfig, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b := &burned{}
	go func() {
		file := ""
		for t.Context().Err() == nil {
			if file == "" {
				file = counterOfBurner(t.Context(), client)
			} else if text, err := os.ReadFile(file); err == nil {
				b.add(string(text))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return b
}

func (b *burned) add(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fields, unit := strings.Fields(text), 1e9
	if fields[0] == "usage_usec" {
		fields, unit = fields[1:], 1e6
	}
	if n, err := strconv.ParseFloat(fields[0], 64); err == nil {
		b.at, b.counts = append(b.at, time.Now()), append(b.counts, n/unit)
	}
}

// counterOfBurner is the file of the pod's counter, once it is there: cpuacct.usage, or
// cpu.stat where cgroups have one hierarchy. The kubelet makes a pod's cgroup in one
// hierarchy after another, and the others have files of these names, too.
func counterOfBurner(ctx context.Context, client *cluster.Client) (file string) {
	pods, err := client.List(ctx, cluster.Pods, "", cluster.ListOptions{Selector: "app=burner"})
	if err != nil || len(pods) == 0 {
		return ""
	}
	root, name := "/sys/fs/cgroup/cpuacct", "cpuacct.usage"
	if _, err := os.Stat(root); err != nil {
		root, name = "/sys/fs/cgroup", "cpu.stat"
	}
	_ = filepath.WalkDir(root+"/", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == name && filepath.Base(filepath.Dir(path)) == "pod"+string(pods[0].GetUID()) {
			file = path
			return fs.SkipAll
		}
		return nil
	})
	return file
}

// between is the average number of cores.
func (b *burned) between(t *testing.T, from, to time.Time) float64 {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	nearest := func(at time.Time) int {
		i := sort.Search(len(b.at), func(i int) bool { return b.at[i].After(at) })
		return min(i, len(b.at)-1)
	}
	if len(b.at) < 100 {
		t.Fatalf("the kernel's counter was read %d times", len(b.at))
	}
	i, j := nearest(from), nearest(to)
	return (b.counts[j] - b.counts[i]) / b.at[j].Sub(b.at[i]).Seconds()
}
