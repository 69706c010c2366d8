package probe

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/rate"
)

// nobody is an address at which nobody listens: no program is ever given that port by
// chance, as it is with one that has just been closed.
const nobody = "127.0.0.1:1"

// server is a real server on loopback.
func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func get(url string) Request { return Request{URL: url, Timeout: 5 * time.Second} }

func runHTTP(t *testing.T, ctx context.Context, job HTTPJob) *HTTPReport {
	t.Helper()
	report, err := Run(ctx, Job{HTTP: &job})
	if err != nil {
		t.Fatal(err)
	}
	r := report.HTTP
	if len(r.Latency) != len(r.Service) || len(r.Latency) != len(r.At) || len(r.Latency) != r.Sent-r.Failed {
		t.Fatalf("%d latencies, %d services and %d due times of %d sent and %d failed", len(r.Latency), len(r.Service), len(r.At), r.Sent, r.Failed)
	}
	return r
}

// every fails each n-th request.
func every(n int64, fail http.HandlerFunc) (http.HandlerFunc, *atomic.Int64) {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1)%n == 0 {
			fail(w, r)
			return
		}
		fmt.Fprintln(w, "ok")
	}, &seen
}

func hangUp(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

// stall answers at once, but holds everything for 2 s from request at on. The server's
// own clock says when that was.
type stall struct {
	at                int64
	seen              atomic.Int64
	started           sync.Once
	first, begin, end time.Time // of the first request, and of the stall
	over              chan struct{}
}

func (s *stall) ServeHTTP(http.ResponseWriter, *http.Request) {
	s.started.Do(func() { s.first = time.Now() })
	switch n := s.seen.Add(1); {
	case n < s.at:
		return
	case n == s.at:
		s.begin = time.Now()
		time.AfterFunc(2*time.Second, func() { s.end = time.Now(); close(s.over) })
	}
	<-s.over
}

func slower(samples []time.Duration, than time.Duration) (n int) {
	for _, s := range samples {
		if s > than {
			n++
		}
	}
	return n
}

// At 100 a second 200 requests are due in a stall of 2 s. Every one of them is late
// by what was left of it, on average a second.
func TestAStallShowsInEveryRequestThatItDelayed(t *testing.T) {
	for _, tc := range []struct {
		name        string
		concurrency int
	}{{"requests in flight", 0}, {"one connection", 1}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			stalled := &stall{at: 50, over: make(chan struct{})}
			s := server(t, stalled.ServeHTTP)
			start := time.Now()
			r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Rate: 100, For: 4 * time.Second, Concurrency: tc.concurrency})
			g.Expect(r.Due).To(Equal(400))
			g.Expect(r.Failed).To(BeZero())
			<-stalled.over
			// The job began between start and the first request, so this holds on the
			// slowest machine: what was due in the stall cannot have less than its rest.
			var over []time.Duration
			for i, due := range r.At {
				if start.Add(due).Before(stalled.begin) || !stalled.first.Add(due).Before(stalled.end) {
					continue
				}
				rest := stalled.end.Sub(stalled.first.Add(due))
				g.Expect(r.Latency[i]).To(BeNumerically(">=", rest), "due at %s", due)
				over = append(over, r.Latency[i]-rest)
			}
			g.Expect(len(over)).To(BeNumerically("~", 200, 30))
			slices.Sort(over)
			g.Expect(over[len(over)/2]).To(BeNumerically("<", 100*time.Millisecond), "not much more than the rest, either")
			if tc.concurrency == 1 {
				// The service times are what a closed loop would have measured, and it
				// would have called the stall one slow request out of hundreds.
				g.Expect(slower(r.Service, 100*time.Millisecond)).To(Equal(1))
				g.Expect(r.WorstLag).To(BeNumerically(">", 1800*time.Millisecond))
			}
			g.Expect(r.Seconds[0].Max).To(BeNumerically(">", 1800*time.Millisecond), "the stall began in the first second")
			g.Expect(r.Seconds[3].P50).To(BeNumerically("<", 100*time.Millisecond), "it was over in the last")
		})
	}
}

