package main

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/probe"
)

const (
	// keptFor is how long the report of a job can be fetched after its end.
	keptFor = 10 * time.Minute
	// longestWait is how long a request may wait for the end of a job: less than
	// what an API server allows to a request that it passes on.
	longestWait = 30 * time.Second
	// mostJob is the size of a job, body and certificates included.
	mostJob = 16 << 20
	// worthGzip is the size from which an answer is compressed.
	worthGzip = 4 << 10
)

// jobs are what the agent was asked to do.
type jobs struct {
	ctx context.Context // ends all of them
	now func() time.Time

	mu  sync.Mutex
	all map[string]*job
}

// job is one of them. Its status is complete once done is closed.
type job struct {
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	status probe.Status
	ended  time.Time
}

func newJobs(ctx context.Context, now func() time.Time) *jobs {
	return &jobs{ctx: ctx, now: now, all: map[string]*job{}}
}

// handler is the control API:
//
//	GET    /healthz          200 when the agent takes jobs
//	POST   /jobs             a probe.Job; 201 {"id": …}
//	GET    /jobs/ID?wait=10s a probe.Status, at once when the job is done, else
//	                         after that time; wait is at most 30s
//	DELETE /jobs/ID          stops it: an open-ended job then has a report
//
// With a token every request but the first must carry it as X-Realspec-Token: the
// API server that passes requests on keeps Authorization to itself.
func (j *jobs) handler(token string) http.Handler {
	guarded := http.NewServeMux()
	guarded.HandleFunc("POST /jobs", j.post)
	guarded.HandleFunc("GET /jobs/{id}", j.get)
	guarded.HandleFunc("DELETE /jobs/{id}", j.delete)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(r.Header.Get("X-Realspec-Token"))) != 1 {
			refuse(w, http.StatusUnauthorized, "the header X-Realspec-Token is missing or wrong")
			return
		}
		guarded.ServeHTTP(w, r)
	})
	return mux
}

func (j *jobs) post(w http.ResponseWriter, r *http.Request) {
	var asked probe.Job
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostJob))
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, "the job cannot be read (realspec and its agent may be of different versions): "+err.Error())
		return
	}
	id := rand.Text()
	j.start(id, asked)
	w.Header().Set("Location", "/jobs/"+id)
	answer(w, r, http.StatusCreated, map[string]string{"id": id})
}

func (j *jobs) start(id string, asked probe.Job) {
	ctx, stop := context.WithCancel(j.ctx)
	one := &job{stop: stop, done: make(chan struct{})}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forget()
	j.all[id] = one
	go one.run(ctx, asked, j.now)
}

// forget is called with the lock, when a job comes: reports are large, and nobody
// fetches one twice.
func (j *jobs) forget() {
	for id, one := range j.all {
		one.mu.Lock()
		if !one.ended.IsZero() && j.now().Sub(one.ended) > keptFor {
			delete(j.all, id)
		}
		one.mu.Unlock()
	}
}

func (o *job) run(ctx context.Context, asked probe.Job, now func() time.Time) {
	defer o.stop()
	report, err := probe.Runner{Progress: o.progress}.Run(ctx, asked)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status.Done, o.ended = true, now()
	if err != nil {
		o.status.Error = err.Error()
	} else {
		o.status.Report = &report
	}
	close(o.done)
}

func (o *job) progress(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.status.Progress = line
}

func (o *job) now() probe.Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.status
}

func (j *jobs) find(w http.ResponseWriter, r *http.Request) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.forget()
	one := j.all[r.PathValue("id")]
	if one == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no job %q: it never was, the agent was started again, or its report was kept for %v and is gone", r.PathValue("id"), keptFor))
	}
	return one
}

func (j *jobs) get(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(cmp.Or(r.URL.Query().Get("wait"), "0s"))
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("wait is %q: it must be a duration such as 10s", r.URL.Query().Get("wait")))
		return
	}
	one := j.find(w, r)
	if one == nil {
		return
	}
	timer := time.NewTimer(min(wait, longestWait))
	defer timer.Stop()
	select {
	case <-one.done:
	case <-timer.C:
	case <-r.Context().Done():
	}
	answer(w, r, http.StatusOK, one.now())
}

func (j *jobs) delete(w http.ResponseWriter, r *http.Request) {
	if one := j.find(w, r); one != nil {
		one.stop()
		answer(w, r, http.StatusAccepted, one.now())
	}
}

// answer writes JSON, compressed when it is worth it.
func answer(w http.ResponseWriter, r *http.Request, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the answer cannot be written: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var to io.Writer = w
	if len(body) >= worthGzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		defer func() { _ = zip.Close() }()
		to = zip
	}
	w.WriteHeader(code)
	_, _ = to.Write(body) // who asked is gone
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why})
}
