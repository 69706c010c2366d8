package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImages(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		want       map[string]string
		wrong      []string // what the diagnostics say, after the file's name
	}{
		{name: "names in full", yaml: "map:\n  nginx: realspec.dev/web:1 # why\n  nginx:1.29.3: web\n  \"quay.io/a/b\": mirror.example/b:2\n",
			want: map[string]string{
				"docker.io/library/nginx": "realspec.dev/web:1", "docker.io/library/nginx:1.29.3": "docker.io/library/web",
				"quay.io/a/b": "mirror.example/b:2",
			}},
		{name: "nothing mapped", yaml: "map: {}\n", want: map[string]string{}},
		{name: "empty", yaml: "# nothing\n", wrong: []string{": error: the file is empty"}},
		{name: "syntax", yaml: "map:\n  nginx: [\n", wrong: []string{":2:10: error: "}},
		{name: "every error", yaml: "maps: {}\nmap:\n  Nginx: web:1\n  nginx: {a: b}\n  redis: web:1:2\n  docker.io/nginx: a\n  busybox:\n",
			wrong: []string{
				`:1:1: error: unknown field "maps" in an image map`,
				`:3:3: error: Nginx is no image: it is not NAME`,
				":4:10: error: nginx takes the image that runs instead, found a mapping",
				`:5:10: error: web:1:2 is no image`,
				":6:3: error: docker.io/library/nginx is there twice",
				":7:11: error: busybox takes the image that runs instead, found nothing",
			}},
		{name: "a list", yaml: "- a\n", wrong: []string{":1:1: error: the file takes names of images"}},
		{name: "two documents", yaml: "map: {}\n---\nmap: {}\n", wrong: []string{":3:1: error: an image map has one document"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "images.yaml")
			if err := os.WriteFile(file, []byte(tc.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			images, files, diags := Images(file)
			if len(files[file]) != len(tc.yaml) {
				t.Error("the content of the file is not there for the diagnostics")
			}
			if len(diags) != len(tc.wrong) {
				t.Fatalf("%d diagnostics, want %d: %v", len(diags), len(tc.wrong), diags)
			}
			for i, want := range tc.wrong {
				if got := diags[i].String(); !strings.HasPrefix(got, file+want) {
					t.Errorf("got %s; want %s", got, want)
				}
			}
			if len(diags) > 0 {
				return
			}
			got := map[string]string{}
			for from, to := range images {
				got[from.String()] = to.String()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, _, diags := Images("/no/such/file"); !diags.HasErrors() {
		t.Error("a file that is not there is no error")
	}
}
