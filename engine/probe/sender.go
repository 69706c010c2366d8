package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/spec"
)

const (
	defaultRequestTimeout = 10 * time.Second
	// mostBody is how much of a body is kept for checks, as the language promises.
	mostBody = 1 << 20
)

// sender sends the same request again and again, each exactly once and straight to
// the server: without a proxy, without following redirects.
type sender struct {
	transport *http.Transport
	url       *url.URL
	request   Request
	header    http.Header
	host      string
	needs     needs // of the answer
}

// answer is what came of a request.
type answer struct {
	response spec.Response
	err      error // why there is no answer
	// sent is when it took a connection that was there, or began to make one;
	// written when it began to be written, zero when it never was.
	sent, written, ended time.Time
	bytes                int64 // of the body
}

func newSender(job HTTPJob, n needs) (*sender, error) {
	r := job.Request
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		shown := r.URL
		if err == nil {
			shown = u.Redacted()
		}
		return nil, fmt.Errorf("the url is %q: it must be like http://web:80/healthz or https://example.com/", shown)
	}
	verify, err := r.tls()
	if err != nil {
		return nil, err
	}
	if r.Method == "" {
		r.Method = http.MethodGet
		if len(r.Body) > 0 {
			r.Method = http.MethodPost
		}
	}
	s := &sender{url: u, request: r, header: http.Header{"User-Agent": {"realspec"}}, needs: n}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "host") {
			s.host = value
			continue
		}
		s.header.Set(name, value)
	}
	if password, ok := u.User.Password(); ok && s.header.Get("Authorization") == "" {
		s.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	s.transport = &http.Transport{
		DialContext:         dialWire(r.Timeout),
		TLSClientConfig:     verify,
		TLSHandshakeTimeout: r.Timeout,
		// HTTP/2 only where TLS negotiates it.
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: job.Concurrency,
		DisableKeepAlives:   r.Fresh,
		DisableCompression:  true, // what is counted is what the server sent
		IdleConnTimeout:     90 * time.Second,
	}
	return s, nil
}

func (r Request) tls() (*tls.Config, error) {
	c := &tls.Config{ServerName: r.ServerName, InsecureSkipVerify: r.Insecure}
	if len(r.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(r.CA) {
			return nil, errors.New("the ca has no certificate: it must be PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
	}
	return c, nil
}

func (s *sender) close() { s.transport.CloseIdleConnections() }

// send sends the request and reads its answer to the end.
func (s *sender) send(job context.Context) (a answer) {
	ctx, cancel := context.WithTimeout(job, s.request.Timeout)
	defer cancel()
	t := &trace{cancel: cancel}
	defer t.detach()
	began := time.Now()
	resp, err := s.transport.RoundTrip(s.build(httptrace.WithClientTrace(ctx, t.hooks())))
	if err == nil {
		err = s.read(resp, &a)
	}
	a.ended = time.Now()
	a.sent, a.written = t.stamps(began)
	switch dropped := t.droppedBy(); {
	case dropped != nil:
		err = dropped
	case err != nil && job.Err() != nil:
		err = errStopped
	}
	if err != nil {
		a.err = failureOf(err)
		a.response = spec.Response{Headers: map[string]string{}, Error: a.err.Error()}
	}
	return a
}

func (s *sender) build(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: s.request.Method, URL: s.url, Header: s.header, Host: s.host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(s.request.Body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(s.request.Body))
		r.ContentLength = int64(len(s.request.Body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.request.Body)), nil }
	}
	return r.WithContext(ctx)
}

// read reads the whole body, and keeps of the answer what is needed.
func (s *sender) read(resp *http.Response, a *answer) error {
	defer resp.Body.Close()
	a.response.Status = int64(resp.StatusCode)
	if s.needs.headers {
		a.response.Headers = flat(resp.Header)
	}
	if s.needs.body {
		var kept bytes.Buffer
		n, err := io.Copy(&kept, io.LimitReader(resp.Body, mostBody))
		a.bytes += n
		if err != nil {
			return err
		}
		a.response.Body = kept.String()
	}
	n, err := io.Copy(io.Discard, resp.Body)
	a.bytes += n
	if s.needs.json {
		a.response.JSON = parseJSON(a.response.Body)
	}
	return err
}

// flat are headers by their names in lower case, several values joined.
func flat(h http.Header) map[string]string {
	all := make(map[string]string, len(h))
	for name, values := range h {
		all[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return all
}
