// Command realspec runs production scenarios, written in YAML, on Kubernetes
// clusters.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the Makefile; a build by `go install` takes the module's.
var version = ""

// The exit codes of commands; those of a run come from its result, and mean the same.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitCluster      = 3
	exitUnmet        = 4 // nothing ran, or scenarios cannot run here
	exitInconclusive = 5
	exitInterrupted  = 130
)

// commands is the command line.
type commands struct {
	Run        runCommand        `cmd:"" help:"Run scenarios and judge them."`
	Validate   validateCommand   `cmd:"" help:"Check scenarios without a cluster: every error of every file."`
	Baseline   baselineCommand   `cmd:"" help:"Record what scenarios measure, and judge runs by it."`
	Compare    compareCommand    `cmd:"" help:"Compare two sets of recorded runs."`
	History    historyCommand    `cmd:"" help:"Show the measures of recorded runs over time."`
	Grade      gradeCommand      `cmd:"" help:"Hold the figures of a run against the API server's audit log."`
	Cluster    clusterCommand    `cmd:"" help:"Keep a local cluster warm between runs."`
	Plan       planCommand       `cmd:"" help:"Show what would happen, and whether the cluster can host it."`
	Doctor     doctorCommand     `cmd:"" help:"Say what the current cluster can do."`
	Eval       evalCommand       `cmd:"" help:"Try an expression on what is on the cluster."`
	Capture    captureCommand    `cmd:"" help:"Write an assert from a live object."`
	Report     reportCommand     `cmd:"" help:"Rebuild the reports of a recorded run."`
	CI         ciCommand         `cmd:"" name:"ci" help:"What CI systems need besides runs."`
	Init       initCommand       `cmd:"" help:"Make a scenario from a recipe, or list the recipes."`
	Completion completionCommand `cmd:"" help:"Print the completion script of a shell."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:"" passthrough:""`
	Sweep      sweepCommand      `cmd:"" help:"Delete what interrupted runs left behind."`
	Explain    explainCommand    `cmd:"" help:"Explain a field, an expression, an outcome or an error."`
	Schema     schemaCommand     `cmd:"" help:"Print a JSON Schema of the language, for editors."`
	Version    versionCommand    `cmd:"" help:"Print the versions."`
}

// app is what every command may use of the world.
type app struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	// first ends at the first SIGINT or SIGTERM, second at the second one.
	first, second context.Context
}

// exitError ends the program with a code. Its message, if any, was not said yet.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

// usage is a mistake on the command line or in what it names.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

func main() {
	first, second := signals()
	a := &app{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, first: first, second: second}
	os.Exit(a.main(os.Args[1:]))
}

// main runs the command line and answers with the exit code.
func (a *app) main(args []string) int {
	code := -1
	parser, err := kong.New(&commands{},
		kong.Name(programName(os.Args[0])),
		kong.Description("Run production scenarios, written in YAML, on real Kubernetes clusters.\n\n"+
			"Start with: realspec run specs/high-load"),
		kong.Writers(a.stdout, a.stderr),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(c int) { code = c }),
	)
	if err != nil {
		return a.fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if code >= 0 { // --help has been answered
		return code
	}
	if err != nil {
		command := "realspec"
		var bad *kong.ParseError
		if errors.As(err, &bad) && bad.Context != nil && bad.Context.Selected() != nil {
			command = bad.Context.Selected().FullPath()
		}
		return a.fail(usage("%v\n  see: %s --help", err, command))
	}
	return a.fail(parsed.Run(a))
}

// fail says what went wrong and answers with the exit code.
func (a *app) fail(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		exit = &exitError{exitCluster, err.Error()}
		if a.first != nil && a.first.Err() != nil {
			exit.code = exitInterrupted
		}
	}
	if exit.message != "" {
		fmt.Fprintln(a.stderr, "error: "+strings.TrimRight(exit.message, "\n"))
	}
	return exit.code
}

// printJSON writes a value to standard output. An expression stays as it was written.
func (a *app) printJSON(v any) error {
	out := json.NewEncoder(a.stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// signals are two contexts: the first ends at the first SIGINT or SIGTERM, and
// the second at the second one.
func signals() (first, second context.Context) {
	first, stop := context.WithCancel(context.Background())
	second, stopNow := context.WithCancel(context.Background())
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-caught
		stop()
		<-caught
		stopNow()
	}()
	return first, second
}

// versionCommand prints the versions.
type versionCommand struct{}

// Run is the command.
func (versionCommand) Run(a *app) error {
	fmt.Fprintln(a.stdout, "realspec", ownVersion())
	return nil
}

// ownVersion is this build's version.
func ownVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
