package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

type benchCommand struct {
	URL         string        `arg:"" help:"Where to: http:// or https://."`
	Rate        float64       `help:"Requests a second." default:"1000"`
	For         time.Duration `help:"How long." default:"10s"`
	Concurrency int           `help:"Most requests in flight." default:"256"`
	Fresh       bool          `help:"A new connection for every request."`
	Timeout     time.Duration `help:"How long one answer may take." default:"10s"`
}

// Run prints what came of it, and what it cost this process.
func (b benchCommand) Run(p *process) error {
	before := processorTime()
	report, err := probe.Run(p.ctx, probe.Job{HTTP: &probe.HTTPJob{
		Request: probe.Request{URL: b.URL, Timeout: b.Timeout, Fresh: b.Fresh},
		Rate:    b.Rate, For: b.For, Concurrency: b.Concurrency,
	}})
	if err != nil {
		return err
	}
	used := processorTime() - before
	r := report.HTTP
	fmt.Fprintf(p.out, "requests     %d sent of %d due, %d failed, %d dropped\n", r.Sent, r.Due, r.Failed, r.Dropped)
	fmt.Fprintf(p.out, "rate         %.1f/s of %.1f/s asked\n", r.Rate, r.Asked)
	fmt.Fprintf(p.out, "lag          p99 %v, worst %v\n", r.LagP99, r.WorstLag)
	missing := r.Due - len(r.Latency)
	quantiles(p, "latency", r.Latency, missing)
	quantiles(p, "service", r.Service, missing)
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(p.out, "failed       %d: %s\n", r.Errors[kind], kind)
	}
	fmt.Fprintf(p.out, "cpu          %.3fs, %.0f requests per CPU second\n", used.Seconds(), float64(r.Sent)/used.Seconds())
	if r.Short != "" {
		fmt.Fprintf(p.out, "short        %s\n", r.Short)
	}
	return nil
}

// quantiles prints those of all requests that were due: one that failed or was never
// sent is missing, and counts above every other.
func quantiles(p *process, name string, samples []time.Duration, missing int) {
	sorted := slices.Sorted(slices.Values(samples))
	at := func(q float64) string {
		if d := stats.Quantile(sorted, missing, q); d != spec.Missing {
			return d.String()
		}
		return "none"
	}
	fmt.Fprintf(p.out, "%-12s p50 %s, p90 %s, p99 %s, max %s\n", name, at(0.5), at(0.9), at(0.99), at(1))
}
