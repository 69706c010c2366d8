package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// many is a server that has many pods and shows them by the page. Its watch says
// nothing but that the version is too old, once.
func many(t *testing.T, n int, missing, forgotten *atomic.Int64) *httptest.Server {
	var told atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, _ := strconv.Atoi(q.Get("continue"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		switch {
		case isWatch(r) && told.CompareAndSwap(false, true):
			says(http.StatusGone, "Expired")(w, r)
			return
		case isWatch(r):
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		case from > n/2 && forgotten.Add(-1) >= 0:
			says(http.StatusGone, "Expired")(w, r)
			return
		}
		list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "9"}}
		to := min(n, from+limit)
		for i := from; i < to; i++ {
			if int64(i) != missing.Load() {
				list.Items = append(list.Items, numbered(i))
			}
		}
		if to < n {
			list.Continue = strconv.Itoa(to)
		}
		w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
		w.Write(enveloped(t, "PodList", list))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server
}

func numbered(i int) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "realspec-high-load", Name: fmt.Sprintf("high-throughput-service-5d9f6b7c8-%05d", i),
			UID: types.UID(fmt.Sprintf("7f3c1a52-0000-4b7c-9d21-%012d", i)), ResourceVersion: "5",
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "registry.example/web:1"}}},
	}
}

// TestAHundredThousandPodsAreRemembered in a few megabytes, and what a new list
// no longer has is noticed among them. The second list is forgotten by the
// server half way, and begun anew.
func TestAHundredThousandPodsAreRemembered(t *testing.T) {
	g := NewWithT(t)
	const n = 100_000
	var missing, forgotten atomic.Int64
	missing.Store(-1)
	c := clientOf(t, many(t, n, &missing, &forgotten))
	before := heap()
	tape := NewWatchesOf(t, c).PodTape("realspec-high-load")
	var added, others atomic.Int64
	var gone atomic.Pointer[Recorded]
	tape.Record(func(r Recorded) {
		switch r.Type {
		case Added:
			if added.Add(1) == n { // the first list is in
				missing.Store(n / 3)
				forgotten.Store(1)
			}
		case Deleted:
			r.Pod = r.Pod.DeepCopy()
			gone.Store(&r)
		case Modified:
			others.Add(1)
		}
	})
	g.Expect(tape.Synced(soon(t, 60*time.Second))).To(Succeed())
	g.Eventually(gone.Load).WithTimeout(60 * time.Second).ShouldNot(BeNil())
	g.Expect(gone.Load().Pod.Name).To(Equal(numbered(n / 3).Name))
	g.Expect(gone.Load().Pod.UID).To(Equal(numbered(n / 3).UID))
	g.Expect(gone.Load().Earlier).To(BeNumerically(">", 0))
	g.Expect(added.Load()).To(BeEquivalentTo(n))
	g.Expect(others.Load()).To(BeZero())
	g.Expect(c.Account().Relists).To(BeEquivalentTo(1))
	kept := heap() - before
	t.Logf("%d pods are remembered in %.1f MB", n, float64(kept)/1e6)
	g.Expect(kept).To(BeNumerically("<", 40<<20))
}
