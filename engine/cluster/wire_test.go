package cluster

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// marshaler is an API type with generated protobuf code.
type marshaler interface{ Marshal() ([]byte, error) }

// enveloped is an object as the API server writes it.
func enveloped(t testing.TB, kind string, object marshaler) []byte {
	t.Helper()
	raw, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	unknown := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: kind}, Raw: raw}
	inner, err := unknown.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(envelope), inner...)
}

// protoFrame is an event as the API server writes it, without its length.
func protoFrame(t testing.TB, eventType, kind string, object marshaler) []byte {
	t.Helper()
	event := metav1.WatchEvent{Type: eventType, Object: runtime.RawExtension{Raw: enveloped(t, kind, object)}}
	raw, err := event.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func withLength(frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
}

// protoRecorded is the recorded stream in protobuf.
func protoRecorded(t testing.TB) []byte {
	t.Helper()
	var out []byte
	for line := range bytes.Lines(recorded(t)) {
		var event struct {
			Type   string
			Object corev1.Pod
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		out = append(out, withLength(protoFrame(t, event.Type, "Pod", &event.Object))...)
	}
	return out
}

// TestProtobufIsReadAsTheGeneratedCodeReadsIt but for the managed fields, with a
// pod that is used again and again.
func TestProtobufIsReadAsTheGeneratedCodeReadsIt(t *testing.T) {
	g := NewWithT(t)
	frames := newLengthReader(&arrivals{r: bytes.NewReader(protoRecorded(t))})
	var pod corev1.Pod
	var buf []byte
	n, managed := 0, 0
	for line := range bytes.Lines(recorded(t)) {
		raw, _, err := frames.next(buf[:0])
		g.Expect(err).NotTo(HaveOccurred())
		buf = raw
		got, err := decodeProtoFrame(raw, &pod)
		g.Expect(err).NotTo(HaveOccurred())
		var want struct {
			Type   string
			Object corev1.Pod
		}
		g.Expect(json.Unmarshal(line, &want)).To(Succeed())
		managed += len(want.Object.ManagedFields)
		want.Object.ManagedFields, want.Object.TypeMeta = nil, metav1.TypeMeta{}
		g.Expect(got.kind).To(Equal(want.Type))
		g.Expect(got.version()).To(Equal(want.Object.ResourceVersion))
		g.Expect(cmp.Diff(asJSON(t, &want.Object), asJSON(t, &pod))).To(BeEmpty())
		clear(buf) // nothing of the pod may be in the buffer
		g.Expect(cmp.Diff(asJSON(t, &want.Object), asJSON(t, &pod))).To(BeEmpty())
		n++
	}
	_, _, err := frames.next(buf[:0])
	g.Expect(err).To(MatchError(io.EOF))
	g.Expect(n).To(BeNumerically(">", 30))
	g.Expect(managed).To(BeNumerically(">", 30), "there was something to leave out")
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestProtobufLists(t *testing.T) {
	g := NewWithT(t)
	list := corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: "more"}}
	for _, name := range []string{"a", "b", "c"} {
		list.Items = append(list.Items, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}},
			Spec:       corev1.PodSpec{NodeName: "n-" + name},
		})
	}
	list.Items[0].Labels = map[string]string{"only": "a"}
	var pod corev1.Pod
	var got []string
	meta, err := eachPod(enveloped(t, "PodList", &list), &pod, func() {
		got = append(got, pod.Name+" "+pod.Spec.NodeName)
		g.Expect(pod.ManagedFields).To(BeEmpty())
		g.Expect(pod.Labels["only"]).To(Equal(map[string]string{"a": "a"}[pod.Name]), "nothing is left of the last one")
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(Equal([]string{"a n-a", "b n-b", "c n-c"}))
	g.Expect(meta.ResourceVersion).To(Equal("7"))
	g.Expect(meta.Continue).To(Equal("more"))
	_, err = eachPod([]byte(`{"items":[]}`), &pod, func() {})
	g.Expect(err).To(MatchError(errNotProtobuf))
}

func TestProtobufErrors(t *testing.T) {
	g := NewWithT(t)
	var pod corev1.Pod
	f, err := decodeProtoFrame(protoFrame(t, "ERROR", "Status", &metav1.Status{Code: 410, Reason: "Expired"}), &pod)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(f.kind).To(Equal("ERROR"))
	g.Expect(f.status.Code).To(BeEquivalentTo(410))

	whole := protoFrame(t, "ADDED", "Pod", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u", ResourceVersion: "1"}})
	_, err = decodeProtoFrame(whole, &pod)
	g.Expect(err).NotTo(HaveOccurred())
	for n := range whole {
		_, err := decodeProtoFrame(whole[:n], &pod)
		g.Expect(err).To(HaveOccurred(), "cut after %d bytes", n)
	}
}

func TestLengthReader(t *testing.T) {
	g := NewWithT(t)
	text := append(withLength([]byte("one")), withLength(bytes.Repeat([]byte("x"), 200_000))...)
	for n, want := range map[int]error{
		len(text): io.EOF, len(text) - 1: io.ErrUnexpectedEOF, 9: io.ErrUnexpectedEOF, 11: io.ErrUnexpectedEOF, 7: io.EOF,
	} {
		frames := newLengthReader(&arrivals{r: bytes.NewReader(text[:n])})
		got, at, err := frames.next(nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(got)).To(Equal("one"))
		g.Expect(at).NotTo(BeZero())
		for err == nil {
			_, _, err = frames.next(nil)
		}
		g.Expect(errors.Is(err, want)).To(BeTrue(), "%d bytes: %v", n, err)
	}
	_, _, err := newLengthReader(&arrivals{r: bytes.NewReader([]byte{0xff, 0, 0, 0})}).next(nil)
	g.Expect(err).To(MatchError(ContainSubstring("no API server sends")))
}

func FuzzDecodeProtoFrame(f *testing.F) {
	f.Add(protoFrame(f, "ADDED", "Pod", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "a", Labels: map[string]string{"a": "b"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
	}}))
	f.Add(protoFrame(f, "ERROR", "Status", &metav1.Status{Code: 410}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ours, theirs corev1.Pod
		got, err := decodeProtoFrame(bytes.Clone(raw), &ours)
		if err != nil || got.pod == nil {
			return
		}
		var event metav1.WatchEvent
		var unknown runtime.Unknown
		if event.Unmarshal(raw) != nil || unknown.Unmarshal(bytes.TrimPrefix(event.Object.Raw, envelope)) != nil ||
			theirs.Unmarshal(unknown.Raw) != nil {
			return // they look at what we skip
		}
		theirs.ManagedFields = nil
		if diff := cmp.Diff(asJSON(t, &theirs), asJSON(t, &ours)); diff != "" {
			t.Fatalf("%x: %s", raw, diff)
		}
	})
}
