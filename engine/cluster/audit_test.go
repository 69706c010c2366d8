package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestTarget(t *testing.T) {
	for path, want := range map[string][3]string{
		"/api/v1/namespaces":                                  {"namespaces"},
		"/api/v1/namespaces/shop":                             {"namespaces", "", "shop"},
		"/api/v1/namespaces/shop/finalize":                    {"namespaces/finalize", "", "shop"},
		"/api/v1/namespaces/shop/pods":                        {"pods", "shop"},
		"/api/v1/namespaces/shop/pods/web-1/eviction":         {"pods/eviction", "shop", "web-1"},
		"/apis/apps/v1/namespaces/shop/deployments/web":       {"deployments.apps", "shop", "web"},
		"/api/v1/nodes/worker-1":                              {"nodes", "", "worker-1"},
		"/apis/rbac.authorization.k8s.io/v1/clusterroles/a:b": {"clusterroles.rbac.authorization.k8s.io", "", "a:b"},
		"/metrics": {"/metrics"},
	} {
		resource, namespace, name := target(path)
		if got := [3]string{resource, namespace, name}; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestEveryWriteIsToldAndNothingElse(t *testing.T) {
	g := NewWithT(t)
	var mu sync.Mutex
	var writes []Write
	c := connect(t, Options{OnWrite: func(w Write) {
		mu.Lock()
		defer mu.Unlock()
		writes = append(writes, w)
	}})
	ctx := Within(context.Background(), "specs/shop", "00-apply")
	ns := unique("audit")
	_, err := c.CreateNamespace(ctx, ns, nil)
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = c.Delete(context.Background(), Namespaces, "", ns, DeleteOptions{}) }()
	secret := object(t, `{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: `+ns+`}, stringData: {word: hush}}`)
	_, err = c.Apply(ctx, secret)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.DryRun(ctx, secret)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.Create(ctx, ConfigMaps, ns, []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"many-"}}`))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.List(ctx, ConfigMaps, ns, ListOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	_, err = c.Impersonate("nobody").Apply(ctx, object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, namespace: `+ns+`}}`))
	var no *Refused
	g.Expect(errors.As(err, &no)).To(BeTrue())
	g.Expect(no.Reason).To(Equal("Forbidden"))
	g.Expect(no.Message).To(ContainSubstring(`User "nobody" cannot patch`))
	g.Expect(c.Evict(ctx, ns, "no-such-pod", nil)).NotTo(Succeed())

	mu.Lock()
	defer mu.Unlock()
	var got []string
	for _, w := range writes {
		g.Expect(w.Scenario + " " + w.Step).To(Equal("specs/shop 00-apply"))
		g.Expect(w.Time).NotTo(BeZero())
		line, err := json.Marshal([]any{w.Verb, w.Resource, w.Namespace, w.Name, w.As, w.Code})
		g.Expect(err).NotTo(HaveOccurred())
		got = append(got, string(line))
	}
	g.Expect(got).To(Equal([]string{
		`["create","namespaces","","` + ns + `","",201]`,
		`["apply","secrets","` + ns + `","token","",201]`,
		`["create","configmaps","` + ns + `","many-*","",201]`,
		`["apply","configmaps","` + ns + `","mine","nobody",403]`,
		`["evict","pods/eviction","` + ns + `","no-such-pod","",404]`,
	}))
}

// What is sent otherwise than by requests of ours is sent as the other user too.
func TestImpersonateEveryWay(t *testing.T) {
	g := NewWithT(t)
	c := connect(t, Options{})
	as := c.Impersonate("nobody")
	ns := namespaceFor(t, c)
	address := as.Server()
	address.Path += "/api/v1/namespaces/" + ns + "/configmaps"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address.String(), http.NoBody)
	g.Expect(err).NotTo(HaveOccurred())
	for client, code := range map[*Client]int{c: http.StatusOK, as: http.StatusForbidden} {
		answer, err := client.RoundTripper().RoundTrip(request)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.Body.Close()).To(Succeed())
		g.Expect(answer.StatusCode).To(Equal(code))
	}
	g.Expect(request.Header).To(BeEmpty(), "a request is its sender's")

	_, err = as.Exec(soon(t, 20*time.Second), ns, "web", "", []string{"true"}, "")
	g.Expect(err).To(MatchError(ContainSubstring(`User "nobody" cannot`)))

	text, err := as.Kubeconfig(ns)
	g.Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(os.WriteFile(file, text, 0o600)).To(Succeed())
	_, err = connect(t, Options{Kubeconfig: file}).List(t.Context(), ConfigMaps, ns, ListOptions{})
	g.Expect(err).To(MatchError(ContainSubstring(`User "nobody" cannot`)))
}

func TestAuditLog(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	log := NewAuditLog(&out)
	log.Add(Write{Verb: "delete", Resource: "pods", Namespace: "shop", Name: "web-1", Code: 200})
	log.Add(Write{Verb: "apply", Resource: "pods", Error: "no answer"})
	g.Expect(log.Err()).NotTo(HaveOccurred())
	g.Expect(out.String()).To(Equal(`{"time":"0001-01-01T00:00:00Z","verb":"delete","resource":"pods","namespace":"shop","name":"web-1","code":200}
{"time":"0001-01-01T00:00:00Z","verb":"apply","resource":"pods","code":0,"error":"no answer"}
`))
	broken := NewAuditLog(full{})
	broken.Add(Write{})
	g.Expect(broken.Err()).To(MatchError("the disk is full"))
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
