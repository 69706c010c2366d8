package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

func bodyFor(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestCreateStamps(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	in := c.Account().BytesIn
	start := time.Now()
	got, err := c.Create(t.Context(), Pods, ns, bodyFor(t, object(t, podManifest, "web", ns).Object))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.Sent).To(BeTemporally(">", start))
	g.Expect(got.Accepted).To(BeTemporally(">", got.Sent))
	g.Expect(got.Sent.String()).To(ContainSubstring("m=+"), "with the monotonic clock")
	size := c.Account().BytesIn - in
	there, err := c.Get(t.Context(), Pods, ns, "web")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.UID).To(Equal(there.GetUID()))
	g.Expect(got.Name).To(Equal("web"))
	g.Expect(got.Version).NotTo(BeEmpty())
	g.Expect(size).To(BeNumerically("<", 2500), "only metadata comes back")
	g.Expect(c.Account().Requests["create"]).To(BeEquivalentTo(2), "the namespace, and one attempt")

	_, err = c.Create(t.Context(), Pods, ns, bodyFor(t, object(t, podManifest, "web", ns).Object))
	g.Expect(isConflict(err)).To(BeTrue())
	named := configMap(ns, "", "1")
	named.SetGenerateName("load-")
	got, err = c.Create(t.Context(), ConfigMaps, ns, bodyFor(t, named.Object))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.Name).To(HavePrefix("load-"))
	got, err = c.Create(t.Context(), ConfigMaps, ns, []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dat":{}}`))
	g.Expect(IsRefused(err)).To(BeTrue(), "strict validation: %v", err)
	g.Expect(err).To(MatchError(ContainSubstring(`unknown field "dat"`)))
	g.Expect(got.Accepted).NotTo(BeZero(), "a refusal is an answer")
	_, err = c.Create(t.Context(), ConfigMaps, "nowhere", bodyFor(t, configMap("nowhere", "a", "1").Object))
	g.Expect(IsNotFound(err)).To(BeTrue())
}

func TestOneAttemptIsOne(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RequestTimeout: 300 * time.Millisecond})
	body := bodyFor(t, configMap("default", "never", "1").Object)
	for _, tt := range []struct {
		name              string
		fault             http.HandlerFunc
		throttled, answer bool
	}{
		{"throttled", says(429, "TooManyRequests", "Retry-After", "1"), true, true},
		{"unavailable", says(503, "ServiceUnavailable"), false, true},
		{"cut", aborts, false, false},
		{"silent", hangs, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			var hits atomic.Int64
			p.breaks(func(w http.ResponseWriter, r *http.Request) bool { hits.Add(1); tt.fault(w, r); return true })
			before := c.Account()
			got, err := c.Create(t.Context(), ConfigMaps, "default", body)
			g.Expect(IsUnavailable(err)).To(BeTrue(), "%v", err)
			g.Expect(strings.Contains(err.Error(), "answered 429")).To(Equal(tt.throttled))
			g.Expect(got.Sent).NotTo(BeZero())
			g.Expect(!got.Accepted.IsZero()).To(Equal(tt.answer))
			called, err := c.Call(t.Context(), "get", ConfigMaps, "default", "a", nil, "", "")
			g.Expect(strings.Contains(err.Error(), "answered 429")).To(Equal(tt.throttled))
			g.Expect(called.Code != 0).To(Equal(tt.answer))
			g.Expect(hits.Load()).To(BeEquivalentTo(2))
			g.Expect(c.Account().Retries).To(Equal(before.Retries))
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := c.Create(ctx, ConfigMaps, "default", body)
	g.Expect(err).To(MatchError(context.Canceled))
	g.Expect(got.Sent).To(BeZero())
}

func TestCall(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	call := func(verb, name string, body []byte, content, selector string) Called {
		t.Helper()
		got, err := c.Call(t.Context(), verb, ConfigMaps, ns, name, body, content, selector)
		g.Expect(err).NotTo(HaveOccurred(), verb)
		g.Expect(got.Accepted).To(BeTemporally(">", got.Sent), verb)
		g.Expect(got.Bytes).To(BeNumerically(">", 50), verb)
		return got
	}
	g.Expect(call("create", "", bodyFor(t, configMap(ns, "a", "1").Object), "", "").Code).To(Equal(201))
	g.Expect(call("get", "a", nil, "", "").Code).To(Equal(200))
	call("patch", "a", []byte(`{"metadata":{"labels":{"x":"y"}}}`), "application/merge-patch+json", "")
	some, none := call("list", "", nil, "", "x=y"), call("list", "", nil, "", "x=z")
	g.Expect(some.Bytes).To(BeNumerically(">", none.Bytes+100))
	call("delete", "a", nil, "", "")
	got, err := c.Call(t.Context(), "get", ConfigMaps, ns, "a", nil, "", "")
	g.Expect(IsNotFound(err)).To(BeTrue())
	g.Expect(got.Code).To(Equal(404))
	for _, verb := range []string{"get", "list", "create", "patch", "delete"} {
		g.Expect(c.Account().Requests[verb]).To(BeNumerically(">=", 1), verb)
	}
	_, err = c.Call(t.Context(), "steal", ConfigMaps, ns, "a", nil, "", "")
	g.Expect(err).To(MatchError(ContainSubstring(`there is no verb "steal"`)))
	_, err = c.Call(t.Context(), "delete", ConfigMaps, ns, "", nil, "", "")
	g.Expect(err).To(MatchError(ContainSubstring("the name of the object is missing")), "or the whole kind would go")
}

// TestNothingLimitsWhatIsInFlight: the server allows 20 streams a connection,
// and 200 requests are in flight at once nevertheless.
func TestNothingLimitsWhatIsInFlight(t *testing.T) {
	g := NewWithT(t)
	const n = 200
	var inFlight, most atomic.Int64
	var conns sync.Map
	all := make(chan struct{})
	var once sync.Once
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns.Store(r.RemoteAddr, true)
		now := inFlight.Add(1)
		defer inFlight.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		if now == n {
			once.Do(func() { close(all) })
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, `{"metadata":{"name":"a","uid":"u","resourceVersion":"1"}}`)
	}))
	server.EnableHTTP2 = true
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 20}
	server.StartTLS()
	t.Cleanup(server.Close)
	c := clientOf(t, server)
	var wait sync.WaitGroup
	var failed atomic.Int64
	for range n {
		wait.Go(func() {
			start := time.Now()
			got, err := c.Create(t.Context(), ConfigMaps, "default", []byte(`{}`))
			if err != nil || got.Sent.Before(start) || !got.Sent.Before(got.Accepted) {
				failed.Add(1)
			}
		})
	}
	wait.Wait()
	open := 0
	conns.Range(func(any, any) bool { open++; return true })
	t.Logf("%d requests at once on %d connections", most.Load(), open)
	g.Expect(failed.Load()).To(BeZero())
	g.Expect(most.Load()).To(BeEquivalentTo(n))
	g.Expect(open).To(BeNumerically(">=", n/20))
}

