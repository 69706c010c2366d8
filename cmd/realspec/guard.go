package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/spec"
)

// inCluster is the name of the context in a pod, which has none.
const inCluster = "in-cluster"

// refuse says that nothing may be written to a cluster whose context is protected,
// and what would allow it. No flag does: only who can change the configuration can.
func refuse(config *spec.Config, info cluster.Info) error {
	name := cmp.Or(info.Context, inCluster)
	pattern, protected := config.ProtectsContext(name)
	if !protected {
		return nil
	}
	by := "by default"
	if config != nil && config.Contexts.Protected != nil {
		by = config.Contexts.At.String()
	}
	return usage("the context %s is protected (%s, %s): nothing runs on it\n"+
		"  to allow it, write in %s: contexts: {allowed: [%s]}\n"+
		"  --cluster local runs on the embedded cluster",
		name, pattern, by, config.File(), quoted(name))
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9][\w./@-]*$`)

// quoted is a name as YAML takes it in a list.
func quoted(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

// connection says which configuration is used, and why the others are not.
func (k kubeFlags) connection(a *app, info cluster.Info) string {
	text := info.Source
	if info.Context != "" {
		text = "context " + info.Context + " of " + info.Source
	}
	if missing := missingFiles(k, a); len(missing) > 0 {
		text += " (not there: " + strings.Join(missing, ", ") + ")"
	}
	for _, s := range cluster.Sources(k.options(a)) {
		if !s.Used {
			text += "; not " + s.Name + ": " + strings.TrimPrefix(s.Why, "not looked at: ")
		}
	}
	return text
}

// missingFiles are the files of a KUBECONFIG list that are not there. kubectl
// passes over them in silence too.
func missingFiles(k kubeFlags, a *app) []string {
	if k.Kubeconfig != "" {
		return nil
	}
	var missing []string
	for _, file := range filepath.SplitList(a.getenv("KUBECONFIG")) {
		if _, err := os.Stat(file); file != "" && err != nil {
			missing = append(missing, file)
		}
	}
	return missing
}
