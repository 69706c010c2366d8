package report

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/event"
)

// What only real nodes show is on the page without scripts: notes, failures, what
// could not be measured, timelines with their numbers, and the baseline.
func TestHTMLOfRealNodes(t *testing.T) {
	g := NewWithT(t)
	page := htmlOf(t, event.Fold(fixtures()["real"]))
	for _, want := range []string{
		"note: GET http://web:80/ → 200 OK", "failures 5.00 % (4.46 %–5.58 %, 95 %)", "941 Mbit/s",
		"not measurable here: the nodes are simulated, and have no network",
		"requests a second", "<caption>Comparison with the baseline", "910ms (880ms–950ms, 20 runs) recorded", `class="recorded f0"`,
		"1 of 2 steps skipped", "the 6 of 15 with the largest mean",
	} {
		g.Expect(page).To(ContainSubstring(want))
	}
	g.Expect(strings.Count(page, `<figure class="timeline">`)).To(Equal(4), "one for each unit of each measure")
}

// A line of many points keeps its peaks, and one of a single point can be seen.
func TestTimelineIsDrawn(t *testing.T) {
	g := NewWithT(t)
	m := event.Measured{Timelines: []event.Timeline{{Name: "a", Unit: "s"}, {Name: "none", Unit: "s"}, {Name: "b", Unit: "cores", Points: [][2]float64{{0, 1}}}}}
	for i := range 5000 {
		y := 1.0
		if i == 3333 {
			y = 9
		}
		m.Timelines[0].Points = append(m.Timelines[0].Points, [2]float64{float64(i), y})
	}
	all := htmlTimelinesOf(&m)
	g.Expect(all).To(HaveLen(2))
	g.Expect(strings.Count(string(all[0].Static), "L")).To(BeNumerically("<", drawnPoints))
	g.Expect(string(all[0].Static)).To(ContainSubstring(" 10.0L"), "the peak is at the top")
	g.Expect(string(all[1].Static)).To(ContainSubstring("h2"))
	g.Expect(all[0].Lines[0].Mean).To(Equal("1.00s"))
}
