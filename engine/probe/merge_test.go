package probe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/realspec/realspec/engine/stats"
)

// random is a report of n requests that were due in 5 s.
func random(r *rand.Rand, n int) HTTPReport {
	out := HTTPReport{Codes: map[string]int64{}, Errors: map[string]int64{}}
	due, failed := make([]int, 5), map[int]int{}
	for range n {
		at := time.Duration(r.Int64N(int64(5 * time.Second)))
		out.Due++
		out.Sent++
		due[at/time.Second]++
		if r.IntN(10) == 0 {
			out.Failed++
			failed[int(at/time.Second)]++
			out.Codes["503"]++
			out.Errors["status 503"]++
			continue
		}
		out.Codes["200"]++
		out.At = append(out.At, at)
		out.Latency = append(out.Latency, time.Duration(r.ExpFloat64()*1e7))
		out.Service = append(out.Service, time.Duration(r.ExpFloat64()*1e6))
	}
	out.Asked, out.Rate = float64(n)/5, float64(n)/5
	out.Seconds = seconds(out, due, failed)
	return out
}

// Whatever way samples are spread over agents, all of them are there, each with its
// own due time, and the quantiles of seconds are those of all samples.
func TestMergeLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		reports := make([]HTTPReport, 1+r.IntN(5))
		type sample struct{ At, Latency, Service time.Duration }
		var want []sample
		var due, failed int
		for i := range reports {
			reports[i] = random(r, r.IntN(200))
			for k, at := range reports[i].At {
				want = append(want, sample{at, reports[i].Latency[k], reports[i].Service[k]})
			}
			due += reports[i].Due
			failed += reports[i].Failed
		}
		got := MergeHTTP(reports)
		var all []sample
		for k, at := range got.At {
			all = append(all, sample{at, got.Latency[k], got.Service[k]})
		}
		less := cmpopts.SortSlices(func(a, b sample) bool { return fmt.Sprint(a) < fmt.Sprint(b) })
		if diff := cmp.Diff(want, all, less, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("samples (-want +got):\n%s", diff)
		}
		if !slices.IsSorted(got.At) {
			t.Fatal("the samples are not in the order in which they were due")
		}
		if got.Due != due || got.Failed != failed || got.Codes["503"] != int64(failed) {
			t.Fatalf("%d due and %d failed, want %d and %d", got.Due, got.Failed, due, failed)
		}
		checkSeconds(t, got)
	}
}

func checkSeconds(t *testing.T, r HTTPReport) {
	t.Helper()
	var due, failed int
	for i, s := range r.Seconds {
		due += s.Due
		failed += s.Failed
		var in []time.Duration
		for k, at := range r.At {
			if int(at/time.Second) == i {
				in = append(in, r.Latency[k])
			}
		}
		slices.Sort(in)
		if len(in) > 0 && (s.P99 != stats.Quantile(in, 0, 0.99) || s.P50 != stats.Quantile(in, 0, 0.5) || s.Max != in[len(in)-1]) {
			t.Fatalf("second %d is %+v", i, s)
		}
	}
	if due != r.Due || failed != r.Failed {
		t.Fatalf("the seconds have %d due and %d failed, all %d and %d", due, failed, r.Due, r.Failed)
	}
}

func TestMergeTellsWhichAgentFellShort(t *testing.T) {
	got := MergeHTTP([]HTTPReport{{WorstLag: 2}, {Short: "it was stopped", LagP99: 7}})
	if got.Short != "agent 2 of 2: it was stopped" || got.WorstLag != 2 || got.LagP99 != 7 {
		t.Errorf("%+v", got)
	}
	if one := MergeHTTP([]HTTPReport{{Short: "it was stopped"}}); one.Short != "it was stopped" {
		t.Errorf("a single agent is %q", one.Short)
	}
}
