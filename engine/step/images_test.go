package step

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/spec"
)

// testImages is a map with an entry of every kind.
func testImages(t *testing.T, notice func(string)) *Images {
	t.Helper()
	parse := func(text string) spec.Image {
		i, err := spec.ParseImage(text)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	instead := map[spec.Image]spec.Image{}
	for from, to := range map[string]string{
		"nginx": "realspec.dev/web:1", "nginx:1.29.3": "realspec.dev/web:2", "redis:latest": "realspec.dev/redis:7",
		"nginx" + digest: "realspec.dev/web:3", "nginx:1.29.3" + digest: "realspec.dev/web:4", "postgres": "mirror.example/postgres",
	} {
		instead[parse(from)] = parse(to)
	}
	return NewImages(instead, notice)
}

var digest = "@sha256:" + strings.Repeat("ab", 32)

func TestInstead(t *testing.T) {
	m := testImages(t, func(string) {})
	for _, tc := range []struct{ image, want string }{
		{"nginx", "realspec.dev/web:1"},
		{"nginx:1.0", "realspec.dev/web:1"},
		{"docker.io/library/nginx:1.29.3", "realspec.dev/web:2"},
		{"nginx:1.0" + digest, "realspec.dev/web:3"},
		{"nginx:1.29.3" + digest, "realspec.dev/web:4"},
		{"redis", "realspec.dev/redis:7"},
		{"redis:latest", "realspec.dev/redis:7"},
		{"redis:8", ""},
		{"quay.io/nginx", ""},
		{"postgres", "mirror.example/postgres"},
		{"postgres:17", "mirror.example/postgres:17"},
		{"postgres:17" + digest, "mirror.example/postgres:17" + digest},
		{"NOT AN IMAGE", ""},
		{"", ""},
	} {
		got, mapped := m.Instead(tc.image)
		if tc.want == "" && (mapped || got != tc.image) || tc.want != "" && (!mapped || got != tc.want) {
			t.Errorf("%s: got %s, %v; want %s", tc.image, got, mapped, tc.want)
		}
	}
	if got, mapped := (*Images)(nil).Instead("nginx"); mapped || got != "nginx" {
		t.Errorf("no map changes nginx to %s", got)
	}
}

func TestRewrite(t *testing.T) {
	const pod = `
  initContainers: [{name: a, image: nginx, imagePullPolicy: Always}]
  containers: [{name: b, image: "nginx:1.29.3"}, {name: c, image: "other:1"}]
  ephemeralContainers: [{name: d, image: nginx}]`
	const want = `
  initContainers: [{name: a, image: "realspec.dev/web:1", imagePullPolicy: Always}]
  containers: [{name: b, image: "realspec.dev/web:2", imagePullPolicy: IfNotPresent}, {name: c, image: "other:1"}]
  ephemeralContainers: [{name: d, image: "realspec.dev/web:1", imagePullPolicy: IfNotPresent}]`
	for _, tc := range []struct{ kind, before, indent string }{
		{"Pod", "spec:", ""},
		{"PodTemplate", "template:\n  spec:", "  "},
		{"Deployment", "spec:\n  template:\n    spec:", "    "},
		{"StatefulSet", "spec:\n  template:\n    spec:", "    "},
		{"Rollout", "spec:\n  template:\n    spec:", "    "},
		{"CronJob", "spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:", "        "},
	} {
		object := func(pod string) map[string]any {
			var out map[string]any
			text := "kind: " + tc.kind + "\n" + tc.before + strings.ReplaceAll(pod, "\n", "\n"+tc.indent)
			if err := yaml.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(err)
			}
			return out
		}
		var said []string
		m := testImages(t, func(text string) { said = append(said, text) })
		got := object(pod)
		m.Rewrite(got)
		m.Rewrite(got) // what was rewritten stays as it is
		m.Rewrite(object(pod))
		if diff := cmp.Diff(object(want), got); diff != "" {
			t.Errorf("%s: %s", tc.kind, diff)
		}
		notices := []string{"image nginx:1.29.3 → realspec.dev/web:2", "image nginx → realspec.dev/web:1"}
		if diff := cmp.Diff(notices, said); diff != "" {
			t.Errorf("%s: %s", tc.kind, diff)
		}
	}
}

// What has no pods, or is no object at all, stays as it is.
func TestRewriteLeavesTheRest(t *testing.T) {
	m := testImages(t, func(text string) { t.Error(text) })
	for _, text := range []string{
		`{}`, `{spec: nginx}`, `{spec: {template: nginx}}`, `{spec: {containers: nginx}}`, `{spec: {containers: [nginx, {}, {image: 5}]}}`,
		`{kind: ConfigMap, data: {image: nginx}}`, `{spec: {image: nginx}}`,
	} {
		var before, after map[string]any
		for _, into := range []*map[string]any{&before, &after} {
			if err := yaml.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		m.Rewrite(after)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	}
}
