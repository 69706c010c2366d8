package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/probe"
)

func fixtureServer(t *testing.T) string {
	s := httptest.NewServer(newFixture("web-1"))
	t.Cleanup(s.Close)
	return s.URL
}

func fetch(t *testing.T, method, url string) (int, string, time.Duration) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Color", "blue")
	begin := time.Now()
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error(), time.Since(begin)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), time.Since(begin)
}

func TestAnswersAreAsAskedFor(t *testing.T) {
	url := fixtureServer(t)
	for _, tc := range []struct {
		method, path string
		code         int
		want         string
		least        time.Duration
	}{
		{"GET", "/", 200, "hello from web-1", 0},
		{"GET", "/nothing", 404, "", 0},
		{"GET", "/status/503", 503, "", 0},
		{"GET", "/status/9", 400, "from 200 to 599", 0},
		{"GET", "/delay/60ms", 200, "after 60ms", 60 * time.Millisecond},
		{"GET", "/delay/long", 400, "such as 100ms", 0},
		{"GET", "/bytes/100000", 200, strings.Repeat("a", 100_000), 0},
		{"GET", "/bytes/-1", 400, "number of bytes", 0},
		{"GET", "/fail?rate=1", 503, "chosen to fail", 0},
		{"GET", "/fail?rate=0", 200, "ok", 0},
		{"GET", "/fail?rate=2", 400, "from 0 to 1", 0},
		{"POST", "/fail?rate=1&drop=1", 0, "EOF", 0},
		{"GET", "/stall?for=60ms", 200, "stalled for 60ms", 60 * time.Millisecond},
		{"GET", "/stall?for=2h", 400, "up to 1m", 0},
		{"PUT", "/echo?a=b", 200, `"method":"PUT"`, 0},
		{"PUT", "/echo?a=b", 200, `"x-color":"blue"`, 0},
		{"PUT", "/echo?a=b", 200, `"body":"hi"`, 0},
		{"PUT", "/echo?a=b", 200, `"query":"a=b"`, 0},
	} {
		code, body, took := fetch(t, tc.method, url+tc.path)
		if code != tc.code || !strings.Contains(body, tc.want) || took < tc.least {
			t.Errorf("%s %s: %d %.80q in %v; want %d %.80q in at least %v", tc.method, tc.path, code, body, took, tc.code, tc.want, tc.least)
		}
	}
}

// The same seed gives the same failures, so that a test can say how many there are.
func TestFailuresAreTheShareAskedFor(t *testing.T) {
	var failed []int
	for range 2 {
		report, err := probe.Run(t.Context(), probe.Job{HTTP: &probe.HTTPJob{
			Request: probe.Request{URL: fixtureServer(t) + "/fail?rate=0.05&seed=1"}, Count: 2000, Concurrency: 8,
		}})
		if err != nil {
			t.Fatal(err)
		}
		failed = append(failed, report.HTTP.Failed)
	}
	// 5 % of 2000 are 100; four standard deviations of sqrt(2000·0.05·0.95) are 39.
	if failed[0] != failed[1] || failed[0] < 61 || failed[0] > 139 {
		t.Errorf("%v of 2000 failed, want the same twice and about 100", failed)
	}
}

func TestAStallHoldsWhatComesMeanwhile(t *testing.T) {
	g := NewWithT(t)
	url := fixtureServer(t)
	var all sync.WaitGroup
	all.Go(func() { fetch(t, "GET", url+"/stall?for=500ms") })
	time.Sleep(200 * time.Millisecond)
	_, _, took := fetch(t, "GET", url+"/")
	g.Expect(took).To(BeNumerically("~", 300*time.Millisecond, 100*time.Millisecond))
	all.Wait()
	_, _, took = fetch(t, "GET", url+"/")
	g.Expect(took).To(BeNumerically("<", 200*time.Millisecond))
}

func TestReportsAreForgotten(t *testing.T) {
	g := NewWithT(t)
	clock := time.Unix(0, 0)
	var mu sync.Mutex
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	j := newJobs(context.Background(), now)
	j.start("one", probe.Job{})
	ask := func() int {
		answer := httptest.NewRecorder()
		j.handler("").ServeHTTP(answer, httptest.NewRequest("GET", "/jobs/one?wait=5s", nil))
		return answer.Code
	}
	g.Expect(ask()).To(Equal(200))
	mu.Lock()
	clock = clock.Add(keptFor + time.Second)
	mu.Unlock()
	g.Expect(ask()).To(Equal(404))
}

func TestLargeAnswersAreCompressed(t *testing.T) {
	for size, want := range map[int]string{10: "", 10_000: "gzip"} {
		recorder, request := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Accept-Encoding", "gzip")
		answer(recorder, request, 200, strings.Repeat("a", size))
		if got := recorder.Header().Get("Content-Encoding"); got != want {
			t.Errorf("%d bytes are encoded as %q, want %q", size, got, want)
		}
	}
}
