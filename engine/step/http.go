package step

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/probe"
	"github.com/realspec/realspec/engine/spec"
)

// bodyLines is how many of the first lines of a body a finding shows.
const bodyLines = 20

// http sends one request, from a pod or from here, and checks its answer. That
// there is no answer is one as well: a check may want just that.
func (w *World) http(ctx context.Context, s *plan.Step, r *Result) {
	w.lookAgain(ctx, s, r, func(ctx context.Context, look *Result) {
		h := s.HTTP
		c, err := w.calling(ctx, s, asked{
			url: h.URL, method: h.Method, headers: h.Headers, body: h.Body, json: h.JSON, from: h.From, as: h.As,
			tls: h.TLS, timeout: h.RequestTimeout,
		})
		if err != nil {
			look.add(fault(ctx, h.At, err))
			return
		}
		c.request.Keep = true
		sender, ok := w.sender(ctx, h.At, c.from, h.As, look)
		if !ok {
			return
		}
		report, err := sender.do(ctx, probe.Job{HTTP: &probe.HTTPJob{Request: c.request, Count: 1}}, nil)
		switch {
		case ctx.Err() != nil:
			look.add(fault(ctx, h.At, ctx.Err()))
			return
		case err != nil:
			look.add(senderFault(ctx, h.At, c.from, err))
			return
		case report.HTTP == nil || report.HTTP.Answer == nil:
			look.add(event.Finding{Outcome: event.Errored, Reason: event.ReasonCluster, Pos: h.At,
				Message: sender.String() + " gave no report of its request: it may be of another version"})
			return
		}
		response := report.HTTP.Answer
		sent := c.String() + sender.String()
		look.Notes = append(look.Notes, sent+": "+answeredIn(response))
		if c.request.Insecure {
			look.Notes = append(look.Notes, "the server was not verified: tls.insecure")
		}
		w.output(h.Output, response)
		if len(h.Checks) == 0 && (response.Status < 200 || response.Status > 299) {
			look.add(event.Finding{Outcome: event.Failed, Reason: event.ReasonAssertion, Pos: h.At,
				Message: fmt.Sprintf("%s: %s", sent, answered(response)), Observed: observedResponse(response)})
		}
		w.rules(ctx, s, h.Checks, expr.Values{"response": response}, observedResponse(response), look)
		if look.Outcome != event.Passed {
			look.Evidence = w.evidence(context.WithoutCancel(ctx), nil)
		}
	})
}

func answered(r *spec.Response) string {
	if r.Error != "" {
		return "no answer: " + r.Error
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(int(r.Status))))
}

func answeredIn(r *spec.Response) string {
	if r.Error != "" {
		return fmt.Sprintf("no answer after %s: %s", fine(r.Took), r.Error)
	}
	return fmt.Sprintf("%s in %s", answered(r), fine(r.Took))
}

// tellingHeaders are those that say something about why an answer is what it is.
var tellingHeaders = []string{
	"content-type", "content-length", "location", "retry-after", "www-authenticate", "server", "via", "x-request-id", "allow",
}

// observedResponse is an answer as a finding shows it.
func observedResponse(r *spec.Response) string {
	lines := []string{answeredIn(r)}
	for _, name := range tellingHeaders {
		if value := r.Headers[name]; value != "" {
			lines = append(lines, cutLine(name+": "+value))
		}
	}
	body := strings.TrimRight(r.Body, "\r\n")
	if body == "" {
		return strings.Join(lines, "\n")
	}
	all := strings.Split(body, "\n")
	for _, line := range all[:min(len(all), bodyLines)] {
		lines = append(lines, "  "+cutLine(strings.ToValidUTF8(line, "?")))
	}
	if more := len(all) - bodyLines; more > 0 {
		lines = append(lines, fmt.Sprintf("  … %d more lines", more))
	}
	return strings.Join(lines, "\n")
}
