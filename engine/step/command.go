package step

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// farewell is how long a command and what it started get to end by themselves
	// when their time is over.
	farewell = 5 * time.Second
	// drain is how long its last output may take to arrive.
	drain = time.Second
	// commandOutput is how much of each output is kept.
	commandOutput = 1 << 20
)

// inherited are the variables that a command gets of realspec's environment. The
// rest may hold secrets that are none of its business.
var inherited = []string{"PATH", "HOME", "TMPDIR", "LANG"}

// runCommand runs a command on this machine and checks how it ended. Whether that is
// allowed was decided before the scenario began.
func (w *World) runCommand(ctx context.Context, s *plan.Step, r *Result) {
	c := s.Run
	words, err := w.command(ctx, s, c.Command)
	stdin, err2 := w.text(ctx, s.Text(c.Stdin))
	env, err3 := w.commandEnv(ctx, s)
	if err = cmp.Or(err, err2, err3); err != nil {
		r.add(fault(ctx, c.At, err))
		return
	}
	kubeconfig, err := w.kubeconfig()
	if err != nil {
		r.add(commandFault(c.At, fmt.Errorf("the command gets no kubeconfig: %w", err)))
		return
	}
	defer func() { _ = os.Remove(kubeconfig) }()
	ran := "run " + path.Base(words[0])
	result, err := hostCommand(ctx, words, append(env, "KUBECONFIG="+kubeconfig), w.Plan.Dir, stdin)
	switch {
	case err == nil:
		r.Notes = append(r.Notes, fmt.Sprintf("%s: exit code %d in %s", ran, result.ExitCode, round(result.Took)))
		w.output(c.Output, result)
		w.commandChecks(ctx, s, c.At, c.Checks, ran, result, r)
	case ctx.Err() != nil:
		r.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonTimeout, Pos: c.At,
			Message:  fmt.Sprintf("%s had not ended after %s: %s; it was ended, with all that it started", ran, round(result.Took), context.Cause(ctx)),
			Observed: endingAs("no exit code after "+round(result.Took).String(), result.Stdout, result.Stderr)})
	default:
		r.add(commandFault(c.At, fmt.Errorf("%s could not be started: %w", words[0], err)))
	}
}

func commandFault(at spec.Pos, err error) event.Finding {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = fmt.Errorf("there is no command %s on this machine", lookup.Name)
	}
	return event.Finding{Outcome: event.Errored, Reason: event.ReasonCommand, Pos: at, Message: err.Error()}
}

// commandEnv is the environment of a command, without its KUBECONFIG.
func (w *World) commandEnv(ctx context.Context, s *plan.Step) ([]string, error) {
	getenv := w.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	var env []string
	for _, name := range inherited {
		if value := getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, "REALSPEC_NAMESPACE="+w.Namespace)
	for _, name := range slices.Sorted(maps.Keys(s.Run.Env)) {
		value, err := w.text(ctx, s.Text(s.Run.Env[name]))
		if err != nil {
			return nil, err
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}

// kubeconfig writes a kubeconfig of the scenario's cluster and user, whichever
// file, flag or service account they came from, with its namespace. Only this user
// can read it; the caller removes it.
func (w *World) kubeconfig() (string, error) {
	text, err := w.Client.Kubeconfig(w.Namespace)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "realspec-kubeconfig-*") // with mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	if err = cmp.Or(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// hostCommand runs a command in a process group of its own. Whatever way it ends,
// the whole group is ended with it; when ctx ends first, the group is asked to
// end and gets some time. The result is there in both cases.
func hostCommand(ctx context.Context, words, env []string, dir, stdin string) (*spec.CommandResult, error) {
	if err := ctx.Err(); err != nil {
		return &spec.CommandResult{}, err
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env, cmd.Dir = env, dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipes, err := connectPipes(cmd, stdin)
	if err != nil {
		return &spec.CommandResult{}, err
	}
	start := time.Now()
	err = cmd.Start()
	pipes.started()
	if err != nil {
		pipes.close()
		return &spec.CommandResult{}, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its state says how it ended
	}()
	group := -cmd.Process.Pid
	select {
	case <-ended:
	case <-ctx.Done():
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(farewell):
			_ = syscall.Kill(group, syscall.SIGKILL)
			<-ended
		}
	}
	took := time.Since(start)
	interrupted := ctx.Err() != nil
	if interrupted {
		endGroup(group)
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // what it left running
	stdout, stderr := pipes.close()
	result := &spec.CommandResult{
		ExitCode: int64(exitCode(cmd.ProcessState)), Stdout: stdout, Stderr: stderr, JSON: decoded(stdout), Took: took,
	}
	if interrupted {
		return result, ctx.Err()
	}
	return result, nil
}

// endGroup waits until a group that was asked to end has done so: its leader may
// have gone before the rest.
func endGroup(group int) {
	for end := time.Now().Add(farewell); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(group, 0); err != nil {
			return
		}
	}
}

// exitCode is as a shell tells it: of a process that a signal ended, 128 and the
// signal's number.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// pipes are the three of a command. They are real ones, not os/exec's, which
// would wait for everybody who has inherited them.
type pipes struct {
	mine, theirs []*os.File
	stdout       *output
	stderr       *output
}

func connectPipes(cmd *exec.Cmd, stdin string) (*pipes, error) {
	p := &pipes{}
	var err error
	if p.stdout, err = p.output(); err == nil {
		p.stderr, err = p.output()
	}
	if err != nil {
		p.started()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = p.theirs[0], p.theirs[1]
	if stdin == "" {
		return p, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		p.started()
		return nil, err
	}
	cmd.Stdin = read
	p.theirs, p.mine = append(p.theirs, read), append(p.mine, write)
	go func() {
		_, _ = io.WriteString(write, stdin) // a command need not read it
		write.Close()
	}()
	return p, nil
}

func (p *pipes) output() (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{done: make(chan struct{})}
	p.theirs, p.mine = append(p.theirs, write), append(p.mine, read)
	go o.read(read)
	return o, nil
}

// started closes the command's ends, which it has now itself.
func (p *pipes) started() {
	for _, f := range p.theirs {
		f.Close()
	}
}

// close ends reading, after what is still on its way, and answers with what came.
func (p *pipes) close() (stdout, stderr string) {
	late := time.After(drain)
	for _, o := range []*output{p.stdout, p.stderr} {
		select {
		case <-o.done:
		case <-late:
		}
	}
	for _, f := range p.mine {
		f.Close()
	}
	<-p.stdout.done
	<-p.stderr.done
	return p.stdout.text(), p.stderr.text()
}

// output keeps the beginning of what a command writes, and reads on.
type output struct {
	kept bytes.Buffer
	more int64
	done chan struct{}
}

func (o *output) read(from io.Reader) {
	defer close(o.done)
	_, _ = io.CopyN(&o.kept, from, commandOutput)
	o.more, _ = io.Copy(io.Discard, from)
}

func (o *output) text() string {
	if o.more == 0 {
		return o.kept.String()
	}
	return fmt.Sprintf("%s\n… %d more bytes", o.kept.String(), o.more)
}
