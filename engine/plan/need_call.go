package plan

import (
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// call adds what the steps take that ask something and check the answer, and
// disrupt.
func (n *needs) call(s *Step) {
	switch {
	case s.HTTP != nil && n.from(s, s.HTTP.URL, s.HTTP.From) == spec.FromCluster:
		n.agentPods(false, false)
	case s.Exec != nil:
		n.exec(s, &s.Exec.On)
	case s.Logs != nil:
		n.read(s, &s.Logs.On)
		n.sub("v1", "Pod", "log", n.text(s, s.Logs.On.Namespace), "get")
	case s.Disrupt != nil:
		n.disrupt(s)
	}
}

// exec opens a connection by POST or, over WebSockets, by GET, which are create
// and get to the authorizer.
func (n *needs) exec(s *Step, on *spec.Selector) {
	n.read(s, on)
	n.sub("v1", "Pod", "exec", n.text(s, on.Namespace), "create", "get")
}

func (n *needs) sub(apiVersion, kind, subresource, namespace string, verbs ...string) {
	for _, verb := range verbs {
		n.add(Need{Verb: verb, APIVersion: apiVersion, Kind: kind, Subresource: subresource, Namespace: namespace})
	}
}

// disrupt does through the API what the API has; stop, freeze, cut and delay are
// done to the machine of a cluster of realspec's own.
func (n *needs) disrupt(s *Step) {
	d := s.Disrupt
	n.read(s, &d.On)
	if d.Action == "evict" {
		n.sub("v1", "Pod", "eviction", n.text(s, d.On.Namespace), "create")
		n.selector(s, &d.On, "list", "watch")
		return
	}
	n.kind("v1", "Node", "", "get")
	switch d.Action {
	case "cordon", "uncordon":
		n.kind("v1", "Node", "", "patch")
	case "drain":
		n.kind("v1", "Node", "", "patch")
		n.add(Need{Verb: "list", APIVersion: "v1", Kind: "Pod", Namespace: AllNamespaces})
		n.sub("v1", "Pod", "eviction", AllNamespaces, "create")
	}
}

// AllNamespaces stands for every namespace of the cluster in a Need.
const AllNamespaces = "*"

// agentPods are pods of realspec's agent, reached through the API server's proxy.
// They stand in the scenario's namespace or one beside it, which is new too.
func (n *needs) agentPods(several, services bool) {
	n.kind("v1", "Pod", "", "create", "list", "watch", "delete")
	n.sub("v1", "Pod", "proxy", "", "create", "get")
	if several {
		n.kind("batch/v1", "Job", "", "create", "delete")
	}
	if services {
		n.kind("v1", "Service", "", "create", "delete")
	}
}

// agentRate is how many requests a second one agent sends where nothing is
// written.
const agentRate = 1000

// probed adds what the measures take that send traffic, run commands or ask
// kubelets.
func (n *needs) probed(s *Step, m *spec.Measure) {
	switch {
	case m.HTTP != nil && n.from(s, m.HTTP.URL, m.HTTP.From) == spec.FromCluster:
		n.agentPods(m.HTTP.Agents > 1 || m.HTTP.Agents == 0 && m.HTTP.Rate > agentRate, false)
	case m.Network != nil:
		n.agentPods(false, m.Network.Path != "pod" || m.Network.Transaction == "dns")
	case m.Usage != nil:
		n.sub("v1", "Node", "proxy", "", "get")
		if m.Usage.Of == "pods" {
			n.kind("v1", "Pod", n.text(s, m.Usage.Namespace), "list", "watch")
		}
	case m.Exec != nil:
		n.exec(s, &m.Exec.On)
	}
}

// impersonate is the right to act as another user. A service account is an object
// of its namespace to the authorizer, every other user a name.
func (n *needs) impersonate(user string) {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(account, ":")
		if strings.HasSuffix(namespace, "-"+runID) { // the scenario's own
			namespace = ""
		}
		n.add(Need{Verb: "impersonate", APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: name})
		return
	}
	if user != "" {
		n.add(Need{Verb: "impersonate", APIVersion: "v1", Kind: "User", Resource: "users", Name: user})
	}
}
