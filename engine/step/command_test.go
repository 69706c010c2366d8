package step

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func TestHostCommand(t *testing.T) {
	env := []string{"PATH=" + os.Getenv("PATH"), "A=b"}
	for _, row := range []struct {
		name, stdin string
		words       []string
		want        spec.CommandResult
	}{
		{name: "outputs", words: []string{"sh", "-c", "echo one; echo two >&2; exit 3"}, want: spec.CommandResult{ExitCode: 3, Stdout: "one\n", Stderr: "two\n"}},
		{name: "JSON", words: []string{"cat"}, stdin: `{"a": [1]}`, want: spec.CommandResult{Stdout: `{"a": [1]}`, JSON: map[string]any{"a": []any{int64(1)}}}},
		{name: "input that is not read", words: []string{"true"}, stdin: strings.Repeat("x", 1<<20)},
		{name: "environment", words: []string{"sh", "-c", "echo $A$HOME"}, want: spec.CommandResult{Stdout: "b\n"}},
		{name: "ended by a signal", words: []string{"sh", "-c", "kill -9 $$"}, want: spec.CommandResult{ExitCode: 137}},
		{name: "much output", words: []string{"sh", "-c", "yes | head -c 1048586"},
			want: spec.CommandResult{Stdout: strings.Repeat("y\n", commandOutput/2) + "\n… 10 more bytes"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := NewWithT(t)
			got, err := hostCommand(t.Context(), row.words, env, t.TempDir(), row.stdin)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.Took).To(BeNumerically(">", 0))
			got.Took = 0
			g.Expect(*got).To(Equal(row.want))
		})
	}
}

// A command ends with all that it started: when its time is over, also where that
// does not want to, and when it has left something running.
func TestHostCommandLeavesNothing(t *testing.T) {
	for _, row := range []struct {
		name, script string
		time         time.Duration // 0: it ends by itself
		said         string
	}{
		{"it left a process", "sleep 600 & echo $! > pid; echo done", 0, "done\n"},
		{"its time is over", "trap 'echo bye; exit' TERM; sleep 600 & echo $! > pid; wait", 300 * time.Millisecond, "bye\n"},
		{"its child ignores the request", `sh -c "trap '' TERM; echo \$\$ > pid; sleep 600; sleep 600" & wait`, 300 * time.Millisecond, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			ctx := t.Context()
			if row.time > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, row.time)
				defer cancel()
			}
			dir := t.TempDir()
			got, err := hostCommand(ctx, []string{"sh", "-c", row.script}, []string{"PATH=" + os.Getenv("PATH")}, dir, "")
			g.Expect(errors.Is(err, context.DeadlineExceeded)).To(Equal(row.time > 0), "%v", err)
			g.Expect(got.Stdout).To(Equal(row.said))
			text, err := os.ReadFile(filepath.Join(dir, "pid"))
			g.Expect(err).NotTo(HaveOccurred())
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			g.Expect(err).NotTo(HaveOccurred())
			g.Eventually(func() bool { return running(pid) }).WithTimeout(5 * time.Second).Should(BeFalse())
		})
	}
}

// running tells whether a process is there and no zombie: who reaps an orphan, and
// when, is the machine's business.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
