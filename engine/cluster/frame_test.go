package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func TestDecodeFrame(t *testing.T) {
	for _, tt := range []struct {
		name, raw, kind, object string
	}{
		{"plain", `{"type":"ADDED","object":{"kind":"A","metadata":{"name":"x"}}}`, "ADDED", `{"kind":"A","metadata":{"name":"x"}}`},
		{"managed fields", `{"type":"MODIFIED","object":{"metadata":{"managedFields":[{"a":"]}\""},[]],"name":"x"},"spec":{}}}`,
			"MODIFIED", `{"metadata":{"name":"x"},"spec":{}}`},
		{"managed fields at the end", `{"type":"ADDED","object":{"metadata":{"name":"x","managedFields":[{}]}}}`,
			"ADDED", `{"metadata":{"name":"x"}}`},
		{"elsewhere they are data", `{"type":"ADDED","object":{"spec":{"metadata":{"managedFields":[1]}},"managedFields":[2]}}`,
			"ADDED", `{"spec":{"metadata":{"managedFields":[1]}},"managedFields":[2]}`},
		{"in a text too", `{"type":"ADDED","object":{"data":{"a":"\"metadata\":{\"managedFields\":[1]}"}}}`,
			"ADDED", `{"data":{"a":"\"metadata\":{\"managedFields\":[1]}"}}`},
		{"other order and spaces", " {\"object\" : {\"a\" : [ 1 , \"]\" ] } , \"type\" : \"DELETED\" }\n", "DELETED", `{"a":[1,"]"]}`},
		{"whole numbers stay whole", `{"type":"ADDED","object":{"n":3,"f":0.5,"big":9007199254740993}}`, "ADDED", `{"n":3,"f":0.5,"big":9007199254740993}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			f, err := decodeFrame([]byte(tt.raw))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(f.kind).To(Equal(tt.kind))
			want := map[string]any{}
			g.Expect(utiljson.Unmarshal([]byte(tt.object), &want)).To(Succeed())
			g.Expect(f.object).To(Equal(want))
		})
	}
}

func TestDecodeFrameError(t *testing.T) {
	g := NewWithT(t)
	f, err := decodeFrame([]byte(`{"type":"ERROR","object":{"kind":"Status","message":"too old","code":410,"reason":"Expired"}}`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(f.status.Code).To(BeEquivalentTo(410))
	for _, bad := range []string{"", "{", "null", `{"type":"ADDED"}`, `{"type":"ADDED","object":3}`, `{"type":"ADDED","object":{"a":}}`,
		`{"type":"ADDED","object":{"metadata":{"managedFields":[}}}`, `{"type" "ADDED"}`, `["a"]`, `{"a":"`, `{"type":"ADDED","object":{}`} {
		_, err := decodeFrame([]byte(bad))
		g.Expect(err).To(HaveOccurred(), bad)
	}
}

// FuzzCutManagedFields: the cut changes nothing but the managed fields, whatever
// JSON it meets, and never invents good JSON out of bad.
func FuzzCutManagedFields(f *testing.F) {
	for _, seed := range []string{
		`{"metadata":{"managedFields":[{"a":1}],"name":"x"}}`, `{"metadata":{"managedFields":null}}`, `{"metadata":[]}`,
		`{"a":"\\\"","metadata":{"managedFields":{"x":[]}}}`, `{"metadata":{"managedFields":[1]},"metadata":{"managedFields":[2]}}`, `{`, `{"a"`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want map[string]any
		wantErr := utiljson.Unmarshal(bytes.Clone(raw), &want)
		var got map[string]any
		gotErr := utiljson.Unmarshal(cutManagedFields(bytes.Clone(raw)), &got)
		if wantErr != nil {
			return // a cut may remove the mistake together with the fields
		}
		if gotErr != nil {
			t.Fatalf("%q was good and became bad: %v", raw, gotErr)
		}
		if diff := cmp.Diff(withoutManaged(want), withoutManaged(got)); diff != "" {
			t.Fatalf("%q changed: %s", raw, diff)
		}
	})
}

func withoutManaged(object map[string]any) map[string]any {
	if metadata, ok := object["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
	}
	return object
}

func TestFrameReader(t *testing.T) {
	g := NewWithT(t)
	long := strings.Repeat("x", 200_000)
	text := "one\n\n" + long + "\ntwo\ncut off"
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "by the byte": iotest.OneByteReader(strings.NewReader(text))} {
		t.Run(name, func(t *testing.T) {
			lines := newLineReader(&arrivals{r: r})
			for _, want := range []string{"one\n", long + "\n", "two\n"} {
				got, at, err := lines.next(nil)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(string(got) == want).To(BeTrue())
				g.Expect(at).NotTo(BeZero())
			}
			_, _, err := lines.next(nil)
			g.Expect(err).To(MatchError(io.EOF), "a frame that was cut off is none")
		})
	}
}

// slowReader gives a piece at a time, each after a pause.
type slowReader struct {
	pieces []string
	pause  time.Duration
}

func (s *slowReader) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.pause)
	n := copy(p, s.pieces[0])
	s.pieces = s.pieces[1:]
	return n, nil
}