func TestFailuresAreCountedByKind(t *testing.T) {
	g := NewWithT(t)
	handler, seen := every(20, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	s := server(t, handler)
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Rate: 400, Count: 400})
	g.Expect(seen.Load()).To(BeEquivalentTo(400))
	g.Expect(r.Failed).To(Equal(20))
	g.Expect(r.Errors).To(Equal(map[string]int64{"status 503": 20}))
	g.Expect(r.Codes).To(Equal(map[string]int64{"200": 380, "503": 20}))
	g.Expect(r.Bytes).To(BeEquivalentTo(380 * 3))
	g.Expect(r.Seconds[0].Due).To(Equal(400))
	g.Expect(r.Seconds[0].Failed).To(Equal(20))
	g.Expect(r.Short).To(BeEmpty())
}

// net/http would send such a request again by itself, and nobody would know.
func TestDroppedConnectionsAreFailuresAndNotSentAgain(t *testing.T) {
	g := NewWithT(t)
	handler, seen := every(20, hangUp)
	s := server(t, handler)
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Rate: 200, Count: 200})
	g.Expect(seen.Load()).To(BeEquivalentTo(200))
	g.Expect(r.Failed).To(Equal(10))
	var kinds int64
	for kind, n := range r.Errors {
		g.Expect(kind).To(Or(Equal("connection closed without an answer"), Equal("connection reset")))
		kinds += n
	}
	g.Expect(kinds).To(BeEquivalentTo(10))
}

// The other way round: a connection that a server closes while it is idle is no
// failure of the next request.
func TestAConnectionClosedWhileIdleIsNoFailure(t *testing.T) {
	g := NewWithT(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.IdleTimeout = 20 * time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Rate: 2, Count: 5})
	g.Expect(r.Sent).To(Equal(5))
	g.Expect(r.Errors).To(BeEmpty())
}

func TestNoServerFailsRequestsAndNotTheDelivery(t *testing.T) {
	g := NewWithT(t)
	r := runHTTP(t, t.Context(), HTTPJob{Request: get("http://" + nobody), Rate: 100, Count: 50})
	g.Expect(r.Sent).To(Equal(50))
	g.Expect(r.Failed).To(Equal(50))
	g.Expect(r.Errors).To(Equal(map[string]int64{"connection refused": 50}))
	g.Expect(r.Codes).To(BeEmpty())
	g.Expect(r.Short).To(BeEmpty())
}

// The time of a request is that of its whole answer.
func TestABodyThatDoesNotEndTimesOut(t *testing.T) {
	g := NewWithT(t)
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	r := runHTTP(t, t.Context(), HTTPJob{Request: Request{URL: s.URL, Timeout: 50 * time.Millisecond}, Rate: 100, Count: 5})
	g.Expect(r.Errors).To(Equal(map[string]int64{"timeout": 5}))
}

