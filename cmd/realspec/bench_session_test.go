package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The benchmarks of a session: what people wait for who write scenarios.

// BenchmarkValidate100 is the whole process of validating 100 scenarios, copies of
// one that uses most verbs.
func BenchmarkValidate100(b *testing.B) {
	if _, err := os.Stat(program()); err != nil {
		b.Skip("skipped: needs bin/realspec: make build")
	}
	dir := b.TempDir()
	for i := range 100 {
		folder := filepath.Join(dir, fmt.Sprintf("scenario-%03d", i))
		copyScenario(b, "../../specs/high-load", folder)
		rename(b, filepath.Join(folder, "scenario.yaml"), fmt.Sprintf("high-load-%03d", i))
	}
	for b.Loop() {
		cmd := exec.Command(program(), "validate", dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Milliseconds()), "cpu-ms")
	}
}

// BenchmarkRerun is the time from a save to the verdict, with run --watch on a
// local cluster that is warm: specs/basic-development. Each iteration is one save.
func BenchmarkRerun(b *testing.B) {
	if world == nil {
		b.Skip("skipped: needs realspec-cluster, and it is not built: make build")
	}
	dir := filepath.Join(b.TempDir(), "basic-development")
	copyScenario(b, "../../specs/basic-development", dir)
	cmd := exec.Command(program(), "run", dir, "--cluster", "local", "--watch")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	}()
	verdicts := make(chan string)
	go passVerdicts(out, verdicts)
	await := func() {
		select {
		case verdict, ok := <-verdicts:
			if !ok || verdict != "PASSED" {
				b.Fatalf("the verdict is %q", verdict)
			}
		case <-time.After(2 * time.Minute):
			b.Fatal("no verdict within two minutes")
		}
	}
	await() // of the first run, which starts the cluster
	step := filepath.Join(dir, "02-assert.yaml")
	text, err := os.ReadFile(step)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		time.Sleep(6 * time.Second) // the namespace of the last run is gone, as when somebody has typed something
		b.StartTimer()
		text = append(text, "# again\n"...)
		if err := os.WriteFile(step, text, 0o600); err != nil {
			b.Fatal(err)
		}
		await()
	}
}

// passVerdicts sends the verdict of each run: 12:00:00  PASSED, 0.41s after the save …
func passVerdicts(out io.Reader, to chan<- string) {
	defer close(to)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && strings.Contains(lines.Text(), " after the save") {
			to <- strings.TrimSuffix(words[1], ",")
		}
	}
}

// rename gives a scenario another name: two of one name are an error.
func rename(b *testing.B, file, name string) {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^( +name: |.*metadata: \{name: )high-load`).ReplaceAll(text, []byte("${1}"+name))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
}

func copyScenario(b *testing.B, from, to string) {
	b.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		b.Fatal(err)
	}
}
