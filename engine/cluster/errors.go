package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ErrNoConfig means that there is no kubeconfig at all and that we are not in a
// cluster either.
var ErrNoConfig = errors.New("there is no kubeconfig (looked at KUBECONFIG and ~/.kube/config), and this is not a pod")

// ConfigError is a mistake in the configuration: the user's to mend.
type ConfigError struct {
	Source  string // where the configuration came from
	Message string // what is wrong
	Help    string // what would be right, may have several lines; may be empty
}

// Error is what is wrong and, on lines of its own, what would be right.
func (e *ConfigError) Error() string {
	if e.Help == "" {
		return e.Message
	}
	return e.Message + "\n" + e.Help
}

// UnreachableError means that the configuration is fine and the server does not
// answer, or not to us.
type UnreachableError struct {
	Server  string // its address
	Context string // the kubeconfig context
	Source  string // where the configuration came from
	Why     string // in plain words
}

// Error names the server and the reason.
func (e *UnreachableError) Error() string {
	if e.Context == "" {
		return fmt.Sprintf("the cluster at %s cannot be used: %s", e.Server, e.Why)
	}
	return fmt.Sprintf("the cluster of context %s at %s cannot be used: %s", quote(e.Context), e.Server, e.Why)
}

// Refused means that the server answered no: what was sent is invalid, not
// allowed, over quota, or in conflict with another writer.
type Refused struct {
	What    string  // the operation. Example: apply ConfigMap shop/web
	Reason  string  // Kubernetes' word. Example: Invalid
	Code    int     // the HTTP status; 0 when realspec itself refused to send it
	Message string  // the server's
	Causes  []Cause // field by field, where the server says so
}

// Cause is one field that the server objects to.
type Cause struct {
	Reason  string // Example: FieldValueInvalid
	Field   string // Example: spec.replicas
	Message string
}

// Error is the operation and what the server said.
func (e *Refused) Error() string { return e.What + " was refused: " + e.Message }

// NotFound means that the object, or the kind, is not on the server.
type NotFound struct {
	What    string
	Message string
}

// Error is the operation and what is missing.
func (e *NotFound) Error() string { return e.What + ": " + e.Message }

// Unavailable means that we could not tell: the server gave no answer, or no
// usable one, within the time that the operation had.
type Unavailable struct {
	What     string
	Server   string
	Attempts int
	Elapsed  time.Duration
	Why      string // of the last attempt, in plain words
	Err      error  // the last attempt's error or the context's; may be nil

	after time.Duration // the server asks to wait that long
}

// Error is the operation, the last reason, and what was tried.
func (e *Unavailable) Error() string {
	tries := ""
	if e.Attempts > 1 {
		tries = fmt.Sprintf(" (%d attempts in %s)", e.Attempts, e.Elapsed.Round(10*time.Millisecond))
	}
	return fmt.Sprintf("%s: %s: %s%s", e.What, e.Server, e.Why, tries)
}

// Unwrap is the error of the last attempt.
func (e *Unavailable) Unwrap() error { return e.Err }

// UnknownKindError means that the cluster does not serve a kind.
type UnknownKindError struct {
	APIVersion, Kind string
	Nearest          []string // what was perhaps meant, as KIND or apiVersion/KIND
	Silent           []string // API groups that do not answer now; the kind may be one of theirs
}

// Error names the kind and what was perhaps meant.
func (e *UnknownKindError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the cluster has no kind %s", quote(e.Kind))
	if e.APIVersion != "" {
		fmt.Fprintf(&b, " in %s", e.APIVersion)
	}
	if len(e.Nearest) > 0 {
		fmt.Fprintf(&b, "; did you mean %s?", strings.Join(e.Nearest, " or "))
	}
	if len(e.Silent) > 0 {
		fmt.Fprintf(&b, " (not answering now: %s)", strings.Join(e.Silent, ", "))
	}
	return b.String()
}

// AmbiguousKindError means that several API groups have the kind.
type AmbiguousKindError struct {
	Kind        string
	APIVersions []string
}

// Error lists the groups.
func (e *AmbiguousKindError) Error() string {
	return fmt.Sprintf("kind %s is in several API groups: %s; say which with apiVersion", quote(e.Kind), strings.Join(e.APIVersions, ", "))
}

// IsUnavailable tells whether err means that the server could not be asked.
func IsUnavailable(err error) bool {
	var unavailable *Unavailable
	var unreachable *UnreachableError
	return errors.As(err, &unavailable) || errors.As(err, &unreachable)
}

// IsRefused tells whether err is the server's no.
func IsRefused(err error) bool {
	var refused *Refused
	return errors.As(err, &refused)
}

// IsNotFound tells whether err means that the object or kind is not there.
func IsNotFound(err error) bool {
	var missing *NotFound
	return errors.As(err, &missing)
}

// isConflict tells a refusal because of another writer.
func isConflict(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Code == http.StatusConflict
}

// isExpired tells that the server has forgotten the moment that was asked for.
func isExpired(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Code == http.StatusGone
}

// quote puts a name that people typed into quotes.
func quote(s string) string { return fmt.Sprintf("%q", s) }
