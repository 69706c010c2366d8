package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// LogOptions say which lines of a container are read.
type LogOptions struct {
	Container string
	Previous  bool          // of the container before its last restart
	Since     time.Duration // only the last so long, in whole seconds; 0: all
	Tail      int           // the last lines; 0: all
	// LimitBytes is at which byte the answer ends, in the middle of a line if need
	// be; 0: nowhere.
	LimitBytes int64
}

// Logs reads what a container wrote. A container that has not started, or that
// has no previous one, is a *Refused with Code 400; so is a pod of several
// containers when none is named.
func (c *Client) Logs(ctx context.Context, namespace, pod string, o LogOptions) (string, error) {
	query := url.Values{}
	if o.Container != "" {
		query.Set("container", o.Container)
	}
	if o.Previous {
		query.Set("previous", "true")
	}
	if o.Since > 0 {
		// The server takes whole seconds; a line too many is better than one too few.
		query.Set("sinceSeconds", strconv.FormatInt(int64((o.Since+time.Second-1)/time.Second), 10))
	}
	if o.Tail > 0 {
		query.Set("tailLines", strconv.Itoa(o.Tail))
	}
	if o.LimitBytes > 0 {
		query.Set("limitBytes", strconv.FormatInt(o.LimitBytes, 10))
	}
	what := "read the logs of Pod/" + pod
	if o.Container != "" {
		what = fmt.Sprintf("read the logs of container %s of Pod/%s", o.Container, pod)
	}
	a, err := c.do(ctx, call{
		verb: "get", method: http.MethodGet, path: path(Pods, namespace, pod, "log"), query: query,
		accept: "text/plain, */*", what: what,
	})
	return string(a.body), err
}
