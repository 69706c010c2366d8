// Command realspec-cluster runs a throw-away Kubernetes cluster on this
// machine: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and
// KWOK, all in one process, on loopback, without Docker and without root. Its
// nodes are simulated: the API is the real one, the containers are not. As
// root on Linux it can also have real nodes, each with a kubelet, containerd
// and kube-proxy in namespaces of its own: package realnode.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// Exit codes. Scripts rely on them.
const (
	exitError       = 1   // anything that has no code of its own
	exitUsage       = 2   // a flag, a node shape or a file is wrong
	exitNotRunning  = 3   // the cluster could not start, or is not running
	exitInterrupted = 130 // a signal ended the command (128 + SIGINT)
)

// commandLine is what kong parses; one field a command.
type commandLine struct {
	Up         upCommand         `cmd:"" help:"Start a cluster and wait until it is usable."`
	Down       downCommand       `cmd:"" help:"Stop a cluster and remove everything it left."`
	Status     statusCommand     `cmd:"" help:"Show the clusters of this machine."`
	Kubeconfig kubeconfigCommand `cmd:"" help:"Print the kubeconfig of a cluster."`
	Node       nodeCommand       `cmd:"" help:"Stop, start, freeze, thaw, cut off, heal or delay a real node, or list them."`
	LoadImage  loadImageCommand  `cmd:"" help:"Give an image to every real node."`
	LoadImages loadImagesCommand `cmd:"" help:"Give all images of a folder to every real node."`
	PackImage  packImageCommand  `cmd:"" help:"Make an image of a program of this machine, for load-image."`
	PackImages packImagesCommand `cmd:"" help:"Make images of servers from Debian's packages on this machine."`
	Version    versionCommand    `cmd:"" help:"Show the versions of all parts."`
	Serve      serveCommand      `cmd:"" hidden:"" help:"Run the cluster in this process; 'up' starts it."`
	componentCommands
}

// streams are the places a command writes to: results to out, progress and
// remarks to err, so that the output of a command can be piped.
type streams struct {
	out io.Writer
	err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], streams{out: os.Stdout, err: os.Stderr}))
}

// run executes one command line and returns its exit code.
func run(args []string, io streams) int {
	var cli commandLine
	helped := false
	parser, err := kong.New(&cli,
		kong.Name("realspec-cluster"),
		kong.Description("A local Kubernetes cluster with simulated nodes, in one process, and real ones beside it."),
		kong.Writers(io.out, io.err),
		kong.Exit(func(int) { helped = true }),
		kong.UsageOnError(),
		kong.Bind(io),
	)
	if err != nil {
		return report(io, err)
	}
	parsed, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		return report(io, usageError("%w; see 'realspec-cluster --help'", err))
	}
	return report(io, parsed.Run())
}

// report prints err, if any, and returns the exit code that it stands for.
func report(io streams, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(io.err, "error: %v\n", err)
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitError
}

// codedError is an error that asks for an exit code of its own.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// usageError says that what the user typed or wrote is wrong.
func usageError(format string, args ...any) error {
	return &codedError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// notRunningError says that a cluster is not, or could not be made, usable.
func notRunningError(format string, args ...any) error {
	return &codedError{code: exitNotRunning, err: fmt.Errorf(format, args...)}
}
