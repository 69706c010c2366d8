package measure_test

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/measure"
)

const manyPods = 100_000

// live shows every one of many pods, first pending, then ready.
func live(b *testing.B, p *measure.Pods, change func(*corev1.Pod, int)) {
	one := ofOwner(b, "a", "", "ReplicaSet", "web-5d4", "5d4")
	one.Labels["app.kubernetes.io/name"] = "web"
	ready, first := one.Status, corev1.PodStatus{}
	for _, status := range []corev1.PodStatus{first, ready} {
		one.Status = status
		for i := range manyPods {
			one.Name = fmt.Sprintf("web-5d4f8c7b9d-%05d", i)
			one.UID = types.UID(fmt.Sprintf("6f2b1c3e-0d2a-4a6f-9a55-%012d", i))
			if len(status.Conditions) > 0 {
				one.Spec.NodeName = fmt.Sprintf("node-%d", i%1000)
			}
			change(one, i)
			p.See(measure.SeenPod{Pod: one, At: at(i)})
			one.Spec.NodeName = ""
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemory is what a pod costs: of Deployments, whose pods share their
// labels, and of StatefulSets, where every pod has labels of its own.
func BenchmarkMemory(b *testing.B) {
	for name, change := range map[string]func(*corev1.Pod, int){
		"deployment": func(*corev1.Pod, int) {},
		"statefulset": func(p *corev1.Pod, i int) {
			p.Labels["apps.kubernetes.io/pod-index"] = fmt.Sprint(i)
			p.Labels["statefulset.kubernetes.io/pod-name"] = p.Name
		},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				before := heap()
				p := measure.NewPods()
				live(b, p, change)
				b.ReportMetric(float64(heap()-before)/manyPods, "bytes/pod")
				runtime.KeepAlive(p)
			}
		})
	}
}

func BenchmarkSee(b *testing.B) {
	p := measure.NewPods()
	live(b, p, func(*corev1.Pod, int) {})
	one := ofOwner(b, "a", "n1", "ReplicaSet", "web-5d4", "5d4")
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			p.See(measure.SeenPod{Pod: one, At: at(1)})
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		p := measure.NewPods()
		uids := make([]types.UID, b.N)
		for i := range uids {
			uids[i] = types.UID(fmt.Sprintf("6f2b1c3e-0d2a-4a6f-9a55-%012d", i))
		}
		b.ResetTimer()
		for _, uid := range uids {
			one.UID = uid
			p.See(measure.SeenPod{Pod: one, At: at(1)})
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	p := measure.NewPods()
	live(b, p, func(*corev1.Pod, int) {})
	q := everything()
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			p.Measure(q)
		}
	})
	b.Run("count", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			p.Count(q)
		}
	})
	q.By, q.Bar = "node", 5*millisecond
	b.Run("by node with bounds", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			p.Measure(q)
		}
	})
}
