package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func TestFaultsThatPassAreRetriedAndCounted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  http.HandlerFunc
		reason string
		atLeast,
		atMost time.Duration
	}{
		{"throttled", says(429, "TooManyRequests"), "429", 0, 2 * time.Second},
		{"throttled with a time", says(429, "TooManyRequests", "Retry-After", "1"), "429", 2 * time.Second, 5 * time.Second},
		{"conflict that passes", says(409, "Conflict"), "409", 0, 2 * time.Second},
		{"internal error", says(500, "InternalError"), "5xx", 0, 2 * time.Second},
		{"bad gateway, no Status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", 502) }, "5xx", 0, 2 * time.Second},
		{"unavailable", says(503, "ServiceUnavailable"), "5xx", 0, 2 * time.Second},
		{"gateway timeout", says(504, "Timeout"), "5xx", 0, 2 * time.Second},
		{"cut off", aborts, "connection", 0, 2 * time.Second},
		{"hanging", hangs, "timeout", 1200 * time.Millisecond, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			p := newProxy(t)
			var opts Options
			if tt.reason == "timeout" { // the others have the usual time: a busy machine is no fault
				opts.RequestTimeout = 600 * time.Millisecond
			}
			opts.Kubeconfig = p.kubeconfig
			c := connect(t, opts)
			kind(t, c, "v1", "ConfigMap")
			p.breaks(times(2, isPatch, tt.fault))
			start := time.Now()
			name := unique("retried")
			got, err := c.Apply(soon(t, 20*time.Second), configMap("default", name, "x"))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(got.GetName()).To(Equal(name))
			g.Expect(c.Account().Retries).To(Equal(map[string]int64{tt.reason: 2}))
			g.Expect(c.Account().Requests["apply"]).To(BeEquivalentTo(3))
			g.Expect(time.Since(start)).To(And(BeNumerically(">=", tt.atLeast), BeNumerically("<", tt.atMost)))
		})
	}
}

func TestRefusedConnectionsAreRetried(t *testing.T) {
	g := NewWithT(t)
	w := newWire(t)
	c := connect(t, Options{Kubeconfig: w.kubeconfig, RetryBudget: 700 * time.Millisecond})
	kind(t, c, "v1", "ConfigMap")
	w.listener.Close()
	w.cut()
	start := time.Now()
	_, err := c.Get(soon(t, 20*time.Second), kind(t, c, "v1", "ConfigMap"), "default", "x")
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(err.Error()).To(MatchRegexp(`^get ConfigMap default/x: https://\S+: (connection refused|the connection was cut) \(\d+ attempts in [0-9.]+m?s\)$`))
	g.Expect(c.Account().Retries["connection"]).To(BeNumerically(">=", 3))
	g.Expect(time.Since(start)).To(BeNumerically("<", 900*time.Millisecond))
}

func TestAHangingServerIsUnavailableWithinTheBudget(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RequestTimeout: 300 * time.Millisecond, RetryBudget: time.Second})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(func(w http.ResponseWriter, r *http.Request) bool { hangs(w, r); return true })
	start := time.Now()
	_, err := c.Get(soon(t, 20*time.Second), r, "default", "x")
	var unavailable *Unavailable
	g.Expect(errors.As(err, &unavailable)).To(BeTrue())
	g.Expect(unavailable.Attempts).To(BeNumerically(">=", 2))
	g.Expect(unavailable.Why).To(HavePrefix("no answer within "))
	g.Expect(time.Since(start)).To(BeNumerically("~", time.Second, 400*time.Millisecond))
	expectPlain(t, err)

	// The caller's deadline ends it sooner.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = c.Get(ctx, r, "default", "x")
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
	g.Expect(err.Error()).To(ContainSubstring("no answer within 1"))
}

func TestARetryAfterBeyondTheBudgetIsNotWaitedFor(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig, RetryBudget: 5 * time.Second})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(times(1, func(*http.Request) bool { return true }, says(429, "TooManyRequests", "Retry-After", "60")))
	start := time.Now()
	_, err := c.Get(soon(t, 20*time.Second), r, "default", "x")
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(err.Error()).To(ContainSubstring("it answered 429: made by the test"))
	g.Expect(time.Since(start)).To(BeNumerically("<", time.Second))
}

