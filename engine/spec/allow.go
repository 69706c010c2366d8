package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The values of `allow`.
const (
	AllowDisruption    = "disruption"
	AllowClusterScoped = "cluster-scoped"
	AllowPrivileged    = "privileged"
	AllowHostPath      = "host-path"
	AllowNamespaces    = "namespaces"
)

// PodPath is where a kind of Kubernetes holds the spec of its pods; nil for one
// that has none.
func PodPath(kind string) []string {
	switch kind {
	case "Pod":
		return []string{"spec"}
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job":
		return []string{"spec", "template", "spec"}
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	case "PodTemplate":
		return []string{"template", "spec"}
	}
	return nil
}

// Reach is a field by which pods reach beyond themselves.
type Reach struct {
	// Allow is the value of `allow` that it takes.
	Allow string
	// At is the field, as a JSON pointer.
	At string
	// Why says what it does.
	Why string
}

// Reaches are the fields of an object, or of a patch of one, by which its pods
// reach beyond themselves: what the baseline level of Kubernetes' Pod Security
// Standards refuses, except profiles of seccomp, AppArmor and SELinux and sysctls.
// Where kinds have no pods that are known, there is none.
func Reaches(kind string, fields map[string]any) []Reach {
	if PodPath(kind) == nil {
		return nil
	}
	return inOrder(reachesIn(fields))
}

// ReachesOf is Reaches for one operation of a JSON patch.
func ReachesOf(kind string, operation map[string]any) []Reach {
	path, _ := operation["path"].(string)
	if PodPath(kind) == nil || operation["op"] != "add" && operation["op"] != "replace" {
		return nil
	}
	last := strings.LastIndexByte(path, '/')
	if strings.HasSuffix(path[:max(last, 0)], "/add") { // one more capability
		return below("/value", capability(operation["value"]))
	}
	return inOrder(below("/value", reachesAt(path[last+1:], operation["value"])))
}

func inOrder(all []Reach) []Reach {
	slices.SortFunc(all, func(a, b Reach) int { return strings.Compare(a.At, b.At) })
	return all
}

// below puts a path in front. Paths are made for what is found only: the objects of
// a load are looked at while it is timed.
func below(path string, found []Reach) []Reach {
	for i := range found {
		found[i].At = path + found[i].At
	}
	return found
}

func reachesIn(value any) (all []Reach) {
	switch value := value.(type) {
	case map[string]any:
		for name, field := range value {
			if found := reachesAt(name, field); found != nil {
				all = append(all, below("/"+name, found)...)
			}
		}
	case []any:
		for i, item := range value {
			if found := reachesIn(item); found != nil {
				all = append(all, below(fmt.Sprintf("/%d", i), found)...)
			}
		}
	}
	return all
}

// reachesAt looks at a field by its name: no other part of a pod has fields of these
// names and kinds, wherever a patch puts them.
func reachesAt(name string, value any) []Reach {
	all := reachesIn(value)
	set := value == true
	switch name {
	case "privileged":
		if set {
			all = append(all, Reach{Allow: AllowPrivileged, Why: "a privileged container may do everything on its node"})
		}
	case "hostNetwork", "hostPID", "hostIPC":
		if set {
			all = append(all, Reach{Allow: AllowHostPath, Why: name + " makes the pod a part of its node"})
		}
	case "hostProcess":
		if set {
			all = append(all, Reach{Allow: AllowPrivileged, Why: "a HostProcess container is a process of its node"})
		}
	case "procMount":
		if value == "Unmasked" {
			all = append(all, Reach{Allow: AllowPrivileged, Why: "an unmasked /proc shows the node's kernel"})
		}
	case "add":
		list, _ := value.([]any)
		for i, item := range list {
			if found := capability(item); found != nil {
				all = append(all, below(fmt.Sprintf("/%d", i), found)...)
			}
		}
	case "hostPort":
		if opensPort(value) {
			all = append(all, Reach{Allow: AllowHostPath, Why: "a hostPort is a port of the node"})
		}
	case "hostPath":
		text, isText := value.(string)
		if _, isMap := value.(map[string]any); isMap || isText && strings.Contains(text, "${{") {
			all = append(all, Reach{Allow: AllowHostPath, Why: "a hostPath volume is a folder of the node"})
		}
	}
	return all
}

// usualCapabilities are those that any container may add, by the baseline level of
// Kubernetes' Pod Security Standards: runtimes give them to every container.
var usualCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
	"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// capability is what a container reaches by one more of them.
func capability(name any) []Reach {
	text, ok := name.(string)
	if !ok || slices.Contains(usualCapabilities, text) || strings.Contains(text, "${{") {
		return nil
	}
	return []Reach{{Allow: AllowPrivileged, Why: "the capability " + text + " is beyond what containers usually have"}}
}

// opensPort tells whether a hostPort is one: 0 is none.
func opensPort(value any) bool {
	switch port := value.(type) {
	case int64:
		return port != 0
	case float64:
		return port != 0
	case json.Number:
		return port != "0"
	}
	return false
}

// Written is one thing that a step changes on a cluster: an object that it sends,
// or those that it selects.
type Written struct {
	// Verb is what is done: apply, create, delete, patch, evict, or run a command in.
	Verb string
	// Object is the object as it is written; nil where On is set.
	Object *Object
	// On selects the objects.
	On *Selector
	// Merge, Strategic and JSON are what is sent with patch, as in Patch.
	Merge, Strategic Object
	JSON             []Object
}

// Writes are what a step changes, without the steps under `during`.
func (s *Step) Writes() []Written {
	var out []Written
	objects := func(verb string, objects []Object) {
		for i := range objects {
			out = append(out, Written{Verb: verb, Object: &objects[i]})
		}
	}
	switch {
	case s.Apply != nil:
		objects("apply", s.Apply.Manifests)
		objects("apply", s.Apply.Objects)
	case s.Load != nil:
		out = append(out, Written{Verb: "create", Object: &s.Load.Object})
	case s.Patch != nil:
		p := s.Patch
		out = append(out, Written{Verb: "patch", On: &p.On, Merge: p.Merge, Strategic: p.Strategic, JSON: p.JSON})
	case s.Delete != nil:
		objects("delete", s.Delete.Manifests)
		for i := range s.Delete.On {
			out = append(out, Written{Verb: "delete", On: &s.Delete.On[i]})
		}
	case s.Exec != nil:
		out = append(out, Written{Verb: runIn, On: &s.Exec.On})
	case s.Disrupt != nil && s.Disrupt.Action == "evict":
		out = append(out, Written{Verb: "evict", On: &s.Disrupt.On})
	}
	for i := range s.Measure {
		out = append(out, s.Measure[i].writes()...)
	}
	return out
}

const runIn = "run a command in"

func (m *Measure) writes() []Written {
	switch {
	case m.Exec != nil:
		return []Written{{Verb: runIn, On: &m.Exec.On}}
	case m.API != nil && m.API.Verb == "patch" && m.API.On != nil:
		return []Written{{Verb: "patch", On: m.API.On, Merge: m.API.Merge}}
	case m.API != nil && m.API.Verb == "create":
		return []Written{{Verb: "create", Object: &m.API.Object}}
	}
	return nil
}

// IsRunNamespace tells whether a namespace, as it is written, is the scenario's
// own: none, or ${{ run.namespace }}.
func IsRunNamespace(text string) bool {
	inner, opened := strings.CutPrefix(text, "${{")
	inner, closed := strings.CutSuffix(inner, "}}")
	return text == "" || opened && closed && strings.TrimSpace(inner) == "run.namespace"
}
