package step

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

const (
	// perAgent is how many requests a second one agent sends where nothing is written.
	perAgent = 1000
	// mostThrottled is the share of its time for which a sender may have been
	// throttled; above that its latencies are its own.
	mostThrottled = 0.01
	// kindsNoted is how many kinds of failures a step notes.
	kindsNoted = 5
)

// requests is an http measure at work.
type requests struct {
	w       *World
	m       *spec.Measure
	job     probe.HTTPJob // of all senders together
	calling calling
	senders []sender

	begun   []*sending
	at      time.Time // when it began
	took    time.Duration
	reports []probe.Report
	errs    []error
}

// prepareRequests fills in what is sent and places the agents.
func (w *World) prepareRequests(ctx context.Context, s *plan.Step, m *spec.Measure) (traffic, error) {
	h := m.HTTP
	c, err := w.calling(ctx, s, asked{
		url: h.URL, method: h.Method, headers: h.Headers, body: h.Body, json: h.JSON, from: h.From, as: h.As,
		tls: h.TLS, timeout: h.RequestTimeout,
	})
	if err != nil {
		return nil, err
	}
	c.request.Fresh = h.Fresh
	t := &requests{w: w, m: m, calling: c, job: probe.HTTPJob{
		Request: c.request, Rate: h.Rate, Count: h.Count, For: h.For.Value, Concurrency: h.Concurrency, WarmUp: h.WarmUp,
	}}
	for _, rule := range h.Checks {
		t.job.Checks = append(t.job.Checks, rule.CEL.Text)
		if strings.Contains(rule.CEL.Text, "env") { // no secret goes where nobody reads it
			t.job.Env = w.Plan.Env
		}
		t.job.Vars = w.Plan.Vars
	}
	if c.from == spec.FromHere {
		t.senders = []sender{{}}
		return t, nil
	}
	n := cmp.Or(h.Agents, int(math.Ceil(h.Rate/perAgent)), 1)
	if h.Count > 0 {
		n = min(n, h.Count)
	}
	placed := w.placing(fmt.Sprintf("%s: waiting for %d agent pods", m.Name, n))
	agents, err := w.Agents.Several(ctx, n, h.As)
	placed()
	if err != nil {
		return nil, err
	}
	for _, a := range agents {
		t.senders = append(t.senders, sender{a})
	}
	return t, nil
}

// share is the job of sender i: agents take turns, each a part of the rate.
func (t *requests) share(i int) probe.Job {
	n := len(t.senders)
	job := t.job
	job.Rate = t.job.Rate / float64(n)
	if job.Rate > 0 {
		job.Offset = time.Duration(float64(i) / t.job.Rate * float64(time.Second))
	}
	if t.job.Count > 0 {
		job.Count = t.job.Count / n
		if i < t.job.Count%n {
			job.Count++
		}
	}
	return probe.Job{HTTP: &job}
}

func (t *requests) start(ctx context.Context) error {
	t.begun, t.at = make([]*sending, len(t.senders)), time.Now()
	errs := make([]error, len(t.senders))
	var all sync.WaitGroup
	for i, s := range t.senders {
		all.Go(func() { t.begun[i], errs[i] = s.start(ctx, t.share(i), t.progress(i)) })
	}
	all.Wait()
	err := errors.Join(errs...)
	if err != nil {
		abandon(ctx, t.begun)
	}
	return err
}

// progress tells how far it is, in the words of the first sender.
func (t *requests) progress(i int) func(string) {
	n := len(t.senders)
	switch {
	case i > 0:
		return nil
	case n == 1:
		return func(text string) { t.w.Progress(t.m.Name + ": " + text) }
	}
	return func(text string) { t.w.Progress(fmt.Sprintf("%s: %s, of 1 of %d agents", t.m.Name, text, n)) }
}

// openEnded tells a measure that lasts as long as the steps under during.
func (t *requests) openEnded() bool { return t.job.Count == 0 && t.job.For == 0 }

func (t *requests) wait(ctx context.Context, stop <-chan struct{}) {
	if !t.openEnded() {
		stop = nil
	}
	t.reports, t.errs = make([]probe.Report, len(t.begun)), make([]error, len(t.begun))
	var all sync.WaitGroup
	for i, s := range t.begun {
		all.Go(func() { t.reports[i], t.errs[i] = s.wait(ctx, stop) })
	}
	all.Wait()
	t.took = time.Since(t.at)
}

