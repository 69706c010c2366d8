package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/e2e-framework/klient/conf"
)

// faultsMain runs a command against the API server behind a proxy, and does
// something to it once a request was answered:
//
//	faults KIND TIME METHOD PATH COMMAND [ARG…]
//
// PATH is how the path of that request ends. The kinds are:
//
//	down    the API server is gone for TIME: connections break, new ones are refused
//	gone    the same, and then watches cannot go on where they were (410)
//	freeze  the command itself stands still for TIME, as in a pause of its machine
//	stall   watches bring nothing for TIME, and everything else works
func faultsMain() {
	log.SetFlags(0)
	f := &faults{kind: os.Args[1], method: os.Args[3], path: os.Args[4], told: map[string]bool{}}
	var err error
	if f.time, err = time.ParseDuration(os.Args[2]); err != nil {
		log.Fatal(err)
	}
	kubeconfig, stop := f.serve()
	f.cmd = exec.Command(os.Args[5], os.Args[6:]...)
	f.cmd.Stdout, f.cmd.Stderr = os.Stdout, os.Stderr
	f.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if err := f.cmd.Start(); err != nil {
		log.Fatal(err)
	}
	err = f.cmd.Wait()
	stop()
	if !f.happened() {
		log.Fatalf("the fault never happened: no %s …%s", f.method, f.path)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		log.Fatal(err)
	}
}

// faults is a proxy before the API server, and what it will do.
type faults struct {
	kind, method, path string
	time               time.Duration
	cmd                *exec.Cmd
	server             *httptest.Server

	mu    sync.Mutex
	since time.Time       // when the fault began
	told  map[string]bool // watches that know that they must list again, by path
}

func (f *faults) serve() (kubeconfig string, stop func()) {
	config, err := conf.New(os.Getenv("KUBECONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		log.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		log.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(os.Stderr, "", 0),
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.pass(w, r, forward)
	}))
	f.server.Config.ErrorLog = log.New(os.Stderr, "", 0)
	f.server.EnableHTTP2 = true
	f.server.StartTLS()
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		log.Fatal(err)
	}
	out := api.NewConfig()
	out.Clusters["faults"] = &api.Cluster{Server: f.server.URL,
		CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw})}
	out.AuthInfos["nobody"] = &api.AuthInfo{}
	out.Contexts["faults"] = &api.Context{Cluster: "faults", AuthInfo: "nobody"}
	out.CurrentContext = "faults"
	kubeconfig = filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*out, kubeconfig); err != nil {
		log.Fatal(err)
	}
	return kubeconfig, func() {
		f.server.CloseClientConnections()
		os.RemoveAll(dir)
	}
}

// pass forwards a request, unless the fault is on.
func (f *faults) pass(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	watch := r.URL.Query().Get("watch") == "true"
	f.mu.Lock()
	on := !f.since.IsZero() && time.Since(f.since) < f.time
	behind := watch && f.kind == "gone" && !f.since.IsZero() && !on && !f.told[r.URL.Path]
	if behind {
		f.told[r.URL.Path] = true
	}
	f.mu.Unlock()
	switch {
	case on && (f.kind == "down" || f.kind == "gone"):
		panic(http.ErrAbortHandler)
	case behind:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusGone)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version","reason":"Expired","code":410}`)
		return
	case watch && f.kind == "stall":
		w = &stalling{ResponseWriter: w, f: f}
	}
	forward.ServeHTTP(w, r)
	if r.Method == f.method && strings.HasSuffix(r.URL.Path, f.path) {
		f.begin()
	}
}

// begin starts the fault, once.
func (f *faults) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.since.IsZero() {
		return
	}
	f.since = time.Now()
	switch f.kind {
	case "down", "gone":
		go f.server.CloseClientConnections()
	case "freeze":
		process := f.cmd.Process
		if err := process.Signal(syscall.SIGSTOP); err != nil {
			log.Print(err)
		}
		time.AfterFunc(f.time, func() { _ = process.Signal(syscall.SIGCONT) })
	}
}

func (f *faults) happened() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.since.IsZero()
}

// stalling holds back what a watch brings while the fault is on.
type stalling struct {
	http.ResponseWriter
	f *faults
}

func (s *stalling) Write(p []byte) (int, error) {
	s.f.mu.Lock()
	var wait time.Duration
	if !s.f.since.IsZero() {
		wait = s.f.time - time.Since(s.f.since)
	}
	s.f.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
	return s.ResponseWriter.Write(p)
}

func (s *stalling) Unwrap() http.ResponseWriter { return s.ResponseWriter }