func TestChecks(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		if r.URL.Path == "/created" {
			w.WriteHeader(201)
		}
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []int{1, 2, 3}, "method": r.Method, "body": string(body), "ratio": 0.5})
	})
	text := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 3<<20)) })
	for _, tc := range []struct {
		name, url, body string
		checks          []string
		kind            string // of the failure; empty: it passes
	}{
		{"none", s.URL, "", nil, ""},
		{"json", s.URL, "", []string{"response.json.items.size() == 3 && response.json.items[2] == 3", "response.json.ratio == 0.5"}, ""},
		{"a whole number", s.URL, "", []string{"type(response.json.items[0]) == int"}, ""},
		{"headers", s.URL, "", []string{"response.headers['x-two'] == 'a, b' && response.headers['content-type'] == 'application/json'"}, ""},
		{"status", s.URL + "/created", "", []string{"response.status == 201"}, ""},
		{"method and body", s.URL, "hi", []string{"response.json.method == 'POST' && response.json.body == 'hi'"}, ""},
		{"vars and env", s.URL, "", []string{"response.json.items.size() == vars.want && env.WHERE == 'here'"}, ""},
		{"took", s.URL, "", []string{"response.took > duration('0s') && response.took < duration('5s')"}, ""},
		{"the whole response", s.URL, "", []string{"[response].all(r, r.body.contains('items') && r.headers.size() > 1 && r.json.items.size() == 3)"}, ""},
		{"a body is kept up to 1 MiB", text.URL, "", []string{"response.body.size() == 1048576"}, ""},
		{"no answer, as wanted", "http://" + nobody, "", []string{"response.status == 0 && response.error == 'connection refused'"}, ""},
		{"false", s.URL, "", []string{"response.status == 200", "response.json.items.size() == 4"}, `check "response.json.items.size() == 4" does not hold`},
		{"not JSON", text.URL, "", []string{"response.json.items.size() == 4"}, "the body is not JSON"},
		{"no answer", "http://" + nobody, "", []string{"response.status == 200"}, "connection refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewWithT(t)
			request := get(tc.url)
			request.Body = []byte(tc.body)
			r := runHTTP(t, t.Context(), HTTPJob{Request: request, Checks: tc.checks, Count: 2,
				Vars: map[string]any{"want": 3}, Env: map[string]string{"WHERE": "here"}})
			if tc.kind == "" {
				g.Expect(r.Errors).To(BeEmpty())
				return
			}
			g.Expect(r.Failed).To(Equal(2))
			g.Expect(r.Errors).To(HaveLen(1))
			for kind := range r.Errors {
				g.Expect(kind).To(ContainSubstring(tc.kind))
			}
		})
	}
}

func TestWhatIsJSON(t *testing.T) {
	g := NewWithT(t)
	g.Expect(parseJSON(" [1, 2.5]\n")).To(Equal([]any{int64(1), 2.5}))
	for _, text := range []string{"", "x", "{", `{"a": 1}}`, "[1]]", "1 2", `{} x`} {
		g.Expect(parseJSON(text)).To(BeNil(), text)
	}
}

func TestJobsThatCannotBeDone(t *testing.T) {
	for name, tc := range map[string]struct {
		job  Job
		want string
	}{
		"nothing":        {Job{}, "exactly one"},
		"two":            {Job{HTTP: &HTTPJob{}, Throughput: &ThroughputJob{}}, "exactly one"},
		"no url":         {Job{HTTP: &HTTPJob{}}, `the url is ""`},
		"a file":         {Job{HTTP: &HTTPJob{Request: get("file:///etc/passwd")}}, "must be like http://"},
		"a bad check":    {Job{HTTP: &HTTPJob{Request: get("http://a"), Checks: []string{"response.stat == 1"}}}, "the check \"response.stat == 1\" cannot be used"},
		"a password":     {Job{HTTP: &HTTPJob{Request: get("ftp://me:secret@a")}}, "ftp://me:xxxxx@a"},
		"bad CA":         {Job{HTTP: &HTTPJob{Request: Request{URL: "https://a", CA: []byte("x")}}}, "PEM"},
		"only a warm-up": {Job{HTTP: &HTTPJob{Request: get("http://a"), Count: 5, WarmUp: 5}}, "warm-up"},
		"too many":       {Job{HTTP: &HTTPJob{Request: get("http://a"), Rate: 1e6, For: time.Minute}}, "10000000"},
		"far too many":   {Job{HTTP: &HTTPJob{Request: get("http://a"), Rate: 1e5, For: time.Minute}}, "more agents"},
		"no rate":        {Job{HTTP: &HTTPJob{Request: get("http://a"), For: time.Minute}}, "has no rate"},
		"no transaction": {Job{RoundTrips: &RoundTripJob{Transaction: "smoke", Address: "a:1", Rate: 1, For: time.Second}}, "rtt, connect"},
		"no port":        {Job{RoundTrips: &RoundTripJob{Transaction: "rtt", Address: "a", Rate: 1, For: time.Second}}, "HOST:PORT"},
		"no time":        {Job{Throughput: &ThroughputJob{Address: "a:1", For: time.Second}}, "at least 1s more"},
	} {
		_, err := Run(t.Context(), tc.job)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// A load in the background of something else ends when that does: it was delivered,
// and the requests in flight have their answers.
func TestAnOpenEndedJobEndsWhenItIsStopped(t *testing.T) {
	g := NewWithT(t)
	var answered atomic.Int64
	s := server(t, func(http.ResponseWriter, *http.Request) {
		time.Sleep(200 * time.Millisecond)
		answered.Add(1)
	})
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	r := runHTTP(t, ctx, HTTPJob{Request: get(s.URL), Rate: 100})
	g.Expect(r.Due).To(BeNumerically("~", 100, 5))
	g.Expect(r.Sent).To(Equal(r.Due))
	g.Expect(answered.Load()).To(BeEquivalentTo(r.Sent))
	g.Expect(r.Failed).To(BeZero())
	g.Expect(r.Dropped).To(BeZero())
	g.Expect(r.Short).To(BeEmpty())
}

func TestAnOpenEndedJobThatFellBehindHasDrops(t *testing.T) {
	g := NewWithT(t)
	s := server(t, func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) })
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	r := runHTTP(t, ctx, HTTPJob{Request: get(s.URL), Rate: 100, Concurrency: 1})
	g.Expect(r.Dropped).To(BeNumerically(">", 50))
	g.Expect(r.Dropped + r.Sent).To(Equal(r.Due))
	g.Expect(r.Short).To(ContainSubstring("never sent"))
}