func TestRefusalsAreNotRetried(t *testing.T) {
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	r := kind(t, c, "v1", "ConfigMap")
	if _, err := c.Apply(t.Context(), configMap(ns, "mine", "x")); err != nil {
		t.Fatal(err)
	}
	// Another manager takes the field.
	_, err := c.do(t.Context(), call{
		verb: "apply", method: http.MethodPatch, path: path(r, ns, "mine", ""), what: "apply", content: string(types.ApplyPatchType),
		body:  []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mine"},"data":{"value":"theirs"}}`),
		query: map[string][]string{"fieldManager": {"somebody"}, "force": {"true"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	deployment := func(spec string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: " + ns + "}\nspec: " + spec
	}
	for _, tt := range []struct {
		name, manifest string
		code           int
		reason         string
		want, field    string
	}{
		{"conflict of managers", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: " + ns + "}\ndata: {value: again}",
			409, "Conflict", `conflict with "somebody"`, ".data.value"},
		{"unknown field", deployment("{replica: 2, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}"),
			500, "Invalid", `was refused: unknown field "spec.replica"`, "spec.replica"},
		{"two fields that do not fit", deployment("{replicas: {a: b}, selector: [a]}"),
			500, "Invalid", "spec.replicas: expected numeric (int or float), got a mapping; spec.selector: expected map, got a list", "spec.selector"},
		{"a number for a text", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: " + ns + "}\ndata: {a: 1, b: [1, {c: d}]}",
			500, "Invalid", "data.a: expected string, got 1; data.b: expected string, got a list", "data.a"},
		{"a wrong quantity", deployment("{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, resources: {limits: {cpu: abc}}}]}}}"),
			500, "Invalid", "a quantity is written wrong; right are 500m, 2, 8Gi", ""},
		{"a mapping for a number", "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: " + ns + "}\nspec: {ports: [{port: 80, targetPort: {a: b}}]}",
			500, "Invalid", "expected a number, got a mapping", ""},
		{"no base64", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: " + ns + "}\ndata: {a: '???'}",
			500, "Invalid", "a value under data is not base64; plain text belongs under stringData", ""},
		{"another uid", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh, namespace: " + ns + ", uid: abc}", 409, "Conflict", "uid", ""},
		{"forbidden", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: " + ns + "}\nspec: {serviceAccountName: nobody, containers: [{name: c, image: i}]}",
			403, "Forbidden", `serviceaccount "nobody" not found`, ""},
		{"invalid", deployment("{replicas: -1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}"),
			422, "Invalid", "must be greater than or equal to 0", "spec.replicas"},
		{"namespace that is not there", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}", -1, "", `namespaces "nowhere" not found`, ""},
		{"no name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-, namespace: " + ns + "}", 0, "Invalid", "generateName cannot be applied", "metadata.name"},
		{"no namespace", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", 0, "Invalid", "metadata.namespace is missing", "metadata.namespace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			before := c.Account()
			_, err := c.Apply(t.Context(), object(t, tt.manifest))
			g.Expect(err).To(MatchError(ContainSubstring(tt.want)))
			g.Expect(c.Account().Retries).To(Equal(before.Retries))
			g.Expect(c.Account().Requests["apply"] - before.Requests["apply"]).To(BeNumerically("<=", 1))
			expectPlain(t, err)
			if tt.code < 0 {
				g.Expect(IsNotFound(err)).To(BeTrue())
				return
			}
			var refused *Refused
			g.Expect(errors.As(err, &refused)).To(BeTrue())
			if tt.reason != "" {
				g.Expect(refused.Reason).To(Equal(tt.reason))
				g.Expect(refused.Code).To(Equal(tt.code))
			}
			if tt.field != "" {
				var fields []string
				for _, cause := range refused.Causes {
					fields = append(fields, cause.Field)
				}
				g.Expect(fields).To(ContainElement(tt.field))
			}
		})
	}
}

