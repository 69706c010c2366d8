package cluster

// LabelCanary marks realspec's own echo probes in the scenario's namespace. They
// measure how far the watch is behind, and are nothing of the scenario's: no
// feed, no list and no measure shows them.
const LabelCanary = "realspec.dev/canary"

// withoutCanaries narrows a label selector, where canaries can be at all, so
// that the server need not send them.
func withoutCanaries(r Resource, selector string) string {
	if r.GVR != Pods.GVR && r.GVR != ConfigMaps.GVR {
		return selector
	}
	if selector != "" {
		selector += ","
	}
	return selector + "!" + LabelCanary
}

// isCanary tells a canary among other objects.
func isCanary(object map[string]any) bool {
	metadata, _ := object["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	_, ok := labels[LabelCanary]
	return ok
}
