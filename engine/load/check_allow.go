package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/realspec/realspec/engine/spec"
)

// What a scenario does beyond its own namespace and ordinary pods is written in
// its own file, where a reader sees it before the run does it. Here it is judged as
// far as it is written out; what expressions give is judged when it is sent.

// consent is what a scenario may do; nil when that cannot be told.
func consent(s *spec.Scenario) []string {
	if !s.Spec.At.IsValid() && !s.At.IsValid() {
		return nil
	}
	return append([]string{}, s.Spec.Allow...)
}

func (l *loader) allows(what string) bool {
	return l.allowed == nil || slices.Contains(l.allowed, what)
}

func allowHelp(what string) string {
	return "write allow: [" + what + "] under spec in scenario.yaml"
}

// checkAllowed looks at all that the steps write.
func (l *loader) checkAllowed(out *Loaded) {
	own := ownNamespaces(out.Steps)
	var visit func(s *spec.Step)
	visit = func(s *spec.Step) {
		for _, o := range writes(s) {
			l.checkWrite(o, own)
		}
		for _, sel := range changes(s) {
			l.checkChange(sel, own)
		}
		for i := range s.During {
			visit(&s.During[i])
		}
	}
	for _, s := range out.Steps {
		visit(s)
	}
}

// writes are the objects that a step creates or changes.
func writes(s *spec.Step) []spec.Object {
	var out []spec.Object
	if s.Apply != nil {
		out = slices.Concat(s.Apply.Objects, s.Apply.Manifests)
	}
	if s.Load != nil {
		out = append(out, s.Load.Object)
	}
	for i := range s.Measure {
		if api := s.Measure[i].API; api != nil {
			out = append(out, api.Object)
		}
	}
	return out
}

// changes are the selections that a step changes, deletes or works in.
func changes(s *spec.Step) []*spec.Selector {
	var out []*spec.Selector
	if s.Patch != nil {
		out = append(out, &s.Patch.On)
	}
	if s.Delete != nil {
		for i := range s.Delete.On {
			out = append(out, &s.Delete.On[i])
		}
	}
	if s.Exec != nil {
		out = append(out, &s.Exec.On)
	}
	for i := range s.Measure {
		if e := s.Measure[i].Exec; e != nil {
			out = append(out, &e.On)
		}
	}
	return out
}

// ownNamespaces are the namespaces that the scenario makes, as they are written.
func ownNamespaces(steps []*spec.Step) []string {
	var own []string
	var visit func(s *spec.Step)
	visit = func(s *spec.Step) {
		for _, o := range writes(s) {
			if metadata, _ := o.Fields["metadata"].(map[string]any); o.Fields["kind"] == "Namespace" {
				name, _ := metadata["name"].(string)
				own = append(own, name)
			}
		}
		for i := range s.During {
			visit(&s.During[i])
		}
	}
	for _, s := range steps {
		visit(s)
	}
	return own
}

func (l *loader) checkWrite(o spec.Object, own []string) {
	apiVersion, _ := o.Fields["apiVersion"].(string)
	kind, _ := o.Fields["kind"].(string)
	if kind == "" {
		return
	}
	metadata, _ := o.Fields["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	switch {
	case isClusterScoped(apiVersion, kind):
		l.needsAllow(orAt(o, "/kind"), spec.AllowClusterScoped, "the kind %s belongs to the whole cluster", kind)
	case !isOwn(namespace, own):
		l.needsAllow(orAt(o, "/metadata/namespace"), spec.AllowNamespaces, "this %s goes into the namespace %s, which the scenario did not make",
			kind, shorten(namespace))
	}
	if pod, at := podSpec(o.Fields, kind); pod != nil {
		l.checkPrivileged(o, pod, at)
		l.checkHost(o, pod, at)
	}
}

func (l *loader) checkChange(s *spec.Selector, own []string) {
	switch {
	case !s.At.IsValid():
	case isClusterScoped(s.APIVersion, s.Kind):
		pos, _ := l.valueOf(s.At, "kind")
		l.needsAllow(pos, spec.AllowClusterScoped, "the kind %s belongs to the whole cluster", s.Kind)
	case !isOwn(s.Namespace.Text, own):
		pos, _ := l.valueOf(s.At, "namespace")
		l.needsAllow(pos, spec.AllowNamespaces, "this is done in the namespace %s, which the scenario did not make", shorten(s.Namespace.Text))
	}
}

func (l *loader) needsAllow(at spec.Pos, what, format string, args ...any) {
	if !l.allows(what) {
		l.diags.Add(at, "needs-allow", format, args...).Help = allowHelp(what)
	}
}

// isOwn tells whether a namespace, as it is written, is the scenario's own or one
// that it makes.
func isOwn(namespace string, own []string) bool {
	inner := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(namespace, "${{"), "}}"))
	return namespace == "" || inner == "run.namespace" || slices.Contains(own, namespace)
}

// clusterScoped are the kinds of Kubernetes itself that have no namespace, by
// their API groups.
var clusterScoped = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"storage.k8s.io":               {"StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"resource.k8s.io":              {"DeviceClass", "ResourceSlice", "DeviceTaintRule"},
	"admissionregistration.k8s.io": {
		"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	},
}

// isClusterScoped tells whether a kind has no namespace. A selector may leave its
// apiVersion out.
func isClusterScoped(apiVersion, kind string) bool {
	group, _, grouped := strings.Cut(apiVersion, "/")
	if apiVersion == "" {
		for _, kinds := range clusterScoped {
			if slices.Contains(kinds, kind) {
				return true
			}
		}
	}
	if !grouped {
		group = ""
	}
	return slices.Contains(clusterScoped[group], kind)
}

// podSpec is the part of an object that says what its pods are, and where it is.
func podSpec(fields map[string]any, kind string) (map[string]any, string) {
	path := map[string]string{
		"Pod": "/spec", "Deployment": "/spec/template/spec", "StatefulSet": "/spec/template/spec",
		"DaemonSet": "/spec/template/spec", "ReplicaSet": "/spec/template/spec", "Job": "/spec/template/spec",
		"ReplicationController": "/spec/template/spec", "CronJob": "/spec/jobTemplate/spec/template/spec",
		"PodTemplate": "/template/spec",
	}[kind]
	if path == "" {
		return nil, ""
	}
	for step := range strings.SplitSeq(path[1:], "/") {
		fields, _ = fields[step].(map[string]any)
	}
	return fields, path
}

func (l *loader) checkPrivileged(o spec.Object, pod map[string]any, at string) {
	for _, field := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _ := pod[field].([]any)
		for i, c := range containers {
			container, _ := c.(map[string]any)
			security, _ := container["securityContext"].(map[string]any)
			if security["privileged"] == true {
				l.needsAllow(orAt(o, fmt.Sprintf("%s/%s/%d/securityContext/privileged", at, field, i)), spec.AllowPrivileged,
					"a privileged container may do everything on its node")
			}
		}
	}
}

func (l *loader) checkHost(o spec.Object, pod map[string]any, at string) {
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if pod[field] == true {
			l.needsAllow(orAt(o, at+"/"+field), spec.AllowHostPath, "%s makes the pod a part of its node", field)
		}
	}
	volumes, _ := pod["volumes"].([]any)
	for i, v := range volumes {
		volume, _ := v.(map[string]any)
		if volume["hostPath"] != nil {
			l.needsAllow(orAt(o, fmt.Sprintf("%s/volumes/%d/hostPath", at, i)), spec.AllowHostPath, "a hostPath volume is a folder of the node")
		}
	}
}
