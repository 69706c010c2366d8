package probe

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRequestsPerCPUSecond is what a request costs the side that sends it: the
// server is a process of its own, and its CPU time is not counted.
func BenchmarkRequestsPerCPUSecond(b *testing.B) {
	url := otherProcess(b)
	for _, rate := range []float64{1000, 10000} {
		b.Run(fmt.Sprint(int(rate)), func(b *testing.B) {
			for b.Loop() {
				before := used(b)
				report, err := Run(b.Context(), Job{HTTP: &HTTPJob{Request: get(url), Rate: rate, For: 3 * time.Second}})
				if err != nil {
					b.Fatal(err)
				}
				r := report.HTTP
				b.ReportMetric(float64(r.Sent)/(used(b)-before).Seconds(), "requests/cpu-s")
				b.ReportMetric(r.Rate/rate*100, "%-achieved")
				b.ReportMetric(float64(r.LagP99.Microseconds()), "p99-lag-µs")
				b.ReportMetric(float64(r.Failed), "failed")
			}
		})
	}
}

// BenchmarkMerge is four agents with 100,000 samples each.
func BenchmarkMerge(b *testing.B) {
	var reports []HTTPReport
	for agent := range 4 {
		var r HTTPReport
		due := make([]int, 100)
		for i := range 100_000 {
			r.At = append(r.At, time.Duration(i)*time.Millisecond+time.Duration(agent))
			due[i/1000]++
		}
		r.Latency, r.Service = r.At, r.At
		r.Seconds = seconds(r, due, nil)
		reports = append(reports, r)
	}
	b.ReportAllocs()
	for b.Loop() {
		MergeHTTP(reports)
	}
}

func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// otherProcess runs this test again as a server, until the benchmark ends.
func otherProcess(b *testing.B) string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerOfBenchmarks$")
	cmd.Env = append(os.Environ(), "REALSPEC_PROBE_SERVER=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// TestServerOfBenchmarks is the process that otherProcess starts.
func TestServerOfBenchmarks(t *testing.T) {
	if os.Getenv("REALSPEC_PROBE_SERVER") == "" {
		t.Skip("only for benchmarks, which start it")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	fmt.Println(s.URL)
	select {}
}
