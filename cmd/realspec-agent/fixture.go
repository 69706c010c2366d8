package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fixture is an HTTP server whose answers are known beforehand, for tests and for
// scenarios that have no application of their own:
//
//	/                  hello, with the pod's name
//	/delay/100ms       after that time
//	/status/503        with that status
//	/bytes/1024        with a body of that size
//	/fail?rate=0.05    503 for that share of requests, chosen by chance; seed=1
//	                   makes it the same every time, drop=1 closes the connection
//	                   instead
//	/stall?for=2s      once: this and all requests that come meanwhile are held for
//	                   that time
//	/echo              method, path, query, headers and body as JSON
type fixture struct {
	name string
	mux  *http.ServeMux

	mu      sync.Mutex
	until   time.Time             // of a stall
	chances map[string]*rand.Rand // by seed
}

func newFixture(name string) *fixture {
	f := &fixture{name: name, mux: http.NewServeMux(), chances: map[string]*rand.Rand{}}
	f.mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "hello from %s\n", f.name) })
	f.mux.HandleFunc("/delay/{for}", f.delay)
	f.mux.HandleFunc("/status/{code}", f.status)
	f.mux.HandleFunc("/bytes/{count}", f.bytes)
	f.mux.HandleFunc("/fail", f.fail)
	f.mux.HandleFunc("/stall", f.stall)
	f.mux.HandleFunc("/echo", f.echo)
	return f
}

// ServeHTTP holds every request while there is a stall.
func (f *fixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	until := f.until
	f.mu.Unlock()
	if wait(r, time.Until(until)) {
		f.mux.ServeHTTP(w, r)
	}
}

// wait is false when the client has gone.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (f *fixture) delay(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.PathValue("for"))
	if err != nil {
		http.Error(w, "the delay must be a duration such as 100ms", http.StatusBadRequest)
		return
	}
	if wait(r, d) {
		fmt.Fprintf(w, "after %v\n", d)
	}
}

func (f *fixture) status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || code < 200 || code > 599 {
		http.Error(w, "the status must be from 200 to 599", http.StatusBadRequest)
		return
	}
	w.WriteHeader(code)
}

func (f *fixture) bytes(w http.ResponseWriter, r *http.Request) {
	count, err := strconv.ParseInt(r.PathValue("count"), 10, 64)
	if err != nil || count < 0 {
		http.Error(w, "the size must be a number of bytes", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(count, 10))
	_, _ = io.Copy(w, io.LimitReader(letters{}, count)) // the client may leave
}

// letters is a text without an end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func (f *fixture) fail(w http.ResponseWriter, r *http.Request) {
	share, err := strconv.ParseFloat(r.URL.Query().Get("rate"), 64)
	if err != nil || !(share >= 0 && share <= 1) { // NaN is neither
		http.Error(w, "the rate must be a share of requests from 0 to 1, such as 0.05", http.StatusBadRequest)
		return
	}
	switch unlucky := f.chance(r.URL.Query().Get("seed")) < share; {
	case unlucky && r.URL.Query().Get("drop") == "1":
		panic(http.ErrAbortHandler) // closes the connection without an answer
	case unlucky:
		http.Error(w, "this request was chosen to fail", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

// chance is the next number from 0 to 1 of those of a seed.
func (f *fixture) chance(seed string) float64 {
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return rand.Float64()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chances[seed] == nil {
		f.chances[seed] = rand.New(rand.NewPCG(n, n))
	}
	return f.chances[seed].Float64()
}

func (f *fixture) stall(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("for"))
	if err != nil || d > time.Minute {
		http.Error(w, "for must be a duration up to 1m, such as 2s", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.until = time.Now().Add(d)
	f.mu.Unlock()
	if wait(r, d) {
		fmt.Fprintf(w, "stalled for %v\n", d)
	}
}

func (f *fixture) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "the body is larger than 16 MiB or broke off", http.StatusBadRequest)
		return
	}
	headers := map[string]string{}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host,
		"headers": headers, "body": string(body), "pod": f.name,
	})
}