func (t *requests) taken(context.Context) (taken, error) {
	if err := errors.Join(t.errs...); err != nil {
		return taken{}, err
	}
	var all []probe.HTTPReport
	var worst probe.Report
	for _, r := range t.reports {
		if r.HTTP == nil {
			return taken{}, errors.New("an agent gave no report of its requests: it may be of another version")
		}
		all = append(all, *r.HTTP)
		if r.Throttled > worst.Throttled {
			worst = r
		}
	}
	merged := probe.MergeHTTP(all)
	got := measure.Requests(t.sent(merged))
	out := taken{value: got.Value, low: got.Low, high: got.High, measured: got.Measured,
		samples: int64(merged.Due), missing: int64(merged.Due - len(merged.Latency))}
	out.measured.What = t.what()
	out.notes, out.short = t.notes(merged, worst), merged.Short
	if share := worst.Throttled.Seconds() / t.took.Seconds(); share > mostThrottled {
		out.doubt = fmt.Sprintf("a sender was throttled for %s, %.1f %% of the time: its latencies are not the server's",
			worst.Throttled.Round(time.Millisecond), 100*share)
		out.doubtful = event.ReasonError
	}
	return out, nil
}

func (t *requests) sent(r probe.HTTPReport) measure.Sent {
	s := measure.Sent{
		Asked: r.Asked, Rate: r.Rate, Due: r.Due, Sent: r.Sent, Failed: r.Failed, Dropped: r.Dropped,
		WorstLag: r.WorstLag, LagP99: r.LagP99, Short: r.Short,
		Latency: r.Latency, Service: r.Service, At: r.At, Codes: r.Codes, Start: t.at.Sub(t.w.began),
	}
	for _, one := range r.Seconds {
		s.Seconds = append(s.Seconds, measure.SentSecond{Due: one.Due, Failed: one.Failed, P50: one.P50, P99: one.P99})
	}
	return s
}

// what is sent, in words.
func (t *requests) what() string {
	text := t.calling.String() + t.senders[0].String()
	if n := len(t.senders); n > 1 {
		text = fmt.Sprintf("%s from the cluster, %d agents", t.calling, n)
	}
	if t.job.Request.Fresh {
		text += ", a connection each"
	}
	return text
}

// notes say why requests failed and what is to be known of the senders.
func (t *requests) notes(r probe.HTTPReport, worst probe.Report) []string {
	var all []string
	kinds := measure.Kinds(r.Errors)
	var rest int64
	for i, kind := range kinds {
		if i < kindsNoted {
			all = append(all, fmt.Sprintf("%d failed: %s", kind.Count, kind.What))
			continue
		}
		rest += kind.Count
	}
	if rest > 0 {
		all = append(all, fmt.Sprintf("%d failed in %d other ways", rest, len(kinds)-kindsNoted))
	}
	if len(t.senders) > 1 {
		nodes := map[string]bool{}
		for _, s := range t.senders {
			nodes[s.agent.Node] = true
		}
		all = append(all, fmt.Sprintf("%d agents shared the rate, on %s", len(t.senders), strings.Join(slices.Sorted(maps.Keys(nodes)), ", ")))
	}
	if worst.Throttled > 0 {
		all = append(all, throttled("a sender", worst))
	}
	if t.job.Request.Insecure {
		all = append(all, "the server was not verified: tls.insecure")
	}
	return slices.Clip(all)
}

func throttled(who string, r probe.Report) string {
	return fmt.Sprintf("%s was throttled %d times, for %s in all", who, r.ThrottledTimes, r.Throttled.Round(time.Millisecond))
}

// requestsUnmeasurable says why requests cannot be sent from this cluster.
func (w *World) requestsUnmeasurable(ctx context.Context, s *plan.Step, h *spec.HTTPMeasure) string {
	url, err := w.text(ctx, s.Text(h.URL))
	if why := outputMissing(err); why != "" {
		return why
	}
	if err != nil || spec.FromOf(url, h.From) == spec.FromHere {
		return "" // an error is told when the request is made
	}
	return w.Agents.Unmeasurable()
}
