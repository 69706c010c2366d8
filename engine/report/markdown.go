package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/event"
)

// MarkdownLimit is what one step of a GitHub job may write to its summary, in
// bytes; a longer one is refused as a whole.
const MarkdownLimit = 1 << 20

// Markdown writes the result for a ticket or the summary of a CI job: the
// verdict, the scenarios, what did not pass with its rules and measured values,
// the measures, the requirements, and where it ran. It is GitHub's Markdown, and
// at most limit bytes long; 0 means as long as it takes. What is left out to stay
// within the limit is counted at the end.
func Markdown(w io.Writer, r *event.Result, limit int) error {
	head := "## " + markdownText("realspec: "+verdictLine(r)) + "\n\n" + markdownLead(r)
	sections := []section{
		scenarioSection(r), failureSection(r), measureSection(r), agreementSection(r), requirementSection(r), environmentSection(r),
	}
	_, err := io.WriteString(w, head+strings.Join(fitted(sections, limit, len(head)), ""))
	if err != nil {
		return fmt.Errorf("the Markdown report could not be written: %w", err)
	}
	return nil
}

// section is a part of the document: a title with what belongs above the items,
// and the items, any of which may be left out.
type section struct {
	head  string
	items []string
	what  string // an item in words, for the count of those left out
}

func (s section) size() int {
	n := len(s.head)
	for _, item := range s.items {
		n += len(item)
	}
	return n
}

// fitted are the texts of the sections within the limit, and a last one that says
// what was left out. The shortest section is served first and each gets at most an
// equal share of what is left, so that one of thousands of items cannot push out
// the others.
func fitted(sections []section, limit, used int) []string {
	texts := make([]string, len(sections), len(sections)+1)
	order := make([]int, len(sections))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sections[a].size(), sections[b].size()) })
	const closing = 300 // bytes for the last text
	left := limit - used - closing
	var missing []string
	for n, i := range order {
		share := left / (len(order) - n)
		if limit <= 0 {
			share = sections[i].size()
		}
		var out int
		texts[i], out = sections[i].within(share)
		left -= len(texts[i])
		if out > 0 {
			missing = append(missing, count(out, sections[i].what))
		}
	}
	if len(missing) == 0 {
		return texts
	}
	slices.Sort(missing)
	return append(texts, fmt.Sprintf("\nLeft out here, to stay below %d bytes: %s. The JSON report and the events file have everything.\n",
		limit, strings.Join(missing, ", ")))
}

// within is the section's text in at most so many bytes, and the number of items
// that had no room.
func (s section) within(size int) (string, int) {
	if len(s.items) == 0 {
		return "", 0
	}
	var b strings.Builder
	b.WriteString(s.head)
	for i, item := range s.items {
		if b.Len()+len(item) > size {
			if i == 0 {
				return "", len(s.items)
			}
			return b.String(), len(s.items) - i
		}
		b.WriteString(item)
	}
	return b.String(), 0
}

func markdownLead(r *event.Result) string {
	lead := "scenarios: " + scenarioCounts(r)
	if steps := stepCounts(r); steps != "" {
		lead += "; steps: " + steps
	}
	text := markdownText(lead+"; "+stepTime(r.Seconds)) + "\n"
	if why := stopped(r); why != "" {
		text += "\n" + fenced(why)
	}
	return text
}

func scenarioSection(r *event.Result) section {
	s := section{head: "\n| | scenario | outcome | steps | time |\n| --- | --- | --- | --- | ---: |\n", what: "scenario"}
	m := unicodeMarks()
	for _, one := range r.Scenarios {
		outcome := string(one.Outcome)
		if one.Reason != "" && one.Outcome != event.Passed {
			outcome += " (" + string(one.Reason) + ")"
		}
		counts := map[event.Outcome]int{}
		for _, step := range one.Steps {
			counts[step.Outcome]++
		}
		span := ""
		if !one.Started.IsZero() {
			span = stepTime(one.Seconds)
		}
		s.items = append(s.items, tableRow(m.of(one.Outcome), markdownText(scenarioName(one)), markdownText(outcome),
			countsText(counts), span))
	}
	return s
}

// requirementSection is the requirement matrix.
func requirementSection(r *event.Result) section {
	s := section{head: "\n### Requirements\n\n| | requirement | outcome | covered by |\n| --- | --- | --- | --- |\n", what: "requirement"}
	m := unicodeMarks()
	for i := range r.Matrix {
		q := &r.Matrix[i]
		var by []string
		for _, c := range covering(r, q) {
			text := c.name
			if c.Outcome != q.Outcome || q.Outcome != event.Passed {
				text += " (" + string(c.Outcome) + ")"
			}
			by = append(by, text)
		}
		word := joinedBy(", ", requirementWord(q), requirementNote(q))
		s.items = append(s.items, tableRow(m.of(q.Outcome), markdownText(q.ID), markdownText(word),
			markdownText(strings.Join(by[:min(len(by), mostCovering)], ", ")+moreThan(len(by)))))
	}
	return s
}

// mostCovering is how many scenarios and steps are named for a requirement.
const mostCovering = 6

func moreThan(n int) string {
	if n <= mostCovering {
		return ""
	}
	return " and " + count(n-mostCovering, "other")
}

// environmentSection has each cluster once, the command line, and what the run
// itself has to say.
func environmentSection(r *event.Result) section {
	s := section{head: "\n### Environment\n\n", what: "line on the environment"}
	add := func(name, text string) {
		if text = oneLine(text); text != "" {
			item := "- " + name + ": " + markdownText(text) + "\n"
			if !slices.Contains(s.items, item) {
				s.items = append(s.items, item)
			}
		}
	}
	add("started", timestamp(r.Started)+" UTC, run "+r.RunID)
	add("command", "realspec "+strings.Join(r.Args, " "))
	add("realspec", r.Version)
	for _, one := range r.Scenarios {
		about := clusterLine(one.Cluster)
		if one.Cluster.Why != "" {
			about += " (" + one.Cluster.Why + ")"
		}
		add("cluster", about)
		add("environment", environmentLine(one.Cluster.Environment))
	}
	add("cost", accountLine(r.Account, false))
	add("doubt", queueRow(r).text)
	for _, note := range r.Notices {
		add("note", note)
	}
	return s
}
