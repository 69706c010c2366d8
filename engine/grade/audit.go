package grade

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// maxLine is the longest line of an audit log, in bytes. An object has 1.5 MB at
// most, but the answer to the deletion of a collection is all its objects.
const maxLine = 256 << 20

// ReadAudit reads an audit log: one event of audit.k8s.io a line, in JSON, as
// kube-apiserver writes it with --audit-log-format=json. It streams: only what
// it knows of the pods is kept. A last line without its end is left out, because
// the server may be writing it right now. Every other line that is not an event
// is an error, and so is a log whose policy leaves the pods themselves out.
func ReadAudit(r io.Reader) (*Truth, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	lines.Split(withNewline)
	reading := &reader{truth: newTruth()}
	number := 1
	for ; lines.Scan(); number++ {
		line, complete := bytes.CutSuffix(lines.Bytes(), []byte("\n"))
		if !complete && !json.Valid(line) {
			break
		}
		// Decoding is what costs here, and most lines are of other objects.
		if number > 1 && !bytes.Contains(line, []byte(`"pods"`)) {
			continue
		}
		if err := reading.take(line); err != nil {
			return nil, fmt.Errorf("line %d %w", number, err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d is longer than %d MB: this is not an audit log", number, maxLine>>20)
	} else if err != nil {
		return nil, fmt.Errorf("line %d could not be read: %w", number, err)
	}
	if reading.bodies == 0 && reading.bare > 0 {
		return nil, errors.New("the audit log has no bodies of pods: its policy must have the level RequestResponse for pods, pods/status and pods/binding, as that of 'realspec-cluster up --audit'")
	}
	reading.truth.bind()
	return reading.truth, nil
}

// withNewline is bufio.ScanLines that keeps the newline: its absence tells a torn
// line from a complete one.
func withNewline(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// reader collects the truth from lines.
type reader struct {
	truth        *Truth
	bodies, bare int // writes of pods with and without the pod in the answer
}

// auditLine is what is read of an audit event (audit.k8s.io/v1).
type auditLine struct {
	APIVersion string `json:"apiVersion"`
	Stage      string `json:"stage"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	Ref        struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		UID         string `json:"uid"`
	} `json:"objectRef"`
	Status struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Object   json.RawMessage `json:"responseObject"`
	Received time.Time       `json:"requestReceivedTimestamp"`
	Answered time.Time       `json:"stageTimestamp"`
}

// take adds one line to the truth. What it returns continues "line N".
func (r *reader) take(text []byte) error {
	var line auditLine
	var syntax *json.SyntaxError
	err := json.Unmarshal(text, &line)
	switch {
	case errors.As(err, &syntax):
		return errors.New("is not JSON: an audit log has one event a line, as kube-apiserver writes it with --audit-log-format=json")
	case err != nil, !strings.HasPrefix(line.APIVersion, "audit.k8s.io/"):
		return errors.New("is not an event of an audit log, which kube-apiserver writes with the apiVersion audit.k8s.io/v1")
	}
	if !line.wroteAPod() {
		return nil
	}
	at := moment{line.Received, line.Answered}
	if line.Ref.Subresource == "binding" {
		r.bound(line, at)
		return nil
	}
	if len(line.Object) == 0 {
		r.bare++
		return nil
	}
	var seen podBody
	if err := json.Unmarshal(line.Object, &seen); err != nil || seen.Metadata.UID == "" {
		return nil // not a pod: a status, for example
	}
	r.bodies++
	p := r.truth.pod(seen.Metadata.Namespace, seen.Metadata.Name, seen.Metadata.UID)
	if line.created() {
		p.created = at
	}
	for phase, reached := range seen.phases() {
		if reached {
			p.reached[phase] = p.reached[phase].earlier(at)
		}
	}
	return nil
}

// wroteAPod tells whether the event is a write of a pod, its status or its
// binding that succeeded and was meant.
func (l *auditLine) wroteAPod() bool {
	switch {
	case l.Ref.Group != "" || l.Ref.Resource != "pods", l.Stage != "ResponseComplete",
		l.Status.Code < 200 || l.Status.Code > 299:
		return false
	}
	switch l.Ref.Subresource {
	case "", "status", "binding":
	default:
		return false
	}
	switch l.Verb {
	case "create", "update", "patch":
		return !l.dry()
	}
	return false
}

// dry tells whether the request was a dry run, which is answered like a real one.
func (l *auditLine) dry() bool {
	_, query, _ := strings.Cut(l.RequestURI, "?")
	values, _ := url.ParseQuery(query) // what cannot be parsed was no option either
	return values.Has("dryRun")
}

// created tells whether the write made the pod. Server-side apply creates by a
// patch, which only the code tells apart.
func (l *auditLine) created() bool {
	return l.Ref.Subresource == "" && (l.Verb == "create" || l.Status.Code == 201)
}

// bound takes a binding. The log names its pod by the UID that the scheduler put
// into it; one that did not can only be told by its name, at the end.
func (r *reader) bound(l auditLine, at moment) {
	if l.Ref.UID == "" {
		r.truth.orphan = append(r.truth.orphan, binding{l.Ref.Namespace + "/" + l.Ref.Name, at})
		return
	}
	p := r.truth.pod(l.Ref.Namespace, l.Ref.Name, l.Ref.UID)
	p.reached[scheduled] = p.reached[scheduled].earlier(at)
}

// podBody is what is read of a pod.
type podBody struct {
	Metadata struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		UID       string `json:"uid"`
	} `json:"metadata"`
	Spec struct {
		Containers []struct{} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
		Containers []struct {
			State struct {
				Running    *struct{} `json:"running"`
				Terminated *struct {
					Started time.Time `json:"startedAt"`
				} `json:"terminated"`
			} `json:"state"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

// phases tells for each of spec.Phases whether the pod has reached it, by the
// rules of engine/measure.
func (p *podBody) phases() [phases]bool {
	var reached [phases]bool
	for _, c := range p.Status.Conditions {
		is := c.Status == "True"
		switch c.Type {
		case "PodScheduled":
			reached[scheduled] = is
		case "Initialized":
			reached[initialized] = is
		case "Ready":
			reached[ready] = is
		}
	}
	reached[startup] = p.started()
	return reached
}

// started tells whether all containers have started. One that has ended again
// has started too, unless it has no time of its start: the kubelet reports one
// that could not be started as terminated, with the stamp 1970-01-01.
func (p *podBody) started() bool {
	if len(p.Spec.Containers) == 0 || len(p.Status.Containers) < len(p.Spec.Containers) {
		return false
	}
	for _, c := range p.Status.Containers {
		ended := c.State.Terminated
		if c.State.Running == nil && (ended == nil || ended.Started.Unix() <= 0) {
			return false
		}
	}
	return true
}
