package measure_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/measure"
	"github.com/realspec/realspec/engine/spec"
)

// prometheus answers every query as told; it keeps the last request.
func prometheus(t *testing.T, code int, answer string) (string, *http.Request) {
	t.Helper()
	last := &http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		*last = *r
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, last
}

func success(kind, result string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}}`, kind, result)
}

// asked is a query over ten seconds of 2026.
func asked(url string, step time.Duration) measure.PromQuery {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return measure.PromQuery{URL: url, Query: "sum(up)", From: from, To: from.Add(10 * time.Second), Step: step}
}

func ask(t *testing.T, q measure.PromQuery) (spec.Values, event.Measured, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return measure.Prometheus(ctx, http.DefaultTransport, q)
}

func TestAnInstantQuery(t *testing.T) {
	g := NewWithT(t)
	url, last := prometheus(t, 200, success("vector",
		`[{"metric":{"pod":"b"},"value":[1767225610,"3"]},{"metric":{"pod":"a"},"value":[1767225610,"1.5"]}]`))
	q := asked(url+"/some/path", 0)
	q.Token = "secret"
	v, m, err := ask(t, q)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect([]float64{float64(v.Count), v.Min, v.Max, v.Mean, v.Last}).To(Equal([]float64{2, 1.5, 3, 2.25, 3}))
	g.Expect(m.Unit).To(BeEmpty())
	g.Expect(m.What).To(Equal("sum(up)"))
	g.Expect(m.Series[0].Samples[0].Object).To(Equal(`{pod="a"}`))
	g.Expect(*m.Series[0].Max).To(Equal(3.0))
	g.Expect(last.URL.Path).To(Equal("/some/path/api/v1/query"))
	g.Expect(last.Form.Get("time")).To(Equal("1767225610"))
	g.Expect(last.Form.Get("query")).To(Equal("sum(up)"))
	g.Expect(last.Header.Get("Authorization")).To(Equal("Bearer secret"))
}

func TestAScalar(t *testing.T) {
	g := NewWithT(t)
	url, _ := prometheus(t, 200, success("scalar", `[1767225610,"7"]`))
	v, _, err := ask(t, asked(url, 0))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(v.Last).To(Equal(7.0))
}

func TestARangeQuery(t *testing.T) {
	g := NewWithT(t)
	url, last := prometheus(t, 200, `{"status":"success","warnings":["a store did not answer"],"data":{"resultType":"matrix","result":[
		{"metric":{"pod":"b"},"values":[[1767225600,"1"],[1767225605,"2"],[1767225610,"9"]]},
		{"metric":{"pod":"a"},"values":[[1767225605,"4"],[1767225610,"5"]]}]}}`)
	v, m, err := ask(t, asked(url, 5*time.Second))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect([]float64{float64(v.Count), v.Min, v.P50, v.Max, v.Last}).To(Equal([]float64{5, 1, 4, 9, 9}))
	g.Expect(m.What).To(Equal("sum(up); 1 of 6 points have no value; Prometheus warns: a store did not answer"))
	g.Expect(last.URL.Path).To(Equal("/api/v1/query_range"))
	g.Expect([]string{last.Form.Get("start"), last.Form.Get("end"), last.Form.Get("step")}).
		To(Equal([]string{"1767225600", "1767225610", "5"}))
}

func TestWhatPrometheusCannotSay(t *testing.T) {
	for name, c := range map[string]struct {
		code   int
		answer string
		want   string
	}{
		"no data":                  {200, success("vector", `[]`), "the query gave no data: sum(up)"},
		"no range":                 {200, success("matrix", `[]`), "the query gave no data: sum(up)"},
		"not a number":             {200, success("vector", `[{"metric":{"pod":"a"},"value":[1,"NaN"]}]`), `NaN, which is not a number to judge, for {pod="a"}: sum(up)`},
		"infinite":                 {200, success("scalar", `[1,"+Inf"]`), "+Inf, which is not a number to judge"},
		"a histogram":              {200, success("vector", `[{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[]}]}]`), "gave histograms"},
		"a text":                   {200, success("string", `[1,"a"]`), "an answer that has no numbers"},
		"bad query":                {400, `{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}`, "does not understand the query: parse error: unexpected end"},
		"execution":                {422, `{"status":"error","errorType":"execution","error":"many-to-many matching"}`, "could not evaluate the query: many-to-many matching"},
		"its timeout":              {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, "refuses the query: server error: 503: query timed out"},
		"its refusal of the proxy": {403, `{"kind":"Status","message":"services \"p\" is forbidden"}`, `services "p" is forbidden`},
		"not allowed":              {401, "go away\nnow", "refuses the query: client error: 401: go away"},
		"broken":                   {502, "bad gateway", "refuses the query: server error: 502: bad gateway"},
		"something else":           {200, "<html>Welcome</html>", "is not a Prometheus"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			url, _ := prometheus(t, c.code, c.answer)
			v, _, err := ask(t, asked(url, 0))
			g.Expect(err).To(MatchError(ContainSubstring(c.want)))
			g.Expect(err).NotTo(MatchError(ContainSubstring("v1.")))
			g.Expect(v).To(Equal(spec.Values{}))
		})
	}
}

func TestAPrometheusThatIsNotThere(t *testing.T) {
	g := NewWithT(t)
	const nobody = "http://127.0.0.1:1" // no program is ever given that port by chance
	_, _, err := ask(t, asked(nobody, 0))
	g.Expect(err).To(MatchError(ContainSubstring("the Prometheus at " + nobody + " does not answer: ")))
	for _, url := range []string{"", "prometheus:9090", "/api/v1", ":"} {
		_, _, err := ask(t, asked(url, 0))
		g.Expect(err).To(MatchError(ContainSubstring("is not the URL of a Prometheus")), url)
	}
}

func TestAPrometheusThatDoesNotAnswer(t *testing.T) {
	g := NewWithT(t)
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(over)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, _, err := measure.Prometheus(ctx, http.DefaultTransport, asked(s.URL, 0))
	g.Expect(err).To(MatchError(context.DeadlineExceeded))
	g.Expect(err).To(MatchError(ContainSubstring("had not answered when its time ended")))
}

func TestTheTokenGoesNowhereElse(t *testing.T) {
	g := NewWithT(t)
	var leaked string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = "asked:" + r.Header.Get("Authorization")
		fmt.Fprint(w, success("scalar", `[1,"7"]`))
	}))
	defer elsewhere.Close()
	here := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer here.Close()
	q := asked(here.URL, 0)
	q.Token = "secret"
	_, _, err := ask(t, q)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(leaked).To(Equal("asked:"))
}