// What nobody stopped has not lasted as long as what it was to go beside.
func TestAnOpenEndedJobThatEndsByItselfSaysSo(t *testing.T) {
	g := NewWithT(t)
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	job := HTTPJob{Request: get(s.URL), Rate: 100, Concurrency: 10}
	checks, err := newChecks(job)
	g.Expect(err).NotTo(HaveOccurred())
	sender, err := newSender(job, checks.needs)
	g.Expect(err).NotTo(HaveOccurred())
	defer sender.close()
	h := &httpRun{job: job, schedule: rate.Burst(3), sender: sender, checks: checks, inFlight: t.Context()}
	r := h.run(t.Context(), func(string) {})
	g.Expect(r.Sent).To(Equal(3))
	g.Expect(r.Short).To(ContainSubstring("ended by itself after 3 requests"))
}

func TestAJobThatIsCutShortSaysSo(t *testing.T) {
	g := NewWithT(t)
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	begin := time.Now()
	r := runHTTP(t, ctx, HTTPJob{Request: get(s.URL), Rate: 100, For: time.Minute})
	g.Expect(time.Since(begin)).To(BeNumerically("<", 3*time.Second))
	g.Expect(r.Short).To(ContainSubstring("it was stopped when"))
	g.Expect(r.Errors).To(HaveKey("stopped before the answer"))
}

func TestConnectionsAreReusedUnlessFreshOnesAreAskedFor(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		var opened atomic.Int64
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		request := get(s.URL)
		request.Fresh = fresh
		runHTTP(t, t.Context(), HTTPJob{Request: request, Rate: 100, Count: 100})
		if n := opened.Load(); fresh && n != 100 || !fresh && n > 50 {
			t.Errorf("fresh %v: %d connections for 100 requests", fresh, n)
		}
	}
}

