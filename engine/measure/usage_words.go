package measure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/stats"
)

// neededStamps is how many different stamps of an object a verdict needs: one
// begins an interval and one ends it.
const neededStamps = 2

// doubtOf says that objects have too few stamps.
func doubtOf(objects []*figures) string {
	var short []string
	for _, f := range objects {
		if f.stamps < neededStamps {
			short = append(short, fmt.Sprintf("%s has %d", f.Name, f.stamps))
		} else if len(f.steps) == 0 {
			short = append(short, f.Name+" began again between all of its stamps")
		}
	}
	if len(short) == 0 {
		return ""
	}
	return fmt.Sprintf("an average of CPU needs at least %d different stamps of the kubelet, and %s; "+
		"a kubelet takes a stamp every 10 to 20 s", neededStamps, few(short))
}

func notesOf(objects []*figures) []string {
	var notes, again, approximate []string
	for _, f := range objects {
		if f.censored > 0 {
			again = append(again, fmt.Sprintf("%s %d times", f.Name, f.censored))
		}
		if f.source == SourceMetricsAPI {
			approximate = append(approximate, f.Name)
		}
	}
	if len(again) > 0 {
		notes = append(notes, "the CPU counter began again, and the time between the two stamps is left out: "+few(again))
	}
	if len(approximate) > 0 {
		notes = append(notes, "approximate: no kubelet answered for "+few(approximate)+
			", and "+SourceMetricsAPI+" only has averages over some last seconds")
	}
	return notes
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// covered is the time between the first and the last stamp, the longest of any
// object.
func covered(objects []*figures) time.Duration {
	var longest time.Duration
	for _, f := range objects {
		longest = max(longest, f.to.Sub(f.from))
	}
	return longest
}

// words say what a reader must know: the source, the stamps, the time that they
// cover, the denominator, and the figures.
func (r *UsageResult) words(q UsageQuery, objects []*figures) string {
	if len(objects) == 0 {
		return ""
	}
	fewest := slices.MinFunc(objects, func(a, b *figures) int { return cmp.Compare(a.stamps, b.stamps) })
	lines := []string{
		fmt.Sprintf("%s: %d stamps of %d %s, at least %d of each, over %s (asked %s)", sources(objects), r.Stamps, len(objects),
			plural(q.Of, len(objects)), fewest.stamps, covered(objects).Round(100*time.Millisecond), q.Asked.Round(100*time.Millisecond)),
	}
	for _, one := range []struct {
		name, of, used string
		share          [3]float64
		pick           func(*figures) *amount
	}{
		{"cpu", q.Against, fmt.Sprintf("%.3f cores", r.Usage.CPU.Used),
			[3]float64{r.Usage.CPU.Worst, r.Usage.CPU.Total, r.Usage.CPU.Peak}, func(f *figures) *amount { return &f.cpu }},
		{"memory", q.Against, bytesOf(r.Usage.Memory.Used),
			[3]float64{r.Usage.Memory.Worst, r.Usage.Memory.Total, r.Usage.Memory.Peak}, func(f *figures) *amount { return &f.memory }},
		{"filesystem", "its size", bytesOf(r.Usage.Filesystem.Used),
			[3]float64{r.Usage.Filesystem.Worst, r.Usage.Filesystem.Total, r.Usage.Filesystem.Peak}, func(f *figures) *amount { return &f.storage }},
	} {
		switch {
		case r.Without[one.name+".used"] != "":
		case r.Without[one.name+".worst"] != "":
			lines = append(lines, fmt.Sprintf("%s: %s", one.name, one.used))
		default:
			lines = append(lines, fmt.Sprintf("%s: worst %s (%s), all %s, peak %s of %s; %s", one.name, percent(one.share[0]),
				worstOf(objects, one.pick), percent(one.share[1]), percent(one.share[2]), one.of, one.used))
		}
	}
	if r.Without["network.sent"] == "" {
		lines = append(lines, fmt.Sprintf("network: %s/s received, %s/s sent",
			bytesOf(r.Usage.Network.Received), bytesOf(r.Usage.Network.Sent)))
	}
	return strings.Join(lines, "\n")
}

func sources(objects []*figures) string {
	var all []string
	for _, f := range objects {
		name := f.source
		if name == SourceMetricsAPI {
			name += " (approximate)"
		}
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return cmp.Or(strings.Join(all, " and "), "no source")
}

func plural(of string, n int) string {
	if n == 1 {
		return strings.TrimSuffix(of, "s")
	}
	return of
}

func worstOf(objects []*figures, pick func(*figures) *amount) string {
	name, worst := "", -1.0
	for _, f := range objects {
		if a := pick(f); a.is && a.of > 0 && a.mean/a.of > worst {
			name, worst = f.Name, a.mean/a.of
		}
	}
	return name
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", share*100) }

// bytesOf is an amount in the binary units of quantities.
func bytesOf(n float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %sB", n/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.0f B", n)
}

// usageSeries are the shares of the objects, one sample each; cores and bytes where
// there is nothing to be a share of.
func usageSeries(objects []*figures) []event.MeasuredSeries {
	var all []event.MeasuredSeries
	for _, one := range []struct {
		name, unit string
		pick       func(*figures) *amount
	}{
		{"cpu", "cores", func(f *figures) *amount { return &f.cpu }},
		{"memory", "bytes", func(f *figures) *amount { return &f.memory }},
		{"filesystem", "bytes", func(f *figures) *amount { return &f.storage }},
	} {
		unit := "share"
		var values []float64
		var samples []event.Sample
		for _, f := range objects {
			a := one.pick(f)
			if a.is && a.of == 0 {
				unit = one.unit
			}
		}
		for _, f := range objects {
			a := one.pick(f)
			if !a.is {
				continue
			}
			value := a.mean
			if unit == "share" {
				value /= a.of
			}
			values = append(values, value)
			samples = append(samples, event.Sample{Object: f.Name, UID: f.UID, Node: f.Node, Value: &value})
		}
		if len(values) == 0 {
			continue
		}
		m := shownValues(one.name, "", stats.SummarizeValues(values))
		m.Unit, m.Samples = unit, samples
		all = append(all, m)
	}
	return all
}

// maxTimelines is of how many objects there are timelines: of those that used most.
const maxTimelines = 20

// timelines are the cores and bytes of the objects over time. A point of CPU stands
// at the end of the time that it is the average of.
func timelines(objects []*figures, start time.Time) []event.Timeline {
	chosen := slices.Clone(objects)
	slices.SortStableFunc(chosen, func(a, b *figures) int { return cmp.Compare(b.cpu.mean, a.cpu.mean) })
	var all []event.Timeline
	for _, f := range chosen[:min(len(chosen), maxTimelines)] {
		if len(f.steps) == 0 {
			continue
		}
		base := f.steps[0].from
		line := event.Timeline{Name: f.Name + " cpu", Unit: "cores", Start: base.Sub(start).Seconds()}
		for _, s := range f.steps {
			line.Points = append(line.Points, [2]float64{s.to.Sub(base).Seconds(), s.rate})
		}
		all = append(all, line)
		line = event.Timeline{Name: f.Name + " memory", Unit: "bytes", Start: base.Sub(start).Seconds()}
		for _, m := range f.used.memory {
			line.Points = append(line.Points, [2]float64{m.at.Sub(base).Seconds(), m.value})
		}
		all = append(all, line)
	}
	return all
}
