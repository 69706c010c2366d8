package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/realspec/realspec/engine/event"
)

// htmlFact is a name and its value.
type htmlFact struct{ Name, Text string }

// htmlVerdict is how something ended, and why.
type htmlVerdict struct {
	Outcome event.Outcome
	Mark    string
	Reason  event.Reason
}

// htmlVerdictOf also cleans what only a broken events file can have.
func htmlVerdictOf(o event.Outcome, r event.Reason) htmlVerdict {
	return htmlVerdict{event.Outcome(oneLine(string(o))), unicodeMarks().of(o), event.Reason(oneLine(string(r)))}
}

// htmlCount is how many scenarios and steps ended in one way.
type htmlCount struct {
	htmlVerdict
	Scenarios, Steps int
}

// htmlLink leads to a scenario or step that did not pass.
type htmlLink struct {
	htmlVerdict
	To, Scenario, Step, Message string
}

// htmlRequirement is a row of the matrix: an id, the worst outcome of what covers
// it and ran, and all that covers it.
type htmlRequirement struct {
	htmlVerdict
	ID, Word, Note string
	By             []htmlLink
}

// htmlCluster is one cluster and the scenarios that ran on it.
type htmlCluster struct {
	Name      string
	Facts     []htmlFact
	Scenarios []htmlLink
}

// htmlBuilder makes the page, and numbers what has samples.
type htmlBuilder struct {
	dir      string // of the page
	measures []htmlSamples
}

func (b *htmlBuilder) page(r *event.Result) *htmlPage {
	verdict := verdictLine(r)
	p := &htmlPage{
		Title: verdict + " · realspec " + oneLine(r.RunID), Verdict: verdict, Tone: htmlTone(r),
		Why: clean(stopped(r)), Facts: htmlRunFacts(r), Counts: htmlCounts(r), Doubt: queueRow(r).text,
		Requirements: htmlRequirements(r), Clusters: htmlClusters(r), Cost: htmlCost(r.Account),
	}
	for _, n := range r.Notices {
		p.Notices = append(p.Notices, clean(n))
	}
	for i, s := range r.Scenarios {
		one := b.scenario(s, htmlScenarioID(i))
		p.Scenarios = append(p.Scenarios, one)
		p.NotPassed = append(p.NotPassed, one.notPassed()...)
	}
	return p
}

func htmlTone(r *event.Result) string {
	switch runTone(r) {
	case good:
		return "passed"
	case doubt:
		return "inconclusive"
	}
	return "failed"
}

func htmlScenarioID(i int) string { return fmt.Sprintf("s%d", i+1) }

func htmlStepID(scenario string, i int) string { return fmt.Sprintf("%s-%d", scenario, i+1) }

func htmlRunFacts(r *event.Result) []htmlFact {
	facts := []htmlFact{{"run", oneLine(r.RunID)}}
	if !r.Started.IsZero() {
		facts = append(facts, htmlFact{"started", r.Started.UTC().Format(time.RFC3339)})
	}
	facts = append(facts, htmlFact{"time", stepTime(r.Seconds)}, htmlFact{"scenarios", scenarioCounts(r)},
		htmlFact{"steps", stepCounts(r)}, htmlFact{"not begun", notBegun(r)}, htmlFact{"covers", coversLine(r)},
		htmlFact{"command", oneLine(strings.Join(append([]string{"realspec"}, r.Args...), " "))},
		htmlFact{"version", oneLine(r.Version)})
	return htmlKnown(facts)
}

func htmlKnown(facts []htmlFact) []htmlFact {
	return slices.DeleteFunc(facts, func(f htmlFact) bool { return f.Text == "" })
}

// htmlCounts has the outcomes that there are, the heaviest first.
func htmlCounts(r *event.Result) []htmlCount {
	of := map[event.Outcome]*htmlCount{}
	at := func(o event.Outcome) *htmlCount {
		if of[o] == nil {
			of[o] = &htmlCount{htmlVerdict: htmlVerdictOf(o, "")}
		}
		return of[o]
	}
	for _, s := range r.Scenarios {
		at(s.Outcome).Scenarios++
		for _, step := range s.Steps {
			at(step.Outcome).Steps++
		}
	}
	var counts []htmlCount
	for _, o := range byWeight {
		if of[o] != nil {
			counts = append(counts, *of[o])
		}
	}
	return counts
}