func TestTLS(t *testing.T) {
	g := NewWithT(t)
	var protocol atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol.Store(r.Proto) }))
	s.StartTLS()
	t.Cleanup(s.Close)
	s2 := httptest.NewUnstartedServer(s.Config.Handler)
	s2.EnableHTTP2 = true
	s2.StartTLS()
	t.Cleanup(s2.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})

	errs := func(r Request) map[string]int64 {
		r.Timeout = 5 * time.Second
		return runHTTP(t, t.Context(), HTTPJob{Request: r}).Errors
	}
	g.Expect(errs(Request{URL: s.URL})).To(HaveKey("certificate of an unknown authority"))
	g.Expect(errs(Request{URL: s.URL, CA: ca})).To(BeEmpty())
	g.Expect(protocol.Load()).To(Equal("HTTP/1.1"))
	g.Expect(errs(Request{URL: s2.URL, CA: ca})).To(BeEmpty())
	g.Expect(protocol.Load()).To(Equal("HTTP/2.0"))
	g.Expect(errs(Request{URL: s.URL, CA: ca, ServerName: "example.org"})).To(HaveKey("certificate of another name"))
	g.Expect(errs(Request{URL: s.URL, CA: ca, ServerName: "example.com"})).To(BeEmpty())
	g.Expect(errs(Request{URL: s.URL, Insecure: true})).To(BeEmpty())
	g.Expect(errs(Request{URL: strings.Replace(server(t, s.Config.Handler.ServeHTTP).URL, "http:", "https:", 1)})).To(HaveKey("the server does not speak TLS"))
}

func TestRedirectsAreAnswers(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusFound) })
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL)})
	if r.Errors["status 302"] != 1 {
		t.Errorf("failures are %v, want status 302", r.Errors)
	}
}

func TestTheWarmUpIsLeftOut(t *testing.T) {
	g := NewWithT(t)
	var seen atomic.Int64
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1) <= 10 {
			w.WriteHeader(500)
		}
	})
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Rate: 100, Count: 30, WarmUp: 10,
		Offset: 50 * time.Millisecond, Concurrency: 1}) // one after the other: the server tells them by their order
	g.Expect(seen.Load()).To(BeEquivalentTo(30))
	g.Expect(r.Sent).To(Equal(20))
	g.Expect(r.Failed).To(BeZero())
	g.Expect(r.Codes).To(Equal(map[string]int64{"200": 20}))
	g.Expect(r.At).To(ContainElement(150*time.Millisecond), "the eleventh, and the offset")
	g.Expect(r.Seconds[0].Due).To(Equal(20))
}

func TestTheAnswerIsKeptThroughTheWire(t *testing.T) {
	g := NewWithT(t)
	s := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"count": 3, "ratio": 1.5}`) })
	request := get(s.URL)
	request.Keep = true
	wire, err := json.Marshal(runHTTP(t, t.Context(), HTTPJob{Request: request}))
	g.Expect(err).NotTo(HaveOccurred())
	var r HTTPReport
	g.Expect(json.Unmarshal(wire, &r)).To(Succeed())
	g.Expect(r.Answer.Status).To(BeEquivalentTo(200))
	g.Expect(r.Answer.JSON).To(Equal(map[string]any{"count": int64(3), "ratio": 1.5}))
	g.Expect(r.Answer.Took).To(BeNumerically(">", 0))
}

func TestAReportThatDoesNotFitTogetherIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a sample without its due time": `{"latency": [1, 2], "service": [1, 2], "at": [1], "seconds": [{"due": 2}]}`,
		"a sample without its second":   `{"latency": [1], "service": [1], "at": [1000000000], "seconds": [{"due": 1}]}`,
		"no report":                     `[]`,
	} {
		var r HTTPReport
		if err := json.Unmarshal([]byte(text), &r); err == nil || !strings.Contains(err.Error(), "different versions") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThereAreAtMostTwentyKindsOfFailures(t *testing.T) {
	g := NewWithT(t)
	var seen atomic.Int64
	s := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(400 + seen.Add(1))) })
	r := runHTTP(t, t.Context(), HTTPJob{Request: get(s.URL), Count: 50, Concurrency: 1})
	g.Expect(r.Errors).To(HaveLen(mostKinds))
	g.Expect(r.Errors).To(HaveKeyWithValue(otherKinds, int64(50-mostKinds+1)))
}
