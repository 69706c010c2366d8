package cluster

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// torrent is a server of pods that sends events at an absolute rate: event i is
// due at start + i/rate, and what is due is sent.
type torrent struct {
	*httptest.Server
	sent []time.Time // by event
	done chan struct{}
}

func newTorrent(t *testing.T, events, rate, size int) *torrent {
	t.Helper()
	s := &torrent{sent: make([]time.Time, events), done: make(chan struct{})}
	frames := make([][]byte, events)
	for i := range frames {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("p-%d", i%1000), Namespace: "n", UID: types.UID(fmt.Sprintf("u-%d", i%1000)),
			ResourceVersion: fmt.Sprint(i + 10), Annotations: map[string]string{"a": string(make([]byte, size))},
		}}
		frames[i] = withLength(protoFrame(t, "MODIFIED", "Pod", pod))
	}
	var once sync.Once
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
		switch {
		case r.URL.Query().Get("limit") == "1":
			says(http.StatusInternalServerError, "InternalError")(w, r)
		case !isWatch(r):
			w.Write(enveloped(t, "PodList", &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}))
		default:
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			once.Do(func() { s.pour(w, frames, rate); close(s.done) })
			<-r.Context().Done()
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *torrent) pour(w http.ResponseWriter, frames [][]byte, rate int) {
	start := time.Now()
	for i := 0; i < len(frames); {
		due := min(int(time.Since(start)*time.Duration(rate)/time.Second)+1, len(frames))
		for ; i < due; i++ {
			s.sent[i] = time.Now()
			if _, err := w.Write(frames[i]); err != nil {
				return
			}
		}
		w.(http.Flusher).Flush()
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(rate))))
	}
}

// TestATorrentLosesNothing: 10,000 events a second, each of them counted, with
// stamps that rise.
func TestATorrentLosesNothing(t *testing.T) {
	g := NewWithT(t)
	const n, rate = 25_000, 10_000
	server := newTorrent(t, n, rate, 1)
	c := clientOf(t, server.Server)
	tape := NewWatchesOf(t, c).PodTape("n")
	var mu sync.Mutex
	got, falls, early, types := 0, 0, 0, map[ChangeType]int{}
	var last time.Time
	tape.Record(func(e Recorded) {
		mu.Lock()
		defer mu.Unlock()
		if e.At.Before(last) {
			falls++
		}
		if e.At.Before(server.sent[got]) || e.Pod.ResourceVersion != fmt.Sprint(got+10) {
			early++
		}
		last = e.At
		types[e.Type]++
		got++
	})
	g.Eventually(func() int { mu.Lock(); defer mu.Unlock(); return got }).WithTimeout(90 * time.Second).Should(Equal(n))
	g.Expect(falls).To(BeZero(), "stamps rise")
	g.Expect(early).To(BeZero(), "in order, and none before it was sent")
	g.Expect(types).To(Equal(map[ChangeType]int{Added: 1000, Modified: n - 1000}))
	g.Expect(c.Account().Events).To(BeEquivalentTo(n))
	t.Logf("%d events in %s, at most %d in the queue", n, last.Sub(server.sent[0]).Round(time.Millisecond), c.Account().QueueHigh)
}

// TestAFullQueueIsCountedAndLosesNothing: by number, and by size.
func TestAFullQueueIsCountedAndLosesNothing(t *testing.T) {
	for name, tt := range map[string]struct{ events, size int }{
		"many": {queueLength + 2000, 1}, "large": {60, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			server := newTorrent(t, tt.events, 1_000_000, tt.size)
			c := clientOf(t, server.Server)
			tape := NewWatchesOf(t, c).PodTape("n")
			full := make(chan struct{})
			var mu sync.Mutex
			got := 0
			tape.Record(func(e Recorded) {
				if e.Pod.ResourceVersion == "10" {
					<-full // nothing is decoded until the queue is full
				}
				mu.Lock()
				defer mu.Unlock()
				got++
			})
			eventually(g, func() int64 { return c.Account().QueueFull }).Should(BeNumerically(">=", 1))
			close(full)
			eventually(g, func() int { mu.Lock(); defer mu.Unlock(); return got }).Should(Equal(tt.events))
			if tt.size > 1 {
				g.Expect(c.Account().QueueHigh).To(BeNumerically("<", 10), "8 MiB")
			}
		})
	}
}
