// Package cluster is the only room that talks to a cluster: it opens one from a
// kubeconfig, says what it is, applies and reads objects, watches them, and
// removes what a run left behind.
//
// It speaks HTTP to the API server itself, with client-go's transports for TLS
// and credentials. Every request is then counted, every retry is one of its
// own, bounded and counted, and every watch frame is stamped when its bytes
// arrive, which client-go's request and reflector layers do not allow.
package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"
)

// Options say which cluster to open and how patient to be with it.
type Options struct {
	// Kubeconfig is the file of --kubeconfig. Empty: the files of KUBECONFIG,
	// else ~/.kube/config, else the service account of the pod we run in.
	Kubeconfig string
	// Context is the kubeconfig context. Empty: the current one.
	Context string
	// As and AsGroups impersonate, as kubectl's --as and --as-group.
	As       string
	AsGroups []string
	// Env reads the environment. Default: os.Getenv.
	Env func(string) string
	// UserAgent names the program in the server's audit log.
	UserAgent string
	// Timeout of the first contact. Default: 5s.
	Timeout time.Duration
	// RetryBudget is the time that one operation may take with all its retries.
	// Default: 30s.
	RetryBudget time.Duration
	// RequestTimeout of one request; watches have none. Default: 15s.
	RequestTimeout time.Duration
	// DeadAfter is how long a connection may be silently dead before it is given
	// up and its watches are reconnected. Default: 10s.
	DeadAfter time.Duration
	// OnWrite, if there is one, is told of every request that may change the
	// cluster, as it is answered. It is called from many goroutines.
	OnWrite func(Write)
}

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = os.Getenv
	}
	o.UserAgent = cmp.Or(o.UserAgent, "realspec")
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.RetryBudget = cmp.Or(o.RetryBudget, 30*time.Second)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 15*time.Second)
	o.DeadAfter = cmp.Or(o.DeadAfter, 10*time.Second)
	return o
}

// Info says which cluster a client is connected to.
type Info struct {
	Context    string // the kubeconfig context; empty in a cluster
	Server     string // the address of the API server
	Version    string // without the v and what vendors append. Example: 1.37.2
	GitVersion string // as the server says it. Example: v1.33.1-eks-7c5e2d
	Source     string // where the configuration came from, in words
}

// Client talks to one cluster. It is safe for concurrent use.
type Client struct {
	opts Options
	info Info
	base *url.URL
	as   string // the user of Impersonate
	// config is for what client-go does itself, exec, and for kubeconfigs of others.
	config *rest.Config

	// Watches have a connection of their own: frames that share one with a
	// large list wait behind its bytes, and the wait would count as lag.
	requests, watching           *http.Client
	closeRequests, closeWatching func()

	ledger    *ledger
	discovery *discovery
	buffers   sync.Pool // of *[]byte, for watch frames
}

// Open reads the configuration as kubectl does and asks the server for its
// version. What is wrong with the configuration is a *ConfigError, a server that
// does not answer an *UnreachableError; without any configuration, and outside
// a cluster, it is ErrNoConfig.
func Open(ctx context.Context, o Options) (*Client, error) {
	o = o.withDefaults()
	config, info, err := loadConfig(o)
	if err != nil {
		return nil, err
	}
	c, err := newClient(config, info, o)
	if err != nil {
		return nil, err
	}
	if err := c.greet(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func newClient(config *rest.Config, info Info, o Options) (*Client, error) {
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, &ConfigError{Source: info.Source, Message: "the server's address " + quote(config.Host) + " is not a URL"}
	}
	c := &Client{opts: o, info: info, base: base, config: config, ledger: newLedger()}
	c.discovery = &discovery{client: c}
	c.buffers.New = func() any { return new([]byte) }
	if c.requests, c.closeRequests, err = newHTTPClient(config, c.ledger, o.DeadAfter); err != nil {
		return nil, &ConfigError{Source: info.Source, Message: plainTLS(err)}
	}
	if c.watching, c.closeWatching, err = newHTTPClient(config, c.ledger, o.DeadAfter); err != nil {
		return nil, &ConfigError{Source: info.Source, Message: plainTLS(err)}
	}
	return c, nil
}

// greet asks for the version. A refused connection is final here: the cluster
// that a kubeconfig still names is often long gone, and `--cluster auto` wants
// to know at once.
func (c *Client) greet(ctx context.Context) error {
	answer, err := c.send(ctx, call{
		verb: "other", method: http.MethodGet, path: "/version",
		what: "read the server's version", eager: true,
	}, c.opts.Timeout)
	if err != nil {
		return c.unreachable(err)
	}
	var v version.Info
	if err := json.Unmarshal(answer.body, &v); err != nil || v.GitVersion == "" {
		return &UnreachableError{
			Server: c.info.Server, Context: c.info.Context, Source: c.info.Source,
			Why: "something answers there, but it is not a Kubernetes API server",
		}
	}
	c.info.GitVersion = v.GitVersion
	c.info.Version = plainVersion(v.GitVersion)
	return nil
}

// plainVersion drops the v and what vendors append (-eks-…, +k3s1): version
// ranges would otherwise take it for a pre-release.
func plainVersion(git string) string {
	v := strings.TrimPrefix(git, "v")
	if i := strings.IndexAny(v, "-+"); i >= 0 {
		v = v[:i]
	}
	return v
}

// Info says which cluster this is.
func (c *Client) Info() Info { return c.info }

// Account is the cost so far.
func (c *Client) Account() Account { return c.ledger.account() }

// Close closes the connections; nothing can be asked after it. Watches are closed
// before, by their own Close.
func (c *Client) Close() {
	c.closeRequests()
	c.closeWatching()
}
