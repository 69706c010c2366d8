package cluster

import (
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// proxy stands in front of the real API server and can break what passes.
type proxy struct {
	kubeconfig string
	forward    http.Handler

	cut func() // closes every connection of a client

	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request) (handled bool)
	seen  []string // "METHOD path?query" of every request
}

// newProxy starts a proxy that speaks HTTP/2 over TLS, as the API server does.
func newProxy(t testing.TB) *proxy {
	t.Helper()
	config := restConfig(t)
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.broken(w, r) {
			p.forward.ServeHTTP(w, r)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	p.cut = server.CloseClientConnections
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	p.kubeconfig = writeKubeconfig(t, func(c *api.Config) {
		c.Clusters["c"] = &api.Cluster{Server: server.URL, CertificateAuthorityData: ca}
	})
	return p
}

func (p *proxy) broken(w http.ResponseWriter, r *http.Request) bool {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.URL.String())
	fault := p.fault
	p.mu.Unlock()
	return fault != nil && fault(w, r)
}

// breaks sets the fault; nil mends it.
func (p *proxy) breaks(fault func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// times lets a fault happen n times to the requests that are meant.
func times(n int, meant func(*http.Request) bool, fault http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !meant(r) {
			return false
		}
		mu.Lock()
		hit := n > 0
		n--
		mu.Unlock()
		if hit {
			fault(w, r)
		}
		return hit
	}
}

func isWatch(r *http.Request) bool { return r.URL.Query().Get("watch") == "true" }
func isPatch(r *http.Request) bool { return r.Method == http.MethodPatch }

// says answers with a Status.
func says(code int, reason string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"made by the test","reason":%q,"code":%d}`, reason, code)
	}
}

// hangs answers nothing until the client gives up.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// aborts cuts the request off.
func aborts(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// writeKubeconfig writes a file with one context, "test", changed by edit.
func writeKubeconfig(t testing.TB, edit func(*api.Config)) string {
	t.Helper()
	config := api.NewConfig()
	config.Contexts["test"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	config.AuthInfos["u"] = &api.AuthInfo{}
	config.CurrentContext = "test"
	edit(config)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// wire passes bytes between the client and the real API server, TLS untouched,
// and can cut, freeze and refuse connections.
type wire struct {
	kubeconfig string
	target     string
	listener   net.Listener

	mu     sync.Mutex
	moving *sync.Cond
	frozen bool
	closed bool
	conns  map[net.Conn]bool
}

func newWire(t testing.TB) *wire {
	t.Helper()
	target, err := url.Parse(restConfig(t).Host)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{target: target.Host, conns: map[net.Conn]bool{}}
	w.moving = sync.NewCond(&w.mu)
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	go w.accept()
	t.Cleanup(func() {
		w.listener.Close()
		w.mu.Lock()
		w.closed = true
		w.moving.Broadcast()
		w.mu.Unlock()
		w.cut()
	})
	raw, err := os.ReadFile(kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range config.Clusters {
		c.Server = "https://" + w.listener.Addr().String()
	}
	w.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, w.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.target)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		w.conns[in], w.conns[out] = true, true
		w.mu.Unlock()
		go w.pass(in, out)
		go w.pass(out, in)
	}
}

func (w *wire) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		for w.frozen && !w.closed {
			w.moving.Wait()
		}
		w.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut closes all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}

// freeze stops the bytes while every connection stays open; false lets them on.
func (w *wire) freeze(frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = frozen
	w.moving.Broadcast()
}
