// Command realspec-agent is what realspec runs in pods: it sends traffic and times
// it, and is the other end of it. It is one static binary that needs no rights, no
// shell and no file system to write to, so that scenarios can use it as their
// workload too.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve serveCommand `cmd:"" help:"Take jobs, echo what comes, and answer HTTP requests as they ask for."`
	Bench benchCommand `cmd:"" help:"Send requests to a URL at a constant rate and print the figures."`
	Burn  burnCommand  `cmd:"" help:"Use an exact share of CPU, and memory."`
	Get   getCommand   `cmd:"" help:"Send one request and print its answer; the exit code is 0 for a status from 200 to 299."`
	Dial  dialCommand  `cmd:"" help:"Open a TCP connection and close it."`
	Print printCommand `cmd:"" help:"Print a text."`
	Exit  exitCommand  `cmd:"" help:"End with an exit code."`
	Sleep sleepCommand `cmd:"" help:"Do nothing for a time, or until SIGTERM."`
}

// process is what a command has of the process that it runs in.
type process struct {
	ctx         context.Context // ends with SIGTERM or SIGINT
	out, errors io.Writer
	name        string // of the pod
	token       string // what requests for jobs must carry; empty: nothing
}

// exitCode ends the process without a word.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	p := &process{ctx: ctx, out: os.Stdout, errors: os.Stderr, name: podName(), token: os.Getenv("REALSPEC_AGENT_TOKEN")}
	var c commands
	parsed := kong.Parse(&c, kong.Name("realspec-agent"), kong.UsageOnError(),
		kong.Description("Sends traffic and times it, inside a cluster."))
	err := parsed.Run(p)
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		fmt.Fprintf(p.errors, "error: %v\n", err)
		return 1
	}
	return 0
}

// podName is the pod's, which Kubernetes makes the host name unless the pod is in
// the node's network; POD_NAME says it there.
func podName() string {
	if name := os.Getenv("POD_NAME"); name != "" {
		return name
	}
	name, _ := os.Hostname()
	return name
}
