package step

import (
	"sync"

	"github.com/realspec/realspec/engine/spec"
)

// Images says what runs instead of images that a cluster cannot pull. The
// scenarios of a run share one; nil changes nothing.
type Images struct {
	instead map[spec.Image]spec.Image
	notice  func(string)

	mu   sync.Mutex
	said map[string]bool
}

// NewImages returns an image map that tells each of its uses once.
func NewImages(instead map[spec.Image]spec.Image, notice func(string)) *Images {
	return &Images{instead: instead, notice: notice, said: map[string]bool{}}
}

// Instead returns what runs instead of an image, and whether the map has it. The
// most specific entry wins: one with the image's tag and digest, one with its
// digest, one with its tag, one with its name alone. An entry that names neither
// tag nor digest keeps those of the image.
func (m *Images) Instead(image string) (string, bool) {
	if m == nil || len(m.instead) == 0 {
		return image, false
	}
	i, err := spec.ParseImage(image)
	if err != nil {
		return image, false // the API server, or the node, says so
	}
	tag := i.Tag
	if tag == "" && i.Digest == "" {
		tag = "latest"
	}
	for _, from := range []spec.Image{
		i,
		{Repository: i.Repository, Digest: i.Digest},
		{Repository: i.Repository, Tag: tag},
		{Repository: i.Repository},
	} {
		to, mapped := m.instead[from]
		if !mapped {
			continue
		}
		if to.Tag == "" && to.Digest == "" {
			to.Tag, to.Digest = i.Tag, i.Digest
		}
		m.tell(image, to.String())
		return to.String(), true
	}
	return image, false
}

func (m *Images) tell(image, instead string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.said[image] {
		m.said[image] = true
		m.notice("image " + image + " → " + instead)
	}
}

// Rewrite changes the images in every pod, and every template of pods, of an
// object or a patch. What was put in is pulled only when a node lacks it, unless
// the object says otherwise: most of it is in no registry.
func (m *Images) Rewrite(object map[string]any) {
	if m == nil {
		return
	}
	for _, path := range podPaths {
		pod := object
		for _, name := range path {
			pod, _ = pod[name].(map[string]any)
		}
		m.pod(pod)
	}
}

// podPaths are where objects hold the spec of a pod.
var podPaths = [][]string{
	{"spec"},             // Pod
	{"template", "spec"}, // PodTemplate
	{"spec", "template", "spec"},
	{"spec", "jobTemplate", "spec", "template", "spec"}, // CronJob
}

// pod changes the containers of a pod's spec. Other specs have none.
func (m *Images) pod(pod map[string]any) {
	for _, field := range []string{"containers", "initContainers", "ephemeralContainers"} {
		list, _ := pod[field].([]any)
		for _, item := range list {
			container, _ := item.(map[string]any)
			image, _ := container["image"].(string)
			instead, mapped := m.Instead(image)
			if !mapped {
				continue
			}
			container["image"] = instead
			if container["imagePullPolicy"] == nil {
				container["imagePullPolicy"] = "IfNotPresent"
			}
		}
	}
}
