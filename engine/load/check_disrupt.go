package load

import (
	"slices"

	"github.com/realspec/realspec/engine/spec"
)

func (l *loader) checkDisrupt(step spec.Pos, d *spec.Disrupt) {
	if !l.allows(spec.AllowDisruption) {
		l.wrongKey(step, "disrupt", "needs-allow", "disrupt needs the scenario's consent").Help =
			AllowHelp(spec.AllowDisruption) + "; the run then needs --allow-disruption too"
	}
	if !d.At.IsValid() {
		return
	}
	l.checkSelector(&d.On)
	l.checkDisrupted(d)
	l.checkCount(d.At, "count", d.Count)
	l.checkGrace(d.At, d.GracePeriod)
	for _, field := range []struct {
		name    string
		actions []string
		help    string
	}{
		{"delay", []string{"delay"}, "action: delay makes packets slower"},
		{"gracePeriod", []string{"drain", "evict"}, "drain and evict end pods"},
		{"expect", []string{"evict"}, "only an eviction can be refused by a PodDisruptionBudget"},
	} {
		if d.Action != "" && l.has(d.At, field.name) && !slices.Contains(field.actions, d.Action) {
			l.wrongKey(d.At, field.name, "no-place", "%s has no place beside action: %s", field.name, d.Action).Help = field.help
		}
	}
	switch {
	case d.Action != "delay":
	case !l.has(d.At, "delay"):
		l.wrong(d.At, "action", "missing-field", "action: delay needs delay").Help =
			"delay: 20ms says how much longer a packet takes in each direction"
	default:
		l.checkPositive(d.At, "delay", d.Delay)
	}
}

// checkDisrupted looks at the kind of what is disrupted.
func (l *loader) checkDisrupted(d *spec.Disrupt) {
	kind := d.On.Kind
	switch {
	case kind == "" || !d.On.At.IsValid() || meantKind(kind) != "":
	case d.Action == "evict" && kind != "Pod":
		l.wrong(d.On.At, "kind", "bad-kind", "evict works on pods, found the kind %q", shorten(kind)).Help =
			"{kind: Pod, selector: app=web}; drain evicts all pods of a node"
	case kind != "Node" && kind != "Pod":
		l.wrong(d.On.At, "kind", "bad-kind", "disrupt works on nodes and pods, found the kind %q", shorten(kind)).Help =
			"{kind: Node, name: worker-1}, or {kind: Pod, selector: app=web} for the nodes that these run on"
	}
}
