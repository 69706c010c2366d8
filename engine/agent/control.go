package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/realspec/realspec/engine/probe"
)

// How long an agent may hold back its answer until a job has ended. With someone
// who wants to see progress it is asked more often.
const (
	longPoll  = 10 * time.Second
	shortPoll = time.Second
	// patience is how long an agent may be unreachable while its job goes on: an API
	// server that restarts, a connection that is lost.
	patience = 15 * time.Second
)

func (a *Agent) post(ctx context.Context, job probe.Job) (string, error) {
	body, err := json.Marshal(job)
	if err != nil {
		return "", err
	}
	answer, err := a.ask(ctx, http.MethodPost, "/jobs", nil, body)
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
		return "", fmt.Errorf("it gave the job no id: %s", short(answer))
	}
	return made.ID, nil
}

func (a *Agent) stop(ctx context.Context, id string) error {
	_, err := a.ask(ctx, http.MethodDelete, "/jobs/"+url.PathEscape(id), nil, nil)
	return err
}

func (a *Agent) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := a.ask(ctx, http.MethodGet, "/healthz", nil, nil)
	return err
}

// await asks until the job has ended. A connection that breaks does not end it.
func (a *Agent) await(ctx context.Context, id string, progress func(string)) (probe.Report, error) {
	poll := longPoll
	if progress != nil {
		poll = shortPoll
	}
	heard, told := time.Now(), ""
	for {
		s, err := a.status(ctx, id, poll)
		var refused *refusal
		switch {
		case ctx.Err() != nil:
			return probe.Report{}, context.Cause(ctx)
		case errors.As(err, &refused) && refused.final(), err != nil && time.Since(heard) > patience:
			return probe.Report{}, fmt.Errorf("the report of its job could not be fetched: %w", err)
		case err != nil:
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		case s.Done:
			return result(s)
		}
		heard = time.Now()
		if progress != nil && s.Progress != told {
			told = s.Progress
			progress(told)
		}
	}
}

func result(s *probe.Status) (probe.Report, error) {
	var report probe.Report
	if s.Report != nil {
		report = *s.Report
	}
	if s.Error != "" {
		return report, errors.New(s.Error)
	}
	return report, nil
}

func (a *Agent) status(ctx context.Context, id string, poll time.Duration) (*probe.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, poll+20*time.Second)
	defer cancel()
	body, err := a.ask(ctx, http.MethodGet, "/jobs/"+url.PathEscape(id), url.Values{"wait": {poll.String()}}, nil)
	if err != nil {
		return nil, err
	}
	var s probe.Status
	if json.Unmarshal(body, &s) != nil { // whose error is for programmers
		return nil, errors.New("its answer cannot be read: realspec and its agent may be of different versions")
	}
	return &s, nil
}

// ask sends a request to the agent's control port through the API server.
func (a *Agent) ask(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	client := a.fleet.client
	address := client.Server()
	address.Path += fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", a.Namespace, a.Name, a.ports.control, path)
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Realspec-Token", a.fleet.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.RoundTripper().RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &refusal{code: resp.StatusCode, message: said(answer)}
	}
	return answer, nil
}

// refusal is an answer that is not what was asked for, the agent's own or the API
// server's.
type refusal struct {
	code    int
	message string
}

// Error is what was said.
func (r *refusal) Error() string { return fmt.Sprintf("%s (%d)", r.message, r.code) }

// final tells a refusal that asking again does not mend: those of the API server
// for an agent that it cannot reach are 5xx.
func (r *refusal) final() bool {
	return r.code >= 400 && r.code < 500 && r.code != http.StatusTooManyRequests && r.code != http.StatusRequestTimeout
}

// said is the message of a Kubernetes Status, an error of the agent, or the text.
func said(body []byte) string {
	var status metav1.Status
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		return status.Message
	}
	var own struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &own) == nil && own.Error != "" {
		return own.Error
	}
	return short(body)
}

func short(body []byte) string {
	text := strings.TrimSpace(string(body))
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	if text == "" {
		return "an empty answer"
	}
	return text
}
