package measure

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// labelSet is a pod's labels as a selector is written, app=web,tier=front: a fifth
// of the memory of a map. Neither keys nor values may have = or , in them.
type labelSet string

func newLabelSet(set map[string]string) labelSet {
	var b strings.Builder
	size := 0
	for k, v := range set {
		size += len(k) + len(v) + 2
	}
	b.Grow(size) // and no more: some sets are one pod's own
	for k, v := range set {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(v)
	}
	return labelSet(b.String())
}

// Lookup, Has and Get make it labels.Labels.
func (s labelSet) Lookup(key string) (string, bool) {
	for rest := string(s); rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, ",")
		if k, v, _ := strings.Cut(one, "="); k == key {
			return v, true
		}
	}
	return "", false
}

// Has is whether there is such a label.
func (s labelSet) Has(key string) bool {
	_, ok := s.Lookup(key)
	return ok
}

// Get is the value of a label, or nothing.
func (s labelSet) Get(key string) string {
	v, _ := s.Lookup(key)
	return v
}

// ownerOf is the pod's controller as KIND/NAME. A Deployment's pods belong to its
// ReplicaSets, whose names are the Deployment's and the template's hash.
func ownerOf(pod *corev1.Pod) string {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil {
		return ""
	}
	if hash := pod.Labels["pod-template-hash"]; ref.Kind == "ReplicaSet" && hash != "" {
		if deployment, ok := strings.CutSuffix(ref.Name, "-"+hash); ok {
			return "Deployment/" + deployment
		}
	}
	return ref.Kind + "/" + ref.Name
}