func htmlRequirements(r *event.Result) []htmlRequirement {
	to := map[string]string{}
	for i, s := range r.Scenarios {
		id := htmlScenarioID(i)
		to[s.Path] = id
		for j, step := range s.Steps {
			to[s.Path+"\x00"+step.ID] = htmlStepID(id, j)
		}
	}
	var rows []htmlRequirement
	for i := range r.Matrix {
		q := &r.Matrix[i]
		row := htmlRequirement{ID: oneLine(q.ID), Word: requirementWord(q), Note: requirementNote(q), htmlVerdict: htmlVerdictOf(q.Outcome, "")}
		for _, c := range covering(r, q) {
			key := c.Scenario
			if c.Step != "" {
				key += "\x00" + c.Step
			}
			link := htmlLink{To: to[key], Scenario: c.name, htmlVerdict: htmlVerdictOf(c.Outcome, c.Reason)}
			if c.Step == "" && c.Skipped > 0 {
				link.Message = fmt.Sprintf("%d of %d steps skipped", c.Skipped, c.Ran+c.Skipped)
			} else if c.Outcome != event.Passed {
				link.Message = oneLine(c.Message)
			}
			row.By = append(row.By, link)
		}
		rows = append(rows, row)
	}
	return rows
}

// htmlClusters are the clusters of the run, each once.
func htmlClusters(r *event.Result) []htmlCluster {
	var all []htmlCluster
	at := map[event.Cluster]int{}
	for i, s := range r.Scenarios {
		c := s.Cluster
		if c == (event.Cluster{}) {
			continue
		}
		n, known := at[c]
		if !known {
			n = len(all)
			at[c] = n
			all = append(all, htmlCluster{Name: oneLine(c.Name), Facts: htmlClusterFacts(c)})
		}
		all[n].Scenarios = append(all[n].Scenarios, htmlLink{To: htmlScenarioID(i), Scenario: scenarioName(s)})
	}
	return all
}

func htmlClusterFacts(c event.Cluster) []htmlFact {
	nodes := ""
	if c.Nodes > 0 {
		nodes = count(c.Nodes, "node")
		if c.Simulated {
			nodes += ", simulated"
		}
	}
	facts := []htmlFact{{"kind", oneLine(c.Kind)}, {"server", oneLine(c.Server)}, {"Kubernetes", oneLine(c.Version)},
		{"nodes", nodes}, {"chosen because", oneLine(c.Why)}, {"environment", environmentLine(c.Environment)}}
	return htmlKnown(facts)
}

// htmlCost is what realspec itself took, one thing a row.
func htmlCost(a event.Account) []htmlFact {
	facts := []htmlFact{{"API requests", htmlTally(a.Requests)}, {"retries, by what was retried", htmlTally(a.Retries)}}
	add := func(name string, there bool, text string) {
		if there {
			facts = append(facts, htmlFact{name, text})
		}
	}
	add("watches", a.Relists+a.Reconnects > 0, count(int(a.Relists), "relist")+", "+count(int(a.Reconnects), "reconnect"))
	add("bytes on the wire", a.BytesIn+a.BytesOut > 0, mebibytes(a.BytesIn)+" in, "+mebibytes(a.BytesOut)+" out")
	add("watch events", a.Events > 0, fmt.Sprintf("%d, at most %d waiting to be read", a.Events, a.QueueHigh))
	add("garbage collection", a.GCPauses > 0, fmt.Sprintf("%s, max %s, together %s", count(int(a.GCPauses), "pause"),
		measuredTime(a.GCPauseMax), measuredTime(a.GCPauseTotal)))
	add("CPU", a.CPUSeconds > 0, measuredTime(a.CPUSeconds))
	add("memory, at its peak", a.PeakRSSBytes > 0, fmt.Sprintf("%d MiB", (a.PeakRSSBytes+1<<19)>>20))
	return htmlKnown(facts)
}

// htmlTally is a sum and its parts.
func htmlTally(n map[string]int64) string {
	var sum int64
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		sum += n[name]
		parts = append(parts, fmt.Sprintf("%s %d", oneLine(name), n[name]))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%d (%s)", sum, strings.Join(parts, ", "))
}
