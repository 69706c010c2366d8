package measure_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/realspec/realspec/engine/measure"
)

// The pod's stamps say: created at :00, scheduled at :01, ready at :04. So it was
// ready between 3 and 5 s after its creation, with 0.5 s for the clocks.
func TestTheServersStampsAreChecked(t *testing.T) {
	trusted := func(string, string) bool { return true }
	for _, c := range []struct {
		name  string
		first measure.SeenPod
		ready measure.SeenPod
		sent  int // ms; 0: not known
		bar   int
		check func(phase, node string) bool
		want  int64
	}{
		{"as it says", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(4000)}, 0, 0, trusted, 0},
		{"just long enough", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(2501)}, 0, 0, trusted, 0},
		{"too short: the watch stood still", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(2500)}, 0, 0, trusted, 1},
		{"too short, and the bar explains it", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(2500)}, 0, 10, trusted, 0},
		{"too short, and a gap explains it", measure.SeenPod{At: at(0), Earlier: 9 * millisecond}, measure.SeenPod{At: at(2500)}, 0, 0, trusted, 0},
		{"too short, and the request was sent long before", measure.SeenPod{At: at(2000)}, measure.SeenPod{At: at(4000)}, 500, 0, trusted, 0},
		{"short even from the request", measure.SeenPod{At: at(2000)}, measure.SeenPod{At: at(4000)}, 1900, 0, trusted, 1},
		{"too long", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(5500)}, 0, 0, trusted, 1},
		{"too long, and a gap explains it", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(5500), Earlier: 500 * millisecond}, 0, 0, trusted, 0},
		{"made-up stamps", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(9000)}, 0, 0,
			func(phase, node string) bool { return phase != "ready" }, 0},
		{"not asked for", measure.SeenPod{At: at(0)}, measure.SeenPod{At: at(9000)}, 0, 0, nil, 0},
		{"nothing to compare with", measure.SeenPod{At: at(0), Unbounded: true}, measure.SeenPod{At: at(9000)}, 0, 0, trusted, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewWithT(t)
			p := measure.NewPods()
			c.first.Pod, c.ready.Pod = pod(t, "a", pending), pod(t, "a", up)
			see(p, c.first, c.ready)
			if c.sent > 0 {
				p.Sent("uid-a", measure.Stamps{Sent: at(c.sent)})
			}
			q := everything()
			q.Bar, q.Check = time.Duration(c.bar)*millisecond, c.check
			g.Expect(p.Measure(q).Series[3].Skewed).To(Equal(c.want))
		})
	}
}

func TestUntrustedStampsAreNotShown(t *testing.T) {
	g := NewWithT(t)
	p := measure.NewPods()
	simulated := pod(t, "a", up)
	simulated.Spec.NodeName = "kwok"
	unstamped := pod(t, "b", up)
	unstamped.CreationTimestamp = metav1.Time{}
	see(p, measure.SeenPod{Pod: simulated, At: at(0)}, measure.SeenPod{Pod: unstamped, At: at(0)})
	q := everything()
	q.Check = func(phase, node string) bool { return phase == "scheduled" || node != "kwok" }
	r := p.Measure(q)
	g.Expect(r.Series[0].Samples[0].Server).NotTo(BeNil())
	g.Expect(r.Series[3].Samples[0].Server).To(BeNil())
	g.Expect(r.Series[0].Samples[1].Server).To(BeNil(), "there is no creation stamp")
}
