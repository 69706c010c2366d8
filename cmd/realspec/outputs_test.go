package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/realspec/realspec/engine/event"
)

// failedRun is the events file of a run with a step that failed.
func failedRun(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	lines := `{"event":"run-started","at":"2026-01-31T12:00:00Z","since":0,"runId":"abc123","version":"v1","args":["run","a"]}
{"event":"scenario-planned","at":"2026-01-31T12:00:00Z","since":0,"scenario":"a","name":"a","pos":{"file":"a/scenario.yaml"},"steps":[{"id":"01-wait","name":"w","verb":"wait","pos":{"file":"a/01-wait.yaml","line":1,"column":1},"covers":["BR-1"]}]}
{"event":"scenario-started","at":"2026-01-31T12:00:00Z","since":0.1,"scenario":"a","namespace":"a-abc123"}
{"event":"step-started","at":"2026-01-31T12:00:00Z","since":0.1,"scenario":"a","step":"01-wait"}
{"event":"step-ended","at":"2026-01-31T12:00:01Z","since":1,"scenario":"a","step":"01-wait","attempt":{"number":1,"seconds":0.9,"outcome":"failed","reason":"timeout","message":"2 of 3 are ready","notes":["asked 4 times"]}}
{"event":"scenario-ended","at":"2026-01-31T12:00:01Z","since":1,"scenario":"a"}
{"event":"cleanup-ended","at":"2026-01-31T12:00:01Z","since":1.1,"scenario":"a","seconds":0.1}
{"event":"run-ended","at":"2026-01-31T12:00:01Z","since":1.1,"account":{"requests":{"get":3}}}
`
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reported runs realspec report, and answers with its exit code and outputs.
func reported(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
	code = a.main(append([]string{"report", failedRun(t)}, args...))
	return code, out.String(), errs.String()
}

// The folder of evidence is written before the reports, which link to it from where
// they lie.
func TestEvidenceIsLinked(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	t.Chdir(dir)
	code, _, errs := reported(t, "--evidence", "out/evidence", "--junit", "out/junit.xml", "--html", "out/report/index.html", "--json", "out/r.json", "--metrics", "out/m.om")
	g.Expect(code).To(Equal(1))
	g.Expect(errs).To(BeEmpty())
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		g.Expect(err).NotTo(HaveOccurred())
		return string(text)
	}
	g.Expect(read("out/evidence/a/01-wait.txt")).To(And(ContainSubstring("2 of 3 are ready"), ContainSubstring("asked 4 times")))
	g.Expect(read("out/junit.xml")).To(ContainSubstring("[[ATTACHMENT|out/evidence/a/01-wait.txt]]"))
	g.Expect(read("out/report/index.html")).To(ContainSubstring(`href="../evidence/a/01-wait.txt"`))
	g.Expect(read("out/r.json")).To(ContainSubstring(`"evidenceFile": "out/evidence/a/01-wait.txt"`))
	g.Expect(read("out/m.om")).To(And(ContainSubstring(`realspec_step_outcome{scenario="a",step="01-wait",outcome="failed",reason="timeout"} 1`), HaveSuffix("# EOF\n")))

	code, _, errs = reported(t, "--evidence", "/dev/null/x", "--junit", "out/junit.xml")
	g.Expect(code).To(Equal(exitCluster))
	g.Expect(errs).To(ContainSubstring("the evidence cannot be written"))
}

// A report for which there is no room takes no other with it.
func TestAReportThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "r.json")
	code, _, errs := reported(t, "--junit", "/dev/full", "--json", path)
	g.Expect(code).To(Equal(exitCluster))
	g.Expect(errs).To(ContainSubstring("the report /dev/full could not be written"))
	text, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(text).To(MatchJSON(text), "it is whole")
	g.Expect(string(text)).To(ContainSubstring(`"exitCode": 1`))
}