func TestAPatchThatAppendsIsNotSentTwice(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	r := kind(t, c, "v1", "ConfigMap")
	p.breaks(times(1, isPatch, aborts))
	_, err := c.Patch(soon(t, 10*time.Second), r, "default", "x", types.JSONPatchType, []byte(`[{"op":"add","path":"/data/a","value":"b"}]`), "")
	g.Expect(IsUnavailable(err)).To(BeTrue())
	g.Expect(c.Account().Requests["patch"]).To(BeEquivalentTo(1))

	// Refused before it was carried out, it is safe to send again.
	name := unique("json-patch")
	_, err = c.Apply(soon(t, 10*time.Second), configMap("default", name, "x"))
	g.Expect(err).NotTo(HaveOccurred())
	p.breaks(times(1, isPatch, says(429, "TooManyRequests")))
	got, err := c.Patch(soon(t, 10*time.Second), r, "default", name, types.JSONPatchType, []byte(`[{"op":"add","path":"/data/a","value":"b"}]`), "")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.Object["data"]).To(HaveKeyWithValue("a", "b"))
}

// lost lets the request through and keeps the answer back.
func lost(p *proxy, meant func(*http.Request) bool) {
	p.breaks(times(1, meant, func(w http.ResponseWriter, r *http.Request) {
		p.breaks(nil)
		req := r.Clone(context.Background())
		p.forward.ServeHTTP(discard{http.Header{}}, req)
		panic(http.ErrAbortHandler)
	}))
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func TestALostAnswerIsNotTakenForSomebodyElsesDoing(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	ctx := soon(t, 30*time.Second)
	name := unique("lost")
	labels := map[string]string{LabelRun: name}
	lost(p, func(r *http.Request) bool { return r.Method == http.MethodPost })
	got, err := c.CreateNamespace(ctx, name, labels)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.GetLabels()).To(HaveKeyWithValue(LabelRun, name))
	t.Cleanup(func() { deleteLater(t, name) })

	_, err = c.CreateNamespace(ctx, name, labels) // but not twice
	var refused *Refused
	g.Expect(errors.As(err, &refused)).To(BeTrue())
	g.Expect(refused.Reason).To(Equal("AlreadyExists"))

	r := kind(t, c, "v1", "ConfigMap")
	_, err = c.Apply(ctx, configMap(name, "a", "x"))
	g.Expect(err).NotTo(HaveOccurred())
	lost(p, func(r *http.Request) bool { return r.Method == http.MethodDelete })
	g.Expect(c.Delete(ctx, r, name, "a", DeleteOptions{})).To(Succeed())
	g.Expect(IsNotFound(c.Delete(ctx, r, name, "a", DeleteOptions{}))).To(BeTrue())
}

func TestDeleteWithAnotherUID(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	r := kind(t, c, "v1", "ConfigMap")
	name := unique("uid")
	got, err := c.Apply(t.Context(), configMap("default", name, "x"))
	g.Expect(err).NotTo(HaveOccurred())
	err = c.Delete(t.Context(), r, "default", name, DeleteOptions{UID: "another"})
	g.Expect(IsNotFound(err)).To(BeTrue())
	g.Expect(err.Error()).To(ContainSubstring("another object has taken its name"))
	g.Expect(c.Delete(t.Context(), r, "default", name, DeleteOptions{UID: got.GetUID()})).To(Succeed())
}

