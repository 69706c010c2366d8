package ready

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestOf reads testdata/*.yaml: each document is an object, and its annotation
// "want" is the state and the message, "state: message".
func TestOf(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	states := map[State]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range strings.Split(string(raw), "\n---\n") {
			u := objectOf(t, text)
			want := u.GetAnnotations()["want"]
			u.SetAnnotations(nil)
			t.Run(filepath.Base(file)+" "+u.GetName(), func(t *testing.T) {
				before := u.DeepCopy()
				got := Of(u)
				if text := string(got.State) + ": " + got.Message; text != want {
					t.Errorf("got  %s\nwant %s", text, want)
				}
				if diff := cmp.Diff(before.Object, u.Object); diff != "" {
					t.Errorf("the object was changed: %s", diff)
				}
				states[got.State]++
			})
		}
	}
	for _, s := range []State{Ready, Progressing, Failed, Terminating} {
		if states[s] < 2 {
			t.Errorf("only %d documents are %s", states[s], s)
		}
	}
}

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}

// FuzzOf: no status, however odd, stops a run.
func FuzzOf(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, text := range strings.Split(string(raw), "\n---\n") {
			if raw, err := yaml.YAMLToJSON([]byte(text)); err == nil {
				f.Add(raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		u := &unstructured.Unstructured{}
		if u.UnmarshalJSON(raw) != nil {
			return
		}
		switch got := Of(u); got.State {
		case Ready, Progressing, Failed, Terminating:
			if got.Message == "" {
				t.Errorf("no words for %s", raw)
			}
		default:
			t.Errorf("no state for %s", raw)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("testdata", "pods.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n---\n")
	u := &unstructured.Unstructured{}
	text, err := yaml.YAMLToJSON([]byte(first))
	if err == nil {
		err = u.UnmarshalJSON(text)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Of(u)
	}
}