// clientOf is a client of a server that the test made.
func clientOf(t testing.TB, server *httptest.Server) *Client {
	t.Helper()
	config := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: pemOf(server)}}
	c, err := newClient(config, Info{Server: server.URL}, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRaw(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	p.breaks(times(1, func(r *http.Request) bool { return r.URL.Path == "/metrics" }, says(503, "ServiceUnavailable")))
	body, header, err := c.Raw(t.Context(), "/metrics", nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(ContainSubstring("apiserver_request_total"))
	g.Expect(header.Get("Content-Type")).To(HavePrefix("text/plain"))
	g.Expect(c.Account().Retries["5xx"]).To(BeEquivalentTo(1))
	body, _, err = c.Raw(t.Context(), "/api/v1/namespaces", url.Values{"limit": {"1"}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(ContainSubstring("NamespaceList"))
	_, _, err = c.Raw(t.Context(), "/nothing", nil)
	g.Expect(err).To(MatchError("read /nothing: there is nothing at this address (404)"))

	client := &http.Client{Transport: c.RoundTripper()}
	resp, err := client.Get(c.Server().String() + "/version")
	g.Expect(err).NotTo(HaveOccurred())
	resp.Body.Close()
	g.Expect(resp.StatusCode).To(Equal(200))
	g.Expect(c.Account().Requests["proxy"]).To(BeEquivalentTo(1))
	g.Expect(strings.HasSuffix(c.Server().Path, "/")).To(BeFalse())
	c.Server().Host = "elsewhere"
	g.Expect(c.Server().Host).NotTo(Equal("elsewhere"), "it is a copy")
}

func TestNewest(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	var last string
	for _, name := range []string{"b", "a"} {
		u := configMap(ns, name, "1")
		u.SetLabels(map[string]string{"mine": "yes"})
		got, err := c.Apply(t.Context(), u)
		g.Expect(err).NotTo(HaveOccurred())
		last = got.GetResourceVersion()
	}
	newest, err := c.Newest(t.Context(), ConfigMaps, ns, "mine")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(newest).To(Equal(last))
	none, err := c.Newest(t.Context(), ConfigMaps, ns, "other")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(none).To(BeEmpty())
}
