package measure_test

import (
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/measure"
)

func TestTheWindowHoldsAllMoments(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	g.Expect(p.Window(everything())).To(Equal([2]time.Time{}))
	p.Sent("uid-warm", measure.Stamps{WarmUp: true})
	see(p,
		measure.SeenPod{Pod: pod(t, "warm", pending), At: at(1)},
		measure.SeenPod{Pod: pod(t, "a", pending), At: at(50)},
		measure.SeenPod{Pod: pod(t, "b", pending), At: at(20)},
		measure.SeenPod{Pod: pod(t, "b", up), At: at(70)},
		measure.SeenPod{Pod: pod(t, "b", down), At: at(90)}, // brought nothing that is measured
	)
	g.Expect(p.Window(everything())).To(Equal([2]time.Time{at(20), at(70)}))
	q := everything()
	q.Selector = labels.SelectorFromSet(labels.Set{"app": "other"})
	g.Expect(p.Window(q)).To(Equal([2]time.Time{}))

	o := measure.NewObjects(all, phaseIs("Pending"), phaseIs("Bound"))
	g.Expect(o.Window()).To(Equal([2]time.Time{}))
	o.See(measure.Seen{Object: claim("a", ""), At: at(0)})
	o.See(measure.Seen{Object: claim("a", "Pending"), At: at(10)})
	o.See(measure.Seen{Object: claim("a", "Bound"), At: at(30)})
	g.Expect(o.Window()).To(Equal([2]time.Time{at(10), at(30)}))
}

// The watch, the load and the measure are three goroutines.
func TestPodsAreSharedByGoroutines(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	one := pod(t, "a", up)
	var wait sync.WaitGroup
	for _, f := range []func(i int){
		func(i int) {
			one.UID = types.UID(time.Duration(i).String())
			p.See(measure.SeenPod{Pod: one, At: at(i)})
		},
		func(i int) { p.Sent(types.UID(time.Duration(i).String()), measure.Stamps{Sent: at(i)}) },
		func(int) { p.Measure(everything()); p.Count(everything()); p.Window(everything()) },
	} {
		wait.Go(func() {
			for i := range 200 {
				f(i)
			}
		})
	}
	wait.Wait()
	g.Expect(p.Measure(everything()).Samples).To(Equal(int64(200)))
}
