package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/probe"
)

// binary is the agent as it is shipped: static, without cgo.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "realspec-agent")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // it is run by another user
		panic(err)
	}
	binary = filepath.Join(dir, "realspec-agent")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		return 1
	}
	return m.Run()
}

// agent is a running one, as a user without rights where the test may choose.
type agent struct {
	cmd                 *exec.Cmd
	control, echo, http string
}

func serve(t *testing.T, env ...string) agent {
	t.Helper()
	a := agent{cmd: exec.Command(binary, "serve", "--address=127.0.0.1", "--port=0", "--echo=0", "--http=0")}
	a.cmd.Env = append([]string{"POD_NAME=web-1"}, env...)
	a.cmd.Dir = "/"
	if os.Geteuid() == 0 {
		a.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.cmd.Process.Kill(); _ = a.cmd.Wait() })
	lines := bufio.NewScanner(out)
	for _, to := range []*string{&a.control, &a.echo, &a.http} {
		if !lines.Scan() {
			t.Fatal("the agent ended before it had said where it listens")
		}
		_, *to, _ = strings.Cut(lines.Text(), " ")
	}
	a.control, a.http = "http://"+a.control, "http://"+a.http
	return a
}

func (a agent) start(t *testing.T, job probe.Job) string {
	t.Helper()
	body, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(a.control+"/jobs", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != 201 || got.ID == "" {
		t.Fatalf("status %d, id %q, %v", resp.StatusCode, got.ID, err)
	}
	return got.ID
}

func (a agent) status(t *testing.T, id, wait string) probe.Status {
	t.Helper()
	resp, err := http.Get(a.control + "/jobs/" + id + "?wait=" + wait)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s probe.Status
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || resp.StatusCode != 200 {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return s
}

func (a agent) report(t *testing.T, job probe.Job) *probe.Report {
	t.Helper()
	s := a.status(t, a.start(t, job), "30s")
	if !s.Done || s.Error != "" || s.Report == nil {
		t.Fatalf("%+v", s)
	}
	return s.Report
}

func TestAnAgentDoesJobsOfEveryKind(t *testing.T) {
	g := NewWithT(t)
	a := serve(t)
	resp, err := http.Get(a.control + "/healthz")
	g.Expect(err).NotTo(HaveOccurred())
	resp.Body.Close()
	g.Expect(resp.StatusCode).To(Equal(200))

	requests := a.report(t, probe.Job{HTTP: &probe.HTTPJob{
		Request: probe.Request{URL: a.http + "/echo", Body: []byte("hi")}, Rate: 200, For: time.Second,
		Checks: []string{"response.status == vars.code", "response.json.method == 'POST' && response.json.body == vars.body && response.json.pod == 'web-1'"},
		Vars:   map[string]any{"body": "hi", "code": int64(200)},
	}}).HTTP
	g.Expect(requests.Errors).To(BeEmpty())
	g.Expect(requests.Latency).To(HaveLen(200))
	for _, transaction := range []string{"rtt", "udp"} {
		trips := a.report(t, probe.Job{RoundTrips: &probe.RoundTripJob{Transaction: transaction, Address: a.echo, Rate: 100, For: 300 * time.Millisecond}}).RoundTrips
		g.Expect(trips.Samples).To(HaveLen(30), "%s: %v", transaction, trips.Errors)
	}
	sent := a.report(t, probe.Job{Throughput: &probe.ThroughputJob{Address: a.echo, For: 1500 * time.Millisecond, Discard: 500 * time.Millisecond}}).Throughput
	g.Expect(sent.Bytes).To(BeNumerically(">", 0))
	g.Expect(sent.Each).To(HaveLen(1))

	bad := a.status(t, a.start(t, probe.Job{}), "10s")
	g.Expect(bad.Done).To(BeTrue())
	g.Expect(bad.Error).To(ContainSubstring("exactly one"))
}

func TestAnOpenEndedJobRunsUntilItIsDeleted(t *testing.T) {
	g := NewWithT(t)
	a := serve(t)
	id := a.start(t, probe.Job{HTTP: &probe.HTTPJob{Request: probe.Request{URL: a.http + "/delay/50ms"}, Rate: 100}})
	s := a.status(t, id, "1200ms")
	g.Expect(s.Done).To(BeFalse())
	g.Expect(s.Progress).To(MatchRegexp(`^[0-9]+ requests, [0-9]+ in flight, 0 failed$`))
	request, err := http.NewRequest(http.MethodDelete, a.control+"/jobs/"+id, nil)
	g.Expect(err).NotTo(HaveOccurred())
	resp, err := http.DefaultClient.Do(request)
	g.Expect(err).NotTo(HaveOccurred())
	resp.Body.Close()
	g.Expect(resp.StatusCode).To(Equal(202))
	s = a.status(t, id, "10s")
	g.Expect(s.Done).To(BeTrue())
	g.Expect(s.Report.HTTP.Short).To(BeEmpty())
	g.Expect(s.Report.HTTP.Dropped).To(BeZero())
	g.Expect(s.Report.HTTP.Sent).To(BeNumerically(">", 100))
}

func TestRequestsThatTheAgentRefuses(t *testing.T) {
	a := serve(t, "REALSPEC_AGENT_TOKEN=secret")
	for name, tc := range map[string]struct {
		method, path, token, body string
		code                      int
		want                      string
	}{
		"no token":          {"POST", "/jobs", "", "{}", 401, "X-Realspec-Token"},
		"health needs none": {"GET", "/healthz", "", "", 200, "ok"},
		"garbage":           {"POST", "/jobs", "secret", "{", 400, "cannot be read"},
		"unknown field":     {"POST", "/jobs", "secret", `{"ftp": {}}`, 400, "different versions"},
		"no such job":       {"GET", "/jobs/abc", "secret", "", 404, "there is no job"},
		"bad wait":          {"GET", "/jobs/abc?wait=soon", "secret", "", 400, "duration such as 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			request, err := http.NewRequest(tc.method, a.control+tc.path, strings.NewReader(tc.body))
			g.Expect(err).NotTo(HaveOccurred())
			request.Header.Set("X-Realspec-Token", tc.token)
			resp, err := http.DefaultClient.Do(request)
			g.Expect(err).NotTo(HaveOccurred())
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			g.Expect(resp.StatusCode).To(Equal(tc.code))
			g.Expect(string(body)).To(ContainSubstring(tc.want))
		})
	}
}

func TestServeEndsWithSIGTERM(t *testing.T) {
	g := NewWithT(t)
	a := serve(t)
	a.start(t, probe.Job{HTTP: &probe.HTTPJob{Request: probe.Request{URL: a.http}, Rate: 10, For: time.Minute}})
	begin := time.Now()
	g.Expect(a.cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
	g.Expect(a.cmd.Wait()).To(Succeed())
	g.Expect(time.Since(begin)).To(BeNumerically("<", 10*time.Second))
}

// command runs a command of the agent to its end.
func command(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestSmallCommands(t *testing.T) {
	a := serve(t)
	const nobody = "127.0.0.1:1" // no program is ever given that port by chance
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"get " + a.http + "/", 0, "200 OK\nhello from web-1\n"},
		{"get " + a.http + "/status/503", 1, "503 Service Unavailable\n"},
		{"get http://" + nobody, 1, "connection refused"},
		{"get " + a.http + "/delay/5s --timeout 100ms", 1, "timeout"},
		{"dial " + a.echo, 0, "connected to " + a.echo},
		{"dial " + nobody + " --timeout 1s", 1, "refused"},
		{"print out of --memory", 0, "out of --memory\n"},
		{"exit 3", 3, ""},
		{"exit 0", 0, ""},
		{"exit 256", 1, "from 0 to 255"},
		{"sleep 10ms", 0, ""},
		{"bench " + a.http + "/ --rate 100 --for 300ms", 0, "30 sent of 30 due, 0 failed, 0 dropped"},
		{"bench " + a.http + "/fail?rate=0.9&seed=1 --rate 100 --for 300ms", 0, "p90 none, p99 none, max none"},
		{"burn --memory lots", 1, "such as 64Mi"},
	} {
		out, code := command(t, strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(out, tc.want) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", tc.args, code, out, tc.code, tc.want)
		}
	}
}

func TestSleepEndsWithSIGTERM(t *testing.T) {
	cmd := exec.Command(binary, "sleep", "1h")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// What the process has used, as the kernel counts it, and not as it says itself.
// On a busy machine it may get less, but only while it is waiting for its turn.
func TestBurnUsesItsShare(t *testing.T) {
	const during = 4 * time.Second
	for cpu, share := range map[string]float64{"0.1": 0.1, "0.5": 0.5} {
		cmd := exec.Command(binary, "burn", "--cpu", cpu, "--memory", "64Mi")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond) // it starts, and fills its memory
		begin := time.Now()
		usedBefore, waitedBefore := schedule(t, cmd.Process.Pid)
		time.Sleep(during)
		used, waited := schedule(t, cmd.Process.Pid)
		took := time.Since(begin)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("burn ended with %v", err)
		}
		want := share * took.Seconds()
		got, kept := (used - usedBefore).Seconds(), (waited - waitedBefore).Seconds()
		// A period is 10 ms: it may be at any point of one.
		if got > 1.05*want+0.01 || got < 0.95*want-0.01 && got+kept < 0.95*want {
			t.Errorf("burn --cpu %s used %.3fs in %v and waited %.3fs for its turn, want %.3fs within 5 %%", cpu, got, took, kept, want)
		}
		if peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; peak < 64<<10 {
			t.Errorf("burn --memory 64Mi had at most %d KiB", peak)
		}
	}
}

// schedule is how long all threads of a process have run, and how long they waited
// for a processor while they could have.
func schedule(t *testing.T, pid int) (ran, waited time.Duration) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		var run, wait int64
		if err == nil {
			_, err = fmt.Sscan(string(text), &run, &wait)
		}
		if err != nil {
			t.Fatal(err)
		}
		ran += time.Duration(run)
		waited += time.Duration(wait)
	}
	return ran, waited
}
