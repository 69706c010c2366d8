package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
)

// statistics are the commands over recorded runs.
type statistics struct {
	Compare  compareCommand  `cmd:""`
	History  historyCommand  `cmd:""`
	Baseline baselineCommand `cmd:""`
}

// realspec runs a command line and answers with its exit code and output.
func realspec(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, diags bytes.Buffer
	a := &app{stdout: &out, stderr: &diags, getenv: os.Getenv, first: t.Context(), second: context.Background()}
	parser, err := kong.New(&statistics{}, kong.Exit(func(int) { t.Fatal("the parser ends the program") }))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return exitUsage, "", err.Error()
	}
	return a.fail(parsed.Run(a)), out.String(), diags.String()
}

var (
	fourNodes = event.Environment{Kubernetes: "1.37", Nodes: "4 x (8 cpu, 32Gi)", Simulated: true, Local: true}
	twoNodes  = event.Environment{Kubernetes: "1.37", Nodes: "2 x (8 cpu, 32Gi)", Simulated: true, Local: true}
)

// recordRuns writes the result of runs of a scenario, each with a rollout that took about
// a number of seconds.
func recordRuns(t *testing.T, file, scenario string, n int, seconds float64, env event.Environment) string {
	t.Helper()
	r := &event.Result{SchemaVersion: 1}
	for i := range n {
		took := seconds * (1 + 0.02*float64(i*7%max(n, 1))/float64(n))
		s := &event.Scenario{Path: scenario, Name: filepath.Base(scenario), Repetition: i + 1, Outcome: event.Passed,
			Started: time.Date(2026, 11, 1, int(seconds), i, 0, int(seconds*1000), time.UTC), Cluster: event.Cluster{Environment: env},
			Steps: []*event.Step{{ID: "03-measure", Outcome: event.Passed, Measures: []event.Measured{
				{Name: "rollout", Kind: "elapsed", Unit: "s", Value: &took}}}}}
		if i > 0 {
			s.Path += fmt.Sprintf("#%d", i+1)
		}
		r.Scenarios = append(r.Scenarios, s)
	}
	content, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCompareExitCodes(t *testing.T) {
	dir := t.TempDir()
	name := func(file string) string { return filepath.Join(dir, file) }
	before := recordRuns(t, name("before.json"), "specs/a", 8, 10, fourNodes)
	same := recordRuns(t, name("same.json"), "specs/a", 8, 10.001, fourNodes)
	slow := recordRuns(t, name("slow.json"), "specs/a", 8, 11, fourNodes)
	few := recordRuns(t, name("few.json"), "specs/a", 1, 15, fourNodes)
	small := recordRuns(t, name("small.json"), "specs/a", 8, 10, twoNodes)
	other := recordRuns(t, name("other.json"), "specs/b", 8, 10, fourNodes)
	if err := os.WriteFile(name("foreign.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{before, same}, 0, "no difference that counts", ""},
		{[]string{before, slow}, 1, "worse: rollout", ""},
		{[]string{slow, before}, 0, "better: rollout", ""},
		{[]string{before, slow, "--tolerance", "15%"}, 0, "no difference that counts", ""},
		{[]string{before, slow, "--tolerance", "0.05"}, 1, "worse: rollout", ""},
		{[]string{before, slow, "--alpha", "0.001%"}, 5, "too few runs", ""},
		{[]string{before, few}, 5, "? too few runs to tell", ""},
		{[]string{before + "," + same, slow}, 1, "16+8", ""},
		{[]string{before, slow, "--json"}, 1, `"verdict": "worse"`, ""},
		{[]string{before, slow, "--metric", "roll*"}, 1, "worse: rollout", ""},
		{[]string{before, slow, "--metric", "startup"}, 2, "", "have no metric in common"},
		{[]string{before, small}, 2, "", "their environments differ: nodes 4 x (8 cpu, 32Gi) and 2 x (8 cpu, 32Gi)\n" +
			"  to compare them all the same: --across-environments"},
		{[]string{before, small, "--across-environments"}, 0, "the environments of a differ", ""},
		{[]string{before, other}, 2, "a is only in", "have no metric in common"},
		{[]string{before, name("foreign.json")}, 2, "", "it is no result, events file or baseline"},
		{[]string{before, name("gone.json")}, 2, "", "there is no such file or folder"},
		{[]string{before, slow, "--tolerance", "much"}, 2, "", `"much" is not a share: it should be like 5% or 0.05`},
		{[]string{before, slow, "--tolerance=-5%"}, 2, "", `"-5%" is not a share`},
		{[]string{before, slow, "--alpha", "0"}, 2, "", "--alpha is 0%: it should be between 0% and 100%"},
	} {
		code, stdout, stderr := realspec(t, append([]string{"compare"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("compare %s: exit code %d, want %d\n%s\n%s", strings.Join(c.args, " "), code, c.code, stdout, stderr)
		}
	}
}

func TestHistoryCommand(t *testing.T) {
	dir := t.TempDir()
	before := recordRuns(t, filepath.Join(dir, "before.json"), "specs/a", 8, 10, fourNodes)
	slow := recordRuns(t, filepath.Join(dir, "slow.json"), "specs/a", 1, 20, fourNodes)
	code, stdout, stderr := realspec(t, "history", before, slow, "--metric", "rollout")
	if code != 0 || !strings.Contains(stdout, "9 runs") || !strings.Contains(stdout, "! outside of the range of the runs before") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if code, _, stderr := realspec(t, "history", before, "--metric", "nothing"); code != 2 || !strings.Contains(stderr, "no run has a metric like nothing") {
		t.Error(code, stderr)
	}
	if code, _, _ := realspec(t, "history", filepath.Join(dir, "gone")); code != 2 {
		t.Error(code)
	}
}

func TestBaselineCheck(t *testing.T) {
	dir := t.TempDir()
	scenario := filepath.Join(dir, "a")
	in, err := compare.Load(recordRuns(t, filepath.Join(dir, "recorded.json"), scenario, 20, 10, fourNodes))
	if err != nil {
		t.Fatal(err)
	}
	b := &compare.Baseline{Scenario: "a", Environment: fourNodes}
	if _, err := b.Record(in.Results[0].Scenarios...); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteFile(compare.Folder(scenario)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		n       int
		seconds float64
		env     event.Environment
		flags   []string
		code    int
		want    string
	}{
		{"one.json", 1, 10.5, fourNodes, nil, 0, "passed        rollout 10.5 s, recorded 10.1 s (10.0–10.2, 20 runs): +4.1 %, within 10 %"},
		{"slow.json", 1, 12, fourNodes, nil, 1, "failed        rollout 12.0 s"},
		{"tolerated.json", 1, 12, fourNodes, []string{"--tolerance", "30%"}, 0, "within 30 %"},
		{"strict.json", 1, 12, fourNodes, []string{"--significance", "1%"}, 5, "needs at least 99 recorded runs, and there are 20: " +
			"realspec baseline record --repeat 99 " + scenario},
		{"many.json", 8, 12, fourNodes, nil, 1, "worse: rollout"},
		{"elsewhere.json", 1, 10, twoNodes, nil, 5, "a: no baseline for local, Kubernetes 1.37, 2 x (8 cpu, 32Gi), simulated: realspec baseline record " +
			scenario + "\n  there is one for local, Kubernetes 1.37, 4 x (8 cpu, 32Gi), simulated"},
	} {
		file := recordRuns(t, filepath.Join(dir, c.name), scenario, c.n, c.seconds, c.env)
		code, stdout, stderr := realspec(t, append([]string{"baseline", "check", file}, c.flags...)...)
		if code != c.code || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: exit code %d, want %d\n%s\n%s", c.name, code, c.code, stdout, stderr)
		}
	}
	// In a run on several clusters a scenario has a name for each of them.
	file := recordRuns(t, filepath.Join(dir, "several.json"), scenario+"@local", 8, 12, fourNodes)
	if code, stdout, stderr := realspec(t, "baseline", "check", file); code != 1 || !strings.Contains(stdout, "worse: rollout") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	if code, _, stderr := realspec(t, "baseline", "check", b.File); code != 2 || !strings.Contains(stderr, "is a baseline: give the result of a run") {
		t.Error(code, stderr)
	}
}

// TestBaselineRecord records on the local control plane: first two runs, then one
// more, and then one by which nothing must be written.
func TestBaselineRecord(t *testing.T) {
	needCluster(t)
	t.Setenv("KUBECONFIG", os.Getenv("E2E_KUBECONFIG"))
	t.Setenv("CI", "true")
	scenario := filepath.Join(t.TempDir(), "recorded")
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(scenario, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(scenario, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("scenario.yaml", "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: recorded}\n")
	write("00-pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: one, labels: {app: one}}\nspec: {containers: [{name: c, image: pause}]}\n")
	write("01-wait.yaml", "wait: [{for: ready}]\n")
	write("02-measure.yaml", "measure:\n  - {name: startup, pods: {selector: app=one}}\n  - {name: rollout, elapsed: {from: 00-pod, to: 01-wait}}\n")

	record := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := realspec(t, append([]string{"baseline", "record", scenario, "--cluster", "current"}, args...)...)
		if code != want {
			t.Fatalf("exit code %d, want %d\n%s\n%s", code, want, stdout, stderr)
		}
		return stdout + stderr
	}
	files := func() []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(compare.Folder(scenario), "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	if out := record(0, "--repeat", "2"); !strings.Contains(out, "recorded: 2 runs are recorded in ") {
		t.Error(out)
	}
	written := files()
	if len(written) != 1 {
		t.Fatal(written)
	}
	if out := record(0, "--repeat", "1", "--append"); !strings.Contains(out, "3 runs are recorded") {
		t.Error(out)
	}
	b, err := compare.ReadBaseline(written[0])
	if err != nil || len(b.Runs) != 3 || len(b.Runs[2].Measures) != 5 {
		t.Fatalf("%v %+v", err, b)
	}
	for _, m := range b.Runs[2].Measures {
		if m.Unit != "s" || m.Value == nil && len(m.Samples) != 1 {
			t.Errorf("%+v", m)
		}
	}
	if out := record(0, "--repeat", "1"); !strings.Contains(out, "1 run is recorded") {
		t.Error(out)
	}
	content, err := os.ReadFile(written[0])
	if err != nil {
		t.Fatal(err)
	}
	write("03-assert.yaml", "assert: {checks: [{cel: \"false\"}]}\n")
	if out := record(1, "--repeat", "1"); !strings.Contains(out, "no baseline was recorded: 1 run of recorded did not pass") {
		t.Error(out)
	}
	after, err := os.ReadFile(files()[0])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(content), string(after)); d != "" {
		t.Error("a run that failed changed the baseline:", d)
	}
}
