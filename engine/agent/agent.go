// Package agent places realspec's agent pods on a cluster and gives them jobs.
// An agent is one small static program (cmd/realspec-agent) that sends traffic
// and times it from where it stands, because what is timed from outside, through
// an exec or the API server, is mostly the way there.
//
// Agents are reached through the API server's proxy to pods: nothing but the
// cluster's own address need be reachable, and nothing is executed in a pod.
package agent

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/realspec/realspec/engine/probe"
)

// The ports that an agent listens on.
const (
	ControlPort = 8080 // HTTP: its jobs
	EchoPort    = 7000 // TCP and UDP: echo and sink
	HTTPPort    = 8081 // HTTP: answers as it is asked to
)

// stopTime is how long an agent gets to stop a job and hand over its report.
const stopTime = 5 * time.Second

// Agent is an agent pod that runs and answers. It is safe for concurrent use.
type Agent struct {
	Name, Namespace string
	Node            string
	IP              string // the pod's; of one in the node's network the node's
	HostIP          string // the node's
	HostNetwork     bool

	fleet *Fleet
	uid   string
	key   string
	ports ports
}

// Echo is the address, host:port, of the agent's echo server and sink.
func (a *Agent) Echo() string { return net.JoinHostPort(a.IP, strconv.Itoa(a.ports.echo)) }

// HTTP is the address, host:port, of the agent's HTTP server.
func (a *Agent) HTTP() string { return net.JoinHostPort(a.IP, strconv.Itoa(a.ports.http)) }

// String names the agent and where it stands.
func (a *Agent) String() string { return fmt.Sprintf("agent %s on node %s", a.Name, a.Node) }

// Do gives the agent a job and waits for its report. progress, if there is one,
// gets signs of life. When ctx ends first the job is stopped, and its report until
// then comes with the context's cause.
func (a *Agent) Do(ctx context.Context, job probe.Job, progress func(string)) (probe.Report, error) {
	running, err := a.Start(ctx, job)
	if err != nil {
		return probe.Report{}, err
	}
	running.Progress = progress
	report, err := running.Wait(ctx)
	if ctx.Err() == nil {
		return report, err
	}
	report, _ = running.End(context.WithoutCancel(ctx))
	return report, context.Cause(ctx)
}

// Start gives the agent a job and does not wait for it.
func (a *Agent) Start(ctx context.Context, job probe.Job) (*Running, error) {
	id, err := a.post(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("%s took no job: %w", a, err)
	}
	return &Running{agent: a, id: id}, nil
}

// Running is a job that an agent does.
type Running struct {
	// Progress, if it is set, gets signs of life during Wait.
	Progress func(string)

	agent *Agent
	id    string
}

// Stop tells the agent to end the job now. Its report is then for Wait to fetch.
func (r *Running) Stop(ctx context.Context) error {
	if err := r.agent.stop(ctx, r.id); err != nil {
		return fmt.Errorf("%s could not be told to stop: %w", r.agent, err)
	}
	return nil
}

// Wait waits for the end of the job and fetches its report. It does not stop it.
func (r *Running) Wait(ctx context.Context) (probe.Report, error) {
	report, err := r.agent.await(ctx, r.id, r.Progress)
	if err != nil {
		return report, fmt.Errorf("%s: %w", r.agent, err)
	}
	return report, nil
}

// End stops the job and fetches its report, within 5 s.
func (r *Running) End(ctx context.Context) (probe.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		return probe.Report{}, err
	}
	return r.Wait(ctx)
}

// Reaches waits until the agent can open a TCP connection to an address: a
// Service that was just made is known to the nodes only some time later, and what
// is lost until then is no one's fault. The error is for one that cannot be
// reached within 10 s.
func (a *Agent) Reaches(ctx context.Context, address string) error {
	for end := time.Now().Add(reachTime); ; {
		report, err := a.Do(ctx, probe.Job{RoundTrips: &probe.RoundTripJob{
			Transaction: "connect", Address: address, Rate: 20, For: 100 * time.Millisecond, Timeout: 500 * time.Millisecond,
		}}, nil)
		switch {
		case err != nil:
			return err
		case report.RoundTrips != nil && len(report.RoundTrips.Samples) > 0 && report.RoundTrips.Lost == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("%s cannot reach %s within %s", a, address, reachTime)
		}
	}
}

// reachTime is how long a new Service may take until nodes know it; some tens of
// milliseconds are usual.
const reachTime = 10 * time.Second
