package cluster

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// rerun is a tape that reads the same recorded stream again and again.
type rerun struct {
	tape     *Tape
	raw      []byte
	protobuf bool
	frames   frames
	buf      []byte
	calls    int
}

func newRerun(t testing.TB, protobuf bool) *rerun {
	c := &Client{ledger: newLedger()}
	r := &rerun{tape: newTape(c, tapeKey{watchKey{resource: Pods, canaries: true}, true}), raw: recorded(t), protobuf: protobuf}
	if protobuf {
		r.raw = protoRecorded(t)
	}
	r.tape.Record(func(e Recorded) {
		if e.Pod.Status.Phase != "" {
			r.calls++
		}
	})
	r.rewind()
	return r
}

func (r *rerun) rewind() {
	a := &arrivals{r: bytes.NewReader(r.raw)}
	if r.protobuf {
		r.frames = newLengthReader(a)
	} else {
		r.frames = newLineReader(a)
	}
}

// one is all that happens to an event: read, stamp, decode, remember, tell.
func (r *rerun) one(t testing.TB) {
	raw, at, err := r.frames.next(r.buf[:0])
	if err == io.EOF {
		r.rewind()
		raw, at, err = r.frames.next(r.buf[:0])
	}
	if err != nil {
		t.Fatal(err)
	}
	r.buf = raw
	if err := r.tape.take(stamped{&raw, at}, r.protobuf); err != nil {
		t.Fatal(err)
	}
}

// TestATapeIsCheap keeps the cost of an event from growing unnoticed: what is
// left are the texts, maps and lists of the pod itself.
func TestATapeIsCheap(t *testing.T) {
	g := NewWithT(t)
	r := newRerun(t, true)
	events := 0
	allocs := testing.AllocsPerRun(500, func() { r.one(t); events++ })
	g.Expect(r.calls).To(BeNumerically(">", events*8/10), "it did its work")
	g.Expect(allocs).To(BeNumerically("<=", 110))
}

func BenchmarkTapeProtobuf(b *testing.B) { benchmarkTape(b, true) }
func BenchmarkTapeJSON(b *testing.B)     { benchmarkTape(b, false) }

func benchmarkTape(b *testing.B, protobuf bool) {
	r := newRerun(b, protobuf)
	b.ReportAllocs()
	b.SetBytes(int64(len(r.raw) / bytes.Count(recorded(b), []byte("\n"))))
	for b.Loop() {
		r.one(b)
	}
}

// BenchmarkIdentities is the memory that a tape keeps for an object.
func BenchmarkIdentities(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		known := identities{all: map[string]identity{}}
		before := heap()
		for i := range n {
			known.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				UID:       types.UID(fmt.Sprintf("7f3c1a52-0000-4b7c-9d21-%012d", i)),
				Namespace: "realspec-high-load", Name: fmt.Sprintf("high-throughput-service-5d9f6b7c8-%05d", i), ResourceVersion: fmt.Sprint(i),
			}})
		}
		b.ReportMetric(float64(heap()-before)/n, "B/object")
		runtime.KeepAlive(known.all)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