func TestAStampIsTheArrivalOfTheLastByte(t *testing.T) {
	g := NewWithT(t)
	lines := newLineReader(&arrivals{r: &slowReader{pieces: []string{"a\nb\nc", "c\n"}, pause: 30 * time.Millisecond}})
	start := time.Now()
	_, a, err := lines.next(nil)
	g.Expect(err).NotTo(HaveOccurred())
	read := time.Now()
	time.Sleep(50 * time.Millisecond) // the decoder is busy
	_, b, err := lines.next(nil)
	g.Expect(err).NotTo(HaveOccurred())
	_, c, err := lines.next(nil)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(b).To(Equal(a), "they came together")
	g.Expect(a).To(And(BeTemporally(">", start), BeTemporally("<=", read)))
	g.Expect(c.Sub(a)).To(BeNumerically(">=", 80*time.Millisecond))
}

// bodyOf is an open watch that brings these bytes.
func bodyOf(r io.Reader, protobuf bool) *streamBody {
	return &streamBody{ReadCloser: io.NopCloser(r), cancel: func(error) {}, protobuf: protobuf, opened: time.Now()}
}

// recorded is a stream as the API server sent it: pods from creation to ready.
func recorded(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "pods.watch"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestRecordedStream(t *testing.T) {
	g := NewWithT(t)
	c := &Client{ledger: newLedger()}
	c.buffers.New = func() any { return new([]byte) }
	f := newFeed(c, watchKey{resource: Pods})
	stories := map[string]string{}
	f.subscribers = []*subscriber{{fn: func(c Change) {
		if c.Object.GetManagedFields() != nil {
			t.Error("managed fields are kept")
		}
		stories[c.Object.GetName()] += string(c.Type[0])
	}}}
	_, err := f.consume(context.Background(), bodyOf(bytes.NewReader(recorded(t)), false))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(stories)).To(BeNumerically(">=", 5))
	for name, story := range stories {
		g.Expect(story).To(MatchRegexp("^am+d$"), name)
	}
	g.Expect(f.Objects()).To(BeEmpty())
}

// BenchmarkFeed is the cost of one event, from the bytes to the subscriber.
func BenchmarkFeed(b *testing.B) {
	raw := recorded(b)
	frames := bytes.Count(raw, []byte("\n"))
	c := &Client{ledger: newLedger()}
	c.buffers.New = func() any { return new([]byte) }
	b.SetBytes(int64(len(raw) / frames))
	b.ReportAllocs()
	var r *replay
	n := 0
	for b.Loop() {
		if n%frames == 0 {
			b.StopTimer()
			f := newFeed(c, watchKey{resource: Pods})
			f.subscribers = []*subscriber{{fn: func(Change) {}}}
			r = &replay{f: f, lines: newLineReader(&arrivals{r: bytes.NewReader(raw)})}
			b.StartTimer()
		}
		n++
		if err := r.one(); err != nil {
			b.Fatal(err)
		}
	}
}

// replay feeds a recorded stream frame by frame.
type replay struct {
	f     *Feed
	lines frames
	buf   []byte
}

func (r *replay) one() error {
	raw, at, err := r.lines.next(r.buf[:0])
	if err != nil {
		return err
	}
	r.buf = raw
	return r.f.take(stamped{&r.buf, at}, false)
}

// TestRecord makes testdata/pods.watch anew: REALSPEC_RECORD=1 go test -run TestRecord.
func TestRecord(t *testing.T) {
	if os.Getenv("REALSPEC_RECORD") == "" {
		t.Skip("records testdata/pods.watch; set REALSPEC_RECORD=1 to do it")
	}
	g := NewWithT(t)
	c := connect(t, Options{})
	ns := namespaceFor(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	q := watchCall(Pods, ns)
	body, err := c.stream(ctx, q)
	g.Expect(err).NotTo(HaveOccurred())
	const n = 8
	for i := range n {
		_, err := c.Apply(t.Context(), object(t, podManifest, fmt.Sprintf("web-%d", i), ns))
		g.Expect(err).NotTo(HaveOccurred())
	}
	time.AfterFunc(3*time.Second, func() {
		for i := range n {
			_ = c.Delete(ctx, Pods, ns, fmt.Sprintf("web-%d", i), DeleteOptions{})
		}
		time.AfterFunc(3*time.Second, cancel)
	})
	raw, err := io.ReadAll(body)
	g.Expect(errors.Is(err, context.Canceled)).To(BeTrue())
	g.Expect(json.Valid(bytes.SplitN(raw, []byte("\n"), 2)[0])).To(BeTrue())
	g.Expect(os.WriteFile(filepath.Join("testdata", "pods.watch"), raw, 0o644)).To(Succeed())
}

const podManifest = `
apiVersion: v1
kind: Pod
metadata:
	name: %s
	namespace: %s
	labels: {app: web, tier: front}
spec:
	containers:
		- name: web
		  image: registry.example/web:1
		  ports: [{containerPort: 8080}]
		  resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
		  readinessProbe: {httpGet: {path: /healthz, port: 8080}}
		- name: sidecar
		  image: registry.example/sidecar:1
`
