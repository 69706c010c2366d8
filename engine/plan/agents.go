package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// Agents tells whether a step needs agent pods on the cluster, and which one is
// the first to do so: "step 02-hit sends requests from the cluster". A URL that is
// known only during the run counts as one that needs them.
func (s *Scenario) Agents() (needed bool, why string) {
	o := &outliner{values: s.Values(nil, runID, s.Name+"-"+runID)}
	for _, step := range s.Steps {
		step.each(func(s *Step) {
			if what := o.agents(s); what != "" && !needed {
				needed, why = true, "step "+s.ID+" "+what
			}
		})
	}
	return needed, why
}

// agents says what a step does by agents; "" when it needs none.
func (o *outliner) agents(s *Step) string {
	if s.HTTP != nil && o.from(s, s.HTTP.URL, s.HTTP.From) == spec.FromCluster {
		return "sends a request from the cluster"
	}
	for i := range s.Measure {
		m := &s.Measure[i]
		switch {
		case m.Network != nil:
			return fmt.Sprintf("measures the network (%s)", m.Name)
		case m.HTTP != nil && o.from(s, m.HTTP.URL, m.HTTP.From) == spec.FromCluster:
			return fmt.Sprintf("sends requests from the cluster (%s)", m.Name)
		}
	}
	return ""
}

// from is where a request is sent from, as far as it is known before the run.
func (o *outliner) from(s *Step, url spec.Text, from string) string {
	if from == "" && s.Text(url) != nil {
		if _, err := s.Text(url).Text(context.Background(), o.values); err != nil {
			return spec.FromCluster
		}
	}
	return spec.FromOf(o.text(s, url), from)
}

func fromText(from string, as map[string]string) string {
	switch {
	case from == spec.FromHere:
		return " from here"
	case len(as) > 0:
		return " from the cluster, as a pod with " + strings.Join(labelsOf(as), ",")
	}
	return " from the cluster"
}
