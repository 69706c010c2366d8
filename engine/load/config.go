package load

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/spec"
)

// FindConfig is the path of the configuration that goes for a folder: .realspec.yaml
// in it, or in the nearest folder above it up to the root of the git repository.
// Without a repository only the folder itself is looked at. It is "" where there is
// none.
func FindConfig(dir string) string {
	var above []string
	for at := dir; ; at = filepath.Dir(at) {
		above = append(above, at)
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			break
		}
		if filepath.Dir(at) == at { // no repository
			above = above[:1]
			break
		}
	}
	for _, at := range above {
		path := filepath.Join(at, spec.ConfigFile)
		if _, err := os.Lstat(path); err == nil {
			return path
		}
	}
	return ""
}

// Config reads a configuration, as strictly as a scenario. The second answer is the
// content of the file, for rendering diagnostics.
func Config(path string) (*spec.Config, []byte, diag.List) {
	l := &loader{
		dir: filepath.Dir(path), files: map[string][]byte{}, texts: map[string]*text{},
		marks: map[mark]marked{}, types: map[reflect.Type]*structure{},
	}
	out := &spec.Config{}
	t, ok := l.read(path, spec.Pos{File: path})
	if !ok {
		return out, l.files[path], l.finish()
	}
	docs, ok := l.parse(t)
	switch {
	case len(docs) > 0:
		d := l.decoder(t, docs[0].node)
		d.decode(docs[0].node, out, "the configuration")
		for _, extra := range docs[1:] {
			d.add(extra.node, "two-scenarios", "the configuration has a second document")
		}
	case ok:
		l.diags.Add(spec.Pos{File: path}, "empty-file", "the configuration is empty").Help =
			"it begins with apiVersion: " + spec.APIVersion
	}
	l.checkConfig(out)
	return out, l.files[path], l.finish()
}

func (l *loader) checkConfig(c *spec.Config) {
	if c.APIVersion != "" && c.APIVersion != spec.APIVersion {
		l.wrong(c.At, "apiVersion", "bad-version", "unknown apiVersion %q", c.APIVersion).Help =
			"this realspec reads " + spec.APIVersion
	}
	if c.Kind != "" && c.Kind != spec.KindConfig {
		l.wrong(c.At, "kind", "bad-kind", "unknown kind %q", c.Kind).Help =
			"the kind of a configuration is " + spec.KindConfig
	}
	l.checkPatterns(c.Contexts.At, "allowed", c.Contexts.Allowed)
	l.checkPatterns(c.Contexts.At, "protected", c.Contexts.Protected)
	l.checkPatterns(c.Namespaces.At, "allowed", c.Namespaces.Allowed)
	l.checkPatterns(c.Namespaces.At, "protected", c.Namespaces.Protected)
	l.checkPositive(c.Caps.At, "time", c.Caps.Time)
	if c.Caps.Time.Expr != nil {
		l.wrong(c.Caps.At, "time", "bad-duration", "a configuration knows no variables, so its durations cannot hold ${{ }}").Help =
			"write a duration such as 20m"
	}
}

func (l *loader) checkPatterns(at spec.Pos, field string, patterns []string) {
	for i, p := range patterns {
		if strings.TrimSpace(p) == "" && l.isText(at, field, i) {
			pos, width := l.item(at, field, i)
			l.addAt(pos, width, "empty", "this pattern is empty").Help = `a pattern is such as "*prod*"`
		}
	}
}
