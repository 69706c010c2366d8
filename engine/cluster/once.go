package cluster

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// This file sends requests exactly once: a retry would hide the load that is to
// be made, or the latency that is to be measured. Nothing in the client limits
// how many are in flight: when the streams of the HTTP/2 connections are used up
// (the server allows 100 or 250 each) another connection is opened, which shows
// as time between the call and Sent.

// Created is an object that Create made, and when.
type Created struct {
	Name    string
	UID     types.UID
	Version string
	// Sent is when the request began to be written to a connection, Accepted when
	// the answer had arrived, on the monotonic clock. Sent is zero when the
	// request was never written, Accepted when there was no answer.
	Sent, Accepted time.Time
}

// Create creates one object from ready JSON, which may have a generateName. It
// makes exactly one attempt. The errors are those of Apply (IsRefused,
// IsUnavailable, IsNotFound). The stamps are given with an error too.
func (c *Client) Create(ctx context.Context, r Resource, namespace string, body []byte) (Created, error) {
	q := call{
		verb: "create", method: http.MethodPost, path: path(r, namespace, "", ""), body: body,
		query: url.Values{"fieldManager": {FieldManager}, "fieldValidation": {"Strict"}},
		// The answer need not bring back what we have just sent.
		accept: metadataAnswer,
		what:   "create " + r.GVK.Kind + " in namespace " + namespace,
	}
	if namespace == "" {
		q.what = "create " + r.GVK.Kind
	}
	meta, stamps, err := c.writeOnce(ctx, q)
	return Created{
		Name: meta.Name, UID: meta.UID, Version: meta.ResourceVersion,
		Sent: stamps.sent, Accepted: stamps.accepted,
	}, err
}

// metadataAnswer asks for an object without spec and status.
const metadataAnswer = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// Called is what became of a request.
type Called struct {
	// Sent and Accepted are those of Created.
	Sent, Accepted time.Time
	// Bytes of the answer's body, after decompression.
	Bytes int64
	// Code is the HTTP status; 0 when there was no answer.
	Code int
}

// Call sends one request as kubectl would, in exactly one attempt, and throws the
// answer away. The verb is get, list, create, patch or delete; a list is narrowed
// by the label selector and comes in one piece; contentType is the patch's. The
// errors are those of Create.
func (c *Client) Call(ctx context.Context, verb string, r Resource, namespace, name string, body []byte, contentType, selector string) (Called, error) {
	methods := map[string]string{
		"get": http.MethodGet, "list": http.MethodGet, "create": http.MethodPost,
		"patch": http.MethodPatch, "delete": http.MethodDelete,
	}
	q := call{verb: verb, method: methods[verb], body: body, content: contentType, query: url.Values{}}
	q.what = verb + " " + title(r, namespace, name)
	switch verb {
	case "list", "create":
		q.path = path(r, namespace, "", "")
	default:
		q.path = path(r, namespace, name, "")
	}
	switch {
	case q.method == "":
		return Called{}, &Refused{What: q.what, Reason: "Invalid", Message: "there is no verb " + quote(verb) + "; known are get, list, create, patch, delete"}
	case name == "" && verb != "list" && verb != "create":
		return Called{}, &Refused{What: q.what, Reason: "Invalid", Message: "the name of the object is missing"}
	case selector != "" && verb == "list":
		q.query.Set("labelSelector", selector)
	case verb == "create", verb == "patch":
		q.query.Set("fieldManager", FieldManager)
		q.query.Set("fieldValidation", "Strict")
	}
	var size int64
	stamps, err := c.once(ctx, q, func(r io.Reader) (err error) {
		size, err = io.Copy(io.Discard, r)
		return err
	})
	return Called{Sent: stamps.sent, Accepted: stamps.accepted, Bytes: size, Code: stamps.code}, err
}

// writeOnce sends a request once and reads the object's metadata.
func (c *Client) writeOnce(ctx context.Context, q call) (metav1.ObjectMeta, stamps, error) {
	var object struct {
		Metadata struct {
			Name            string    `json:"name"`
			UID             types.UID `json:"uid"`
			ResourceVersion string    `json:"resourceVersion"`
		} `json:"metadata"`
	}
	var body []byte
	s, err := c.once(ctx, q, func(r io.Reader) (err error) {
		body, err = io.ReadAll(r)
		return err
	})
	if err == nil {
		if bad := json.Unmarshal(body, &object); bad != nil {
			err = c.garbled(q.what, bad)
		}
	}
	m := object.Metadata
	return metav1.ObjectMeta{Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion}, s, err
}

// stamps are the moments of one request.
type stamps struct {
	sent, accepted time.Time
	code           int
}

// once sends a request in one attempt; read reads the body of a success.
func (c *Client) once(ctx context.Context, q call, read func(io.Reader) error) (stamps, error) {
	start := time.Now()
	s, f := c.onceStamped(ctx, q, read)
	switch {
	case f == nil:
		return s, nil
	case ctx.Err() != nil:
		return s, c.stopped(ctx, q, f, 1, start)
	case f.final != nil:
		return s, f.final
	}
	return s, c.unavailable(q, f, 1, start)
}

func (c *Client) onceStamped(ctx context.Context, q call, read func(io.Reader) error) (s stamps, f *fault) {
	patience := c.opts.RequestTimeout
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w := &written{}
	resp, err := c.open(httptrace.WithClientTrace(ctx, w.trace()), c.requests, q)
	if err != nil {
		return stamps{sent: w.begun()}, faultOf(q, err, patience)
	}
	defer resp.Body.Close()
	s.code = resp.StatusCode
	if s.code < 200 || s.code > 299 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		f = faultIn(q, resp, text)
	} else if err := read(resp.Body); err != nil {
		return stamps{sent: w.begun(), code: s.code}, faultOf(q, err, patience)
	}
	s.accepted, s.sent = time.Now(), w.begun()
	return s, f
}

// written is when a request began to be written to its connection: when its
// head is encoded, for which the connection is already held. net/http tells that
// the head or the body has been written too, but only afterwards and on another
// goroutine: on a busy machine that was later than the answer, and later than
// the event on a watch, which makes latencies too small.
type written struct {
	mu sync.Mutex
	at time.Time
}

func (w *written) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A connection that could not be used after all is followed by another.
		GotConn:          func(httptrace.GotConnInfo) { w.stamp(true, time.Time{}) },
		WroteHeaderField: func(string, []string) { w.stamp(false, time.Now()) },
	}
}

// stamp keeps the first moment after a connection was chosen.
func (w *written) stamp(anew bool, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if anew || w.at.IsZero() {
		w.at = at
	}
}

// begun is zero when the request was never written.
func (w *written) begun() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}
