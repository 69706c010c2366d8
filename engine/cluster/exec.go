package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	clientexec "k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// outputLimit is how much of each output of a command is kept: 1 MiB.
const outputLimit = 1 << 20

// ExecResult is how a command in a container ended.
type ExecResult struct {
	ExitCode int
	// Stdout and Stderr are at most 1 MiB each; what was cut off is told in a last
	// line that begins with "…".
	Stdout, Stderr string
	// Took is from the request to the end of the last output. It holds the setting
	// up of the connection, which is 10 to 100 ms, so it is no measure of a command
	// that takes less.
	Took time.Duration
}

// Exec runs a command in a container and waits for its end; an empty stdin is
// none, an empty container the pod's default. A command that ends with another
// exit code than 0 is no error. Errors:
//
//	*NotFound     the pod is not there
//	*Refused      it may not be run (Code 401 or 403), or cannot be started: no
//	              such container or program, a container that does not run
//	*Unavailable  the connection broke, or there was none
//	the context's its time is over; the result then has the output until then
//
// Nothing is tried again, because a command may have run. One that still runs
// when the context ends is left to the container: there is no way to end it.
func (c *Client) Exec(ctx context.Context, namespace, pod, container string, command []string, stdin string) (ExecResult, error) {
	what := fmt.Sprintf("run %s in Pod/%s", program(command), pod)
	executor, err := c.executor(namespace, pod, container, command, stdin != "")
	if err != nil {
		return ExecResult{}, err
	}
	var stdout, stderr bounded
	streams := remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr}
	if stdin != "" {
		streams.Stdin = strings.NewReader(stdin)
	}
	start := time.Now()
	// The library logs what it returns as an error, and its pings into a connection
	// that it has closed itself, to standard error.
	err = executor.StreamWithContext(klog.NewContext(ctx, klog.Logger{}), streams)
	c.ledger.in.Add(stdout.total() + stderr.total())
	c.ledger.out.Add(int64(len(stdin)))
	result := ExecResult{Stdout: stdout.String(), Stderr: stderr.String(), Took: time.Since(start)}
	var ended clientexec.CodeExitError
	switch {
	case err == nil:
		return result, nil
	case errors.As(err, &ended):
		result.ExitCode = ended.Code
		return result, nil
	case ctx.Err() != nil:
		return result, fmt.Errorf("%s: not ended: %w", what, ctx.Err())
	}
	return result, c.execFault(what, err, time.Since(start))
}

// program is the first word of a command, as people call it.
func program(command []string) string {
	if len(command) == 0 {
		return "a command"
	}
	return command[0]
}

// executor speaks WebSocket, and SPDY with servers that do not: those before
// Kubernetes 1.30, and proxies on the way.
func (c *Client) executor(namespace, pod, container string, command []string, stdin bool) (remotecommand.Executor, error) {
	query := url.Values{"command": command, "stdout": {"true"}, "stderr": {"true"}}
	if stdin {
		query.Set("stdin", "true")
	}
	if container != "" {
		query.Set("container", container)
	}
	address := c.Server()
	address.Path += path(Pods, namespace, pod, "exec")
	address.RawQuery = query.Encode()
	config := rest.CopyConfig(c.config)
	if c.as != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: c.as}
	}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return started{next, c} })
	socket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, address.String())
	if err != nil {
		return nil, &ConfigError{Source: c.info.Source, Message: plainTLS(err)}
	}
	older, err := remotecommand.NewSPDYExecutor(config, http.MethodPost, address)
	if err != nil {
		return nil, &ConfigError{Source: c.info.Source, Message: plainTLS(err)}
	}
	return remotecommand.NewFallbackExecutor(socket, older, func(err error) bool {
		// Also for a 403: until Kubernetes 1.35 WebSockets took the right to get
		// pods/exec, and SPDY the one to create it.
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// execFault is why a command gave no exit code.
func (c *Client) execFault(what string, err error, took time.Duration) error {
	var upgrade *httpstream.UpgradeFailureError
	if errors.As(err, &upgrade) && upgrade.Cause != nil {
		err = upgrade.Cause
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return execAnswer(what, status.ErrStatus)
	}
	message := err.Error()
	for _, words := range []string{"error executing command in container", "error executing remote command", "unable to upgrade connection"} {
		// The kubelet's own words, not the connection's: it could not start it.
		if strings.Contains(message, words) {
			return &Refused{What: what, Reason: "InternalError", Message: plainExec(message)}
		}
	}
	return &Unavailable{What: what, Server: c.info.Server, Attempts: 1, Elapsed: took, Why: plainNet(err), Err: err}
}

// execAnswer is the server's no.
func execAnswer(what string, status metav1.Status) error {
	if status.Code == http.StatusNotFound && status.Details != nil && status.Details.Name != "" {
		return &NotFound{What: what, Message: status.Message}
	}
	return &Refused{What: what, Reason: string(status.Reason), Code: int(status.Code), Message: plainExec(status.Message)}
}

// plainExec keeps what says why of the words of API server, kubelet, container
// runtime and kernel, each of which wraps those of the next.
func plainExec(message string) string {
	message = strings.TrimSpace(message)
	for _, wrap := range []string{"unable to start container process: ", "OCI runtime exec failed: ", "unable to upgrade connection: ", "error executing command in container: "} {
		if i := strings.LastIndex(message, wrap); i >= 0 {
			message = message[i+len(wrap):]
			break
		}
	}
	return strings.TrimPrefix(strings.TrimSuffix(message, ": unknown"), "exec: ")
}

// bounded keeps the beginning of what is written to it, and reads on: a command
// whose output nobody takes would stop. The library goes on writing for a moment
// after it has returned because of its context.
type bounded struct {
	mu   sync.Mutex
	kept []byte
	more int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := min(outputLimit-len(b.kept), len(p))
	b.kept = append(b.kept, p[:room]...)
	b.more += int64(len(p) - room)
	return len(p), nil
}

func (b *bounded) total() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(b.kept)) + b.more
}

// String is what was kept, and a line that says so when it is not all.
func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == 0 {
		return string(b.kept)
	}
	return fmt.Sprintf("%s\n… %d more bytes", b.kept, b.more)
}

// started counts the requests by which client-go starts commands, and tells the
// audit log of them.
type started struct {
	next   http.RoundTripper
	client *Client
}

// RoundTrip implements http.RoundTripper.
func (s started) RoundTrip(r *http.Request) (*http.Response, error) {
	s.client.ledger.request("exec")
	sent := time.Now()
	resp, err := s.next.RoundTrip(r)
	// A WebSocket is asked for by GET, and what runs then can change anything.
	s.client.audit(r.Context(), call{verb: "exec", method: http.MethodPost, path: r.URL.EscapedPath()}, sent, resp, err)
	return resp, err
}