// Half a report is easily taken for a whole one: nothing of it stays.
func TestAReportIsNotTorn(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "report.md")
	files, err := openReports([]reportFile{{path: path, render: func(w io.Writer, _ *event.Result) error {
		_, _ = io.WriteString(w, "PASSED")
		return errors.New("no room")
	}}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files.write(&event.Result{})).To(MatchError(ContainSubstring("report.md could not be written: no room")))
	text, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(text).To(BeEmpty())
}

// What ends a command that was interrupted is the interrupt.
func TestInterruptedCommand(t *testing.T) {
	g := NewWithT(t)
	first, stop := context.WithCancel(t.Context())
	a := &app{stderr: io.Discard, first: first}
	g.Expect(a.fail(errors.New("the cluster did not answer"))).To(Equal(exitCluster))
	stop()
	g.Expect(a.fail(errors.New("the cluster did not answer"))).To(Equal(exitInterrupted))
	g.Expect(a.fail(usage("no such flag"))).To(Equal(exitUsage))
}

// A Pushgateway gets the results in place of those of the last run.
func TestPush(t *testing.T) {
	g := NewWithT(t)
	var method, path, auth string
	var steps int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, path = r.Method, r.URL.Path
		user, password, _ := r.BasicAuth()
		auth = user + ":" + password
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		steps = len(families["realspec_step_outcome"].GetMetric())
	}))
	defer server.Close()
	code, _, errs := reported(t, "--push", strings.Replace(server.URL, "http://", "http://me:secret@", 1)+"/")
	g.Expect(errs).To(BeEmpty())
	g.Expect(code).To(Equal(1), "the run's own")
	g.Expect(method).To(Equal(http.MethodPut))
	g.Expect(path).To(HavePrefix("/metrics/job/realspec/instance"))
	g.Expect(auth).To(Equal("me:secret"))
	g.Expect(steps).To(Equal(1))
}

// A push that fails is said in one line without the password, and the run is what
// it was.
func TestPushThatFails(t *testing.T) {
	g := NewWithT(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no room", http.StatusInsufficientStorage)
	}))
	defer server.Close()
	for _, to := range []string{strings.Replace(server.URL, "http://", "http://me:secret@", 1), "http://me:secret@127.0.0.1:1"} {
		code, _, errs := reported(t, "--push", to)
		g.Expect(code).To(Equal(1))
		g.Expect(errs).To(HavePrefix("error: the results were not pushed: "))
		g.Expect(errs).NotTo(ContainSubstring("secret"))
	}
	for _, to := range []string{"pushgateway:9091", "ftp://x", "http://"} {
		code, _, errs := reported(t, "--push", to)
		g.Expect(code).To(Equal(exitUsage))
		g.Expect(errs).To(ContainSubstring("such as http://pushgateway:9091"))
	}
	code, _, errs := reported(t, "--push", "http://me:secret@mimir/api/v1/write")
	g.Expect(code).To(Equal(exitUsage))
	g.Expect(errs).To(And(ContainSubstring("remote write"), Not(ContainSubstring("secret"))))
}

// The real Pushgateway takes what is pushed.
func TestPushToAPushgateway(t *testing.T) {
	g := NewWithT(t)
	program, err := exec.LookPath("prometheus-pushgateway")
	if err != nil {
		t.Skip("there is no prometheus-pushgateway on this machine: a stand-in is pushed to")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	address := listener.Addr().String()
	listener.Close()
	gateway := exec.Command(program, "--web.listen-address="+address)
	g.Expect(gateway.Start()).To(Succeed())
	t.Cleanup(func() { _ = gateway.Process.Kill(); _ = gateway.Wait() })
	page := func() (string, error) {
		answer, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return string(text), err
	}
	g.Eventually(page).WithTimeout(10 * time.Second).Should(ContainSubstring("pushgateway_build_info"))
	for range 2 { // the second takes the place of the first
		_, _, errs := reported(t, "--push", "http://"+address)
		g.Expect(errs).To(BeEmpty())
	}
	host, err := os.Hostname()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(page()).To(ContainSubstring(fmt.Sprintf(`realspec_step_outcome{instance="%s",job="realspec",outcome="failed",reason="timeout",scenario="a",step="01-wait"} 1`, host)))
}
