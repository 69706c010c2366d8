package measure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/spec"
	"github.com/realspec/realspec/engine/stats"
)

// PromQuery is one question to a Prometheus.
type PromQuery struct {
	// URL is its address, with the path under which its /api/v1 is.
	URL   string
	Query string
	Token string // a bearer token, or empty
	// From and To are the time that is measured. Without a step the query is
	// evaluated at To; Prometheus then answers with values that may be as old as its
	// lookback (5 minutes unless it was told otherwise).
	From, To time.Time
	Step     time.Duration
}

// Prometheus asks, and summarizes what the query gives: at To the value of every
// series, with a step all values of all series between From and To, in the order
// of time. An error, no data, and a value that is not a number are errors, never a
// zero. The transport carries the requests; ctx bounds them.
func Prometheus(ctx context.Context, transport http.RoundTripper, q PromQuery) (spec.Values, event.Measured, error) {
	measured := event.Measured{Kind: "prometheus", What: q.Query}
	base, err := url.Parse(q.URL)
	if err != nil || base.Host == "" {
		return spec.Values{}, measured, fmt.Errorf("%q is not the URL of a Prometheus, as http://prometheus:9090", q.URL)
	}
	client, err := api.NewClient(api.Config{Address: q.URL, RoundTripper: bearer{transport, base.Host, q.Token}})
	if err != nil {
		return spec.Values{}, measured, fmt.Errorf("%q is not the URL of a Prometheus: %w", q.URL, err)
	}
	answer, warnings, err := ask(ctx, promv1.NewAPI(client), q)
	if err != nil {
		return spec.Values{}, measured, inWords(ctx, base, err)
	}
	points, note, err := pointsOf(answer, q)
	if err != nil {
		return spec.Values{}, measured, fmt.Errorf("%w: %s", err, q.Query)
	}
	if note != "" {
		measured.What += "; " + note
	}
	for _, w := range warnings {
		measured.What += "; Prometheus warns: " + w
	}
	values, series := valueSeries(points)
	measured.Series = []event.MeasuredSeries{series}
	return values, measured, nil
}

func ask(ctx context.Context, client promv1.API, q PromQuery) (model.Value, promv1.Warnings, error) {
	var options []promv1.Option
	if deadline, ok := ctx.Deadline(); ok {
		// Whole seconds: Prometheus reads its own durations, which have no fractions.
		options = append(options, promv1.WithTimeout(max(time.Until(deadline).Truncate(time.Second), time.Second)))
	}
	if q.Step <= 0 {
		return client.Query(ctx, q.Query, q.To, options...)
	}
	return client.QueryRange(ctx, q.Query, promv1.Range{Start: q.From, End: q.To, Step: q.Step}, options...)
}

// bearer adds the token, for its host only: a redirect must not carry it away.
type bearer struct {
	next        http.RoundTripper
	host, token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" && r.URL.Host == b.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// inWords says what an error of the client means.
func inWords(ctx context.Context, base *url.URL, err error) error {
	where := base.Redacted()
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("the Prometheus at %s had not answered when its time ended: %w", where, cause)
	}
	var its *promv1.Error
	if !errors.As(err, &its) {
		var broken *url.Error
		if errors.As(err, &broken) { // whose text repeats the URL
			return fmt.Errorf("the Prometheus at %s does not answer: %w", where, broken.Err)
		}
		return fmt.Errorf("the Prometheus at %s gave an answer that has no numbers: %w", where, err)
	}
	switch its.Type {
	case promv1.ErrBadData:
		return fmt.Errorf("the Prometheus at %s does not understand the query: %s", where, its.Msg)
	case promv1.ErrTimeout, promv1.ErrCanceled:
		return fmt.Errorf("the Prometheus at %s gave up on the query: %s", where, its.Msg)
	case promv1.ErrBadResponse:
		return fmt.Errorf("what answers at %s is not a Prometheus (its API is expected under /api/v1): %s", where, its.Msg)
	case promv1.ErrClient, promv1.ErrServer:
		return fmt.Errorf("the Prometheus at %s refuses the query: %s: %s", where, its.Msg, reason(its.Detail))
	}
	return fmt.Errorf("the Prometheus at %s could not evaluate the query: %s", where, its.Msg)
}

// reason is what the body of a refusal says: Prometheus' own error, which it sends
// with 503 too, a Status of the API server when it is asked through that, or text.
func reason(body string) string {
	var said struct{ Error, Message string }
	if json.Unmarshal([]byte(body), &said) == nil && said.Error+said.Message != "" {
		return cmp.Or(said.Error, said.Message)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	return line
}

// point is one value of one series at one time.
type point struct {
	series string
	at     model.Time
	value  float64
}

// pointsOf are the values of an answer, in the order of time and then of their
// series, and what is to be noted of them.
func pointsOf(answer model.Value, q PromQuery) (points []point, note string, err error) {
	switch v := answer.(type) {
	case *model.Scalar:
		points = append(points, point{"", v.Timestamp, float64(v.Value)})
	case model.Vector:
		for _, s := range v {
			if s.Histogram != nil {
				return nil, "", errHistogram
			}
			points = append(points, point{s.Metric.String(), s.Timestamp, float64(s.Value)})
		}
	case model.Matrix:
		for _, s := range v {
			if len(s.Histograms) > 0 {
				return nil, "", errHistogram
			}
			for _, p := range s.Values {
				points = append(points, point{s.Metric.String(), p.Timestamp, float64(p.Value)})
			}
		}
		note = gaps(q, len(v), len(points))
	}
	if len(points) == 0 {
		return nil, "", errors.New("the query gave no data")
	}
	for _, p := range points {
		if math.IsNaN(p.value) || math.IsInf(p.value, 0) {
			return nil, "", fmt.Errorf("the query gave %v, which is not a number to judge, for %s", p.value, p.name())
		}
	}
	slices.SortStableFunc(points, func(a, b point) int {
		if a.at != b.at {
			return int(a.at.Sub(b.at))
		}
		return strings.Compare(a.series, b.series)
	})
	return points, note, nil
}

// gaps notes the points of a range at which a series had no value.
func gaps(q PromQuery, series, points int) string {
	if q.Step <= 0 {
		return "" // the query itself asked for a range
	}
	if want := series * (1 + int(q.To.Sub(q.From)/q.Step)); points < want {
		return fmt.Sprintf("%d of %d points have no value", want-points, want)
	}
	return ""
}

var errHistogram = errors.New("the query gave histograms, and a number is needed, as of histogram_quantile")

func (p point) name() string {
	if p.series == "" {
		return "its scalar"
	}
	return p.series
}

// valueSeries is the summary, for thresholds and for reports.
func valueSeries(points []point) (spec.Values, event.MeasuredSeries) {
	numbers := make([]float64, len(points))
	for i, p := range points {
		numbers[i] = p.value
	}
	v := stats.SummarizeValues(numbers)
	m := shownValues("", "", v)
	if len(points) <= maxListed {
		for i, p := range points {
			m.Samples = append(m.Samples, event.Sample{Object: p.series, Value: &numbers[i]})
		}
	}
	return v, m
}
