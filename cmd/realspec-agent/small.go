package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/probe"
)

type getCommand struct {
	URL     string        `arg:"" help:"Where to: http:// or https://."`
	Timeout time.Duration `help:"How long the answer may take." default:"10s"`
}

// Run prints the status and the body.
func (g getCommand) Run(p *process) error {
	report, err := probe.Run(p.ctx, probe.Job{HTTP: &probe.HTTPJob{
		Request: probe.Request{URL: g.URL, Timeout: g.Timeout, Keep: true}, Concurrency: 1,
	}})
	if err != nil {
		return err
	}
	got := report.HTTP.Answer
	if got == nil || got.Status == 0 {
		return fmt.Errorf("%s: %s", g.URL, reason(got != nil, report.HTTP))
	}
	fmt.Fprintf(p.out, "%d %s\n%s", got.Status, http.StatusText(int(got.Status)), got.Body)
	if got.Body != "" && !strings.HasSuffix(got.Body, "\n") {
		fmt.Fprintln(p.out)
	}
	if got.Status < 200 || got.Status > 299 {
		return exitCode(1)
	}
	return nil
}

func reason(answered bool, r *probe.HTTPReport) string {
	if answered {
		return r.Answer.Error
	}
	return "it was stopped"
}

type dialCommand struct {
	Address string        `arg:"" name:"host:port" help:"Where to."`
	Timeout time.Duration `help:"How long it may take." default:"2s"`
}

// Run fails when there is no connection.
func (d dialCommand) Run(p *process) error {
	dialer := net.Dialer{Timeout: d.Timeout}
	began := time.Now()
	conn, err := dialer.DialContext(p.ctx, "tcp", d.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(p.out, "connected to %s in %v\n", conn.RemoteAddr(), time.Since(began).Round(time.Microsecond))
	return nil
}

type printCommand struct {
	Text []string `arg:"" optional:"" passthrough:"" help:"What to print."`
}

// Run prints the words with a space between.
func (c printCommand) Run(p *process) error {
	fmt.Fprintln(p.out, strings.Join(c.Text, " "))
	return nil
}

type exitCommand struct {
	Code int `arg:"" help:"From 0 to 255."`
}

// Run ends with the code.
func (e exitCommand) Run(*process) error {
	if e.Code < 0 || e.Code > 255 {
		return fmt.Errorf("the exit code is %d: it must be from 0 to 255", e.Code)
	}
	return exitCode(e.Code)
}

type sleepCommand struct {
	For time.Duration `arg:"" help:"How long, such as 1h."`
}

// Run ends at once with SIGTERM, as a good workload does.
func (s sleepCommand) Run(p *process) error {
	select {
	case <-time.After(s.For):
	case <-p.ctx.Done():
	}
	return nil
}
