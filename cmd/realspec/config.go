package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/load"
	"github.com/realspec/realspec/engine/spec"
)

// config is the configuration that goes for a command: the file of --config, or
// the nearest .realspec.yaml. It is nil where there is none. One that is not valid
// stops everything: what it was to refuse is not known.
func (k kubeFlags) config(a *app) (*spec.Config, error) {
	path := k.Config
	if path == "" {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		if path = load.FindConfig(dir); path == "" {
			return nil, nil
		}
		if near, err := filepath.Rel(dir, path); err == nil {
			path = near
		}
	}
	config, content, diags := load.Config(path)
	if diags.HasErrors() {
		var text bytes.Buffer
		diag.Render(&text, diags, func(string) []byte { return content }, false)
		return nil, usage("the configuration is not valid\n%s", strings.TrimRight(text.String(), "\n"))
	}
	return config, nil
}
