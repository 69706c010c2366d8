package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// calls says what the steps do that ask something and check the answer, and
// disrupt.
func (o *outliner) calls(s *Step) []string {
	switch {
	case s.HTTP != nil:
		h := s.HTTP
		return told(fmt.Sprintf("send %s %s%s", methodOf(h.Method, h.Body, h.JSON), o.text(s, h.URL),
			fromText(o.from(s, h.URL, h.From), h.As)), h.Checks, "the status is from 200 to 299", h.Output)
	case s.Exec != nil:
		return told("run in "+o.container(s, &s.Exec.On, s.Exec.Container)+": "+o.command(s, s.Exec.Command),
			s.Exec.Checks, "the exit code is 0", s.Exec.Output)
	case s.Run != nil:
		return told("run on this machine: "+o.command(s, s.Run.Command), s.Run.Checks, "the exit code is 0", s.Run.Output)
	case s.Logs != nil:
		what := "read the logs of " + o.container(s, &s.Logs.On, s.Logs.Container)
		if s.Logs.Previous {
			what += ", before the last restart"
		}
		if s.Logs.Since.Value > 0 {
			what += fmt.Sprintf(", of the last %s", s.Logs.Since.Value)
		}
		return told(what, s.Logs.Checks, "", s.Logs.Output)
	case s.Disrupt != nil:
		return []string{o.disruption(s)}
	}
	return nil
}

// told is what a step does, what it checks and what it keeps.
func told(what string, checks []spec.Rule, otherwise, output string) []string {
	out := []string{what}
	for _, c := range checks {
		out = append(out, "check "+oneLine(c.CEL.Text))
	}
	if len(checks) == 0 && otherwise != "" {
		out = append(out, "check that "+otherwise)
	}
	if output != "" {
		out = append(out, "keep what came as outputs."+output)
	}
	return out
}

func methodOf(method string, body spec.Text, json spec.Object) string {
	if method == "" && (body.Text != "" || json.IsSet()) {
		return "POST"
	}
	return cmp.Or(method, "GET")
}

func (o *outliner) container(s *Step, on *spec.Selector, container spec.Text) string {
	out := o.selector(s, on)
	if name := o.text(s, container); name != "" {
		out += " (container " + name + ")"
	}
	return out
}

// command is a command as it could be typed.
func (o *outliner) command(s *Step, command []spec.Text) string {
	var parts []string
	for _, word := range command {
		text := oneLine(o.text(s, word))
		if text == "" || strings.ContainsAny(text, " '\"$&|;<>()*?") {
			text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func (o *outliner) disruption(s *Step) string {
	d := s.Disrupt
	out := d.Action + " "
	if d.Count > 0 {
		out += fmt.Sprintf("at most %d of ", d.Count)
	}
	out += o.selector(s, &d.On)
	if d.On.Kind == "Pod" && d.Action != "evict" {
		out = strings.Replace(out, d.Action+" ", d.Action+" the node of ", 1)
	}
	if d.Delay.Value > 0 {
		out += fmt.Sprintf(", each packet by %s in each direction", d.Delay.Value)
	}
	if d.GracePeriod != nil {
		out += fmt.Sprintf(", with %s to end", d.GracePeriod.Value)
	}
	if d.Expect == "refused" {
		out += "; a PodDisruptionBudget refuses it"
	}
	return out
}

// applied says what an apply does with its objects beside applying them.
func (o *outliner) applied(s *Step) []string {
	a := s.Apply
	var out []string
	for _, m := range o.manifests(s) {
		out = append(out, "apply "+m.String())
	}
	for _, d := range a.Dependencies {
		out = append(out, fmt.Sprintf("apply %s when %s is %s, within %s", d.Of, d.On, cmp.Or(d.For, spec.ForReady), d.Timeout.Value))
	}
	if as := o.text(s, a.As); as != "" {
		out = append(out, "as the user "+as)
	}
	if a.Expect == "refused" {
		refused := "expect that the API server refuses it"
		if a.Reason != "" {
			refused += " as " + a.Reason
		}
		if message := o.text(s, a.Message); message != "" {
			refused += fmt.Sprintf(" and says %q", message)
		}
		out = append(out, refused)
	}
	return out
}

// probes says what the measures measure that send traffic, run commands or ask
// kubelets.
func (o *outliner) probes(s *Step, m *spec.Measure) string {
	switch {
	case m.HTTP != nil:
		h := m.HTTP
		out := fmt.Sprintf(" %s %s%s%s", methodOf(h.Method, h.Body, h.JSON), o.text(s, h.URL), pace(h.Rate, h.For),
			fromText(o.from(s, h.URL, h.From), h.As))
		if h.Count > 0 {
			out += fmt.Sprintf(", %d in all", h.Count)
		}
		return out
	case m.Network != nil:
		return o.network(s, m.Network)
	case m.Usage != nil:
		u := m.Usage
		out := " of " + cmp.Or(u.Of, "nodes")
		if labels := o.text(s, u.Selector); labels != "" {
			out += " with " + labels
		}
		if ns := o.text(s, u.Namespace); ns != "" {
			out += " in " + ns
		}
		out += ", shares of " + AgainstOf(u)
		if u.For.Value > 0 {
			out += fmt.Sprintf(", for %s", u.For.Value)
		}
		return out
	case m.Exec != nil:
		return fmt.Sprintf(" in %s, %d x: %s", o.container(s, &m.Exec.On, m.Exec.Container),
			max(m.Exec.Count, 1), o.command(s, m.Exec.Command))
	}
	return ""
}

func (o *outliner) network(s *Step, n *spec.NetworkMeasure) string {
	out := " " + cmp.Or(n.Transaction, "rtt")
	out += map[string]string{"pod": " from pods to pods", "": " from pods to Services", "service": " from pods to Services"}[n.Path]
	if n.Between == "same" {
		out += " of the same node"
	} else {
		out += " of other nodes"
	}
	if nodes := o.text(s, n.Nodes); nodes != "" {
		out += " with " + nodes
	}
	if n.Transaction == "throughput" {
		out += fmt.Sprintf(", for %s each pair", n.For.Value)
	} else {
		out += fmt.Sprintf(", for %s", n.For.Value)
	}
	if n.Control {
		out += "; also between the nodes' own networks"
	}
	return out
}

// AgainstOf is what the shares of a usage measure are of.
func AgainstOf(u *spec.UsageMeasure) string {
	switch {
	case u.Against != "":
		return u.Against
	case u.Of == "pods":
		return "requests"
	}
	return "allocatable"
}

func labelsOf(labels map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, key+"="+labels[key])
	}
	return out
}