func TestListReadsPageByPage(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	const n = 1100
	makeConfigMaps(t, c, ns, n)
	before := c.Account().Requests["list"]
	got, err := c.List(t.Context(), kind(t, c, "v1", "ConfigMap"), ns, ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(HaveLen(n))
	g.Expect(c.Account().Requests["list"] - before).To(BeEquivalentTo(3))
	seen := map[string]bool{}
	for _, u := range got {
		g.Expect(u.GetKind()).To(Equal("ConfigMap"))
		g.Expect(u.GetManagedFields()).To(BeEmpty())
		seen[u.GetName()] = true
	}
	g.Expect(seen).To(HaveLen(n))

	few, err := c.List(t.Context(), kind(t, c, "v1", "ConfigMap"), ns, ListOptions{FieldSelector: "metadata.name=cm-7"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(few).To(HaveLen(1))
}

func TestAListThatExpiresBetweenPagesIsReadAnew(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	c := connect(t, Options{Kubeconfig: p.kubeconfig})
	ns := namespaceFor(t, c)
	makeConfigMaps(t, c, ns, 600)
	p.breaks(times(1, func(r *http.Request) bool { return r.URL.Query().Has("continue") }, says(410, "Expired")))
	got, err := c.List(t.Context(), kind(t, c, "v1", "ConfigMap"), ns, ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(HaveLen(600))
}

func makeConfigMaps(t testing.TB, c *Client, ns string, n int) {
	t.Helper()
	errs := make([]error, n)
	forEach(n, func(i int) {
		_, errs[i] = c.Apply(context.Background(), configMap(ns, fmt.Sprintf("cm-%d", i), "x"))
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestGetHasNoManagedFields(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	got, err := c.Get(t.Context(), Namespaces, "", "default")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.GetName()).To(Equal("default"))
	g.Expect(got.GetManagedFields()).To(BeEmpty())
	_, err = c.Get(t.Context(), Namespaces, "", "no/such%name")
	g.Expect(IsNotFound(err)).To(BeTrue())
}

func TestResource(t *testing.T) {
	c := connect(t, Options{})
	for _, tt := range []struct {
		apiVersion, kind, resource string
		namespaced                 bool
		err                        string
	}{
		{"apps/v1", "Deployment", "apps/v1, Resource=deployments", true, ""},
		{"", "Deployment", "apps/v1, Resource=deployments", true, ""},
		{"", "Event", "/v1, Resource=events", true, ""},
		{"events.k8s.io/v1", "Event", "events.k8s.io/v1, Resource=events", true, ""},
		{"", "Node", "/v1, Resource=nodes", false, ""},
		{"", "HorizontalPodAutoscaler", "autoscaling/v2, Resource=horizontalpodautoscalers", true, ""},
		{"", "Deploymnt", "", false, `the cluster has no kind "Deploymnt"; did you mean Deployment?`},
		{"", "deployments", "", false, "did you mean Deployment?"},
		{"", "po", "", false, "did you mean Pod?"},
		{"", "pod", "", false, "did you mean Pod?"},
		{"apps/v1beta1", "Deployment", "", false, `no kind "Deployment" in apps/v1beta1; did you mean apps/v1/Deployment?`},
		{"v1", "Deployment", "", false, "did you mean apps/v1/Deployment?"},
		{"", "Zyxwv", "", false, `the cluster has no kind "Zyxwv"`},
	} {
		t.Run(tt.apiVersion+" "+tt.kind, func(t *testing.T) {
			g := NewWithT(t)
			r, err := c.Resource(tt.apiVersion, tt.kind)
			if tt.err != "" {
				var unknown *UnknownKindError
				g.Expect(errors.As(err, &unknown)).To(BeTrue())
				g.Expect(err).To(MatchError(ContainSubstring(tt.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(r.GVR.String()).To(Equal(tt.resource))
			g.Expect(r.Namespaced).To(Equal(tt.namespaced))
			g.Expect(r.GVK.Kind).To(Equal(tt.kind))
		})
	}
	// Seven unknown kinds within a second: one more look at discovery at most.
	if n := c.Account().Requests["other"]; n > 5 {
		t.Errorf("%d requests for discovery", n)
	}
}

func TestResourceOfOldServers(t *testing.T) {
	g := NewWithT(t)
	p := newProxy(t)
	p.breaks(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.Header.Get("Accept"), "APIGroupDiscoveryList") {
			r.Header.Set("Accept", "application/json") // as servers before 1.27 understand it
		}
		return false
	})
	old, now := connect(t, Options{Kubeconfig: p.kubeconfig}), connect(t, Options{})
	for _, k := range []string{"Pod", "Deployment", "Event", "HorizontalPodAutoscaler", "Namespace"} {
		g.Expect(kind(t, old, "", k)).To(Equal(kind(t, now, "", k)))
	}
	was, err := old.discovery.current(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	is, err := now.discovery.current(t.Context())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(was.versions).To(Equal(is.versions))
	g.Expect(sweepable(was)).To(Equal(sweepable(is)))
}

func TestAmbiguousKind(t *testing.T) {
	g := NewWithT(t)
	all := &catalog{}
	for _, group := range []string{"example.com", "networking.k8s.io"} {
		r := builtIn(group, "ingresses", "Ingress", true)
		all.resources = append(all.resources, served{Resource: r})
	}
	_, err := all.find("", "Ingress")
	g.Expect(err).To(MatchError(`kind "Ingress" is in several API groups: example.com/v1, networking.k8s.io/v1; say which with apiVersion`))
	r, err := all.find("example.com/v1", "Ingress")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.GVK.Group).To(Equal("example.com"))
}
