package cluster

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fault is what went wrong with one attempt.
type fault struct {
	// final is the error to hand out when no further attempt makes sense.
	final error
	// reason is what the account calls a retry; empty means that trying again is
	// pointless although the server has not said no.
	reason string
	why    string        // in plain words
	after  time.Duration // the server's Retry-After
	maybe  bool          // the server may have carried the request out
	lastly error         // to hand out when the budget is used up, instead of Unavailable
	err    error
}

// The reasons of retries, as the account names them.
const (
	retryThrottled  = "429"
	retryConflict   = "409"
	retryServer     = "5xx"
	retryTimeout    = "timeout"
	retryConnection = "connection"
)

// faultOf judges an attempt without an answer.
func faultOf(q call, err error, timeout time.Duration) *fault {
	f := &fault{err: err, why: plainNet(err), reason: retryConnection, maybe: !neverSent(err)}
	switch {
	case isTLS(err):
		f.reason, f.maybe = "", false
	case strings.Contains(err.Error(), "getting credentials: "):
		// The exec plugin failed; it prints its own words to standard error.
		f.reason, f.maybe = "", false
		f.why = "the credential plugin failed: " + afterLast(err.Error(), "getting credentials: ")
	case isTimeout(err):
		f.reason = retryTimeout
		f.why = "no answer within " + timeout.Round(10*time.Millisecond).String()
	case q.eager && errors.Is(err, syscall.ECONNREFUSED):
		f.reason = ""
	}
	return f
}

// neverSent tells whether the request certainly did not reach the server.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// faultIn judges an answer that is not a success.
func faultIn(q call, resp *http.Response, body []byte) *fault {
	status := statusOf(resp, body)
	code := int(status.Code)
	f := &fault{why: answered(code, status.Message), after: retryAfter(resp, status)}
	if f.final = budgetRefusal(q, status, f.after); f.final != nil {
		return f
	}
	switch {
	case code == http.StatusUnauthorized:
		f.why = "it does not accept the credentials (401)"
	case code == http.StatusNotFound:
		f.final = &NotFound{What: q.what, Message: missing(status)}
	case code == http.StatusTooManyRequests:
		f.reason = retryThrottled
	case code == http.StatusConflict && q.conflicts && passes(status):
		f.reason, f.lastly = retryConflict, refusal(q, status)
	case isSchemaError(status):
		f.final = schemaRefusal(q, status)
	case code == 500 || code == 502 || code == 503 || code == 504:
		f.reason, f.maybe = retryServer, true
	case code >= 400 && code < 500:
		f.final = refusal(q, status)
	}
	return f
}

// missing says what is not there: an object by its name, or the kind itself, for
// which the server's words are about an address that nobody typed.
func missing(status metav1.Status) string {
	if status.Details == nil || status.Details.Name == "" {
		return "the cluster does not serve this kind (404)"
	}
	return status.Message
}

// passes tells whether a conflict goes away when the request is sent again.
// Another manager's field does not, nor does a name that is taken.
func passes(status metav1.Status) bool {
	if status.Reason == metav1.StatusReasonAlreadyExists {
		return false
	}
	if status.Details == nil {
		return true
	}
	for _, cause := range status.Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			return false
		}
	}
	return true
}

func refusal(q call, status metav1.Status) error {
	r := &Refused{What: q.what, Reason: string(status.Reason), Code: int(status.Code), Message: plainDecoding(status.Message)}
	if status.Details == nil {
		return r
	}
	for _, cause := range status.Details.Causes {
		r.Causes = append(r.Causes, Cause{Reason: string(cause.Type), Field: cause.Field, Message: cause.Message})
	}
	return r
}

// statusOf reads the server's Status, or makes one of an answer that has none:
// a proxy's page, a plain text.
func statusOf(resp *http.Response, body []byte) metav1.Status {
	var status metav1.Status
	if isProtobuf(resp.Header) {
		// Errors are written in what was asked for too.
		if object, err := openEnvelope(body); err == nil && status.Unmarshal(object) == nil {
			status.Kind = "Status"
		}
	} else if err := json.Unmarshal(body, &status); err != nil {
		status.Kind = ""
	}
	if status.Kind != "Status" {
		status = metav1.Status{Message: shorten(string(body)), Reason: metav1.StatusReason(http.StatusText(resp.StatusCode))}
	}
	status.Code = int32(resp.StatusCode)
	if status.Message == "" {
		status.Message = http.StatusText(resp.StatusCode)
	}
	return status
}

// retryAfter is the time that the server asks to wait.
func retryAfter(resp *http.Response, status metav1.Status) time.Duration {
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		return time.Duration(status.Details.RetryAfterSeconds) * time.Second
	}
	return 0
}

func afterLast(s, sep string) string {
	return s[strings.LastIndex(s, sep)+len(sep):]
}

// unreachable makes the first contact's error one about the cluster.
func (c *Client) unreachable(err error) error {
	var u *Unavailable
	var refused *Refused
	var missing *NotFound
	e := &UnreachableError{Server: c.info.Server, Context: c.info.Context, Source: c.info.Source}
	switch {
	case errors.As(err, &u):
		e.Why = u.Why
	case errors.As(err, &refused):
		e.Why = "it answers, but does not let us read its version: " + refused.Message
	case errors.As(err, &missing):
		e.Why = "something answers there, but it is not a Kubernetes API server"
	default:
		return err
	}
	return e
}
