package cluster

import (
	"os"
	"strings"
)

// Source is one place where the configuration may come from.
type Source struct {
	Name string `json:"name"`
	Used bool   `json:"used"`
	Why  string `json:"why"` // why it is used, or why not
}

// Sources lists where the configuration is looked for, in kubectl's order: which
// place is used and why the others are not. At most one is used.
func Sources(o Options) []Source {
	o = o.withDefaults()
	all := []Source{
		{Name: "--kubeconfig", Why: "not given"}, {Name: "KUBECONFIG", Why: "not set"},
		{Name: "~/.kube/config", Why: "there is no such file"}, {Name: "the pod's service account", Why: "this is not a pod"},
	}
	used := -1
	use := func(i int, why string) {
		if used >= 0 {
			all[i].Why = "not looked at: " + all[used].Name + " goes first"
			return
		}
		used, all[i].Used, all[i].Why = i, true, why
	}
	if o.Kubeconfig != "" {
		use(0, o.Kubeconfig)
	}
	if list := o.Env("KUBECONFIG"); list != "" {
		use(1, strings.Join(configList(list), " and "))
	}
	o.Kubeconfig = ""
	env := o.Env
	o.Env = func(name string) string {
		if name == "KUBECONFIG" {
			return ""
		}
		return env(name)
	}
	if files, source, _ := configFiles(o); len(files) > 0 {
		if config, err := readConfigs(files, source, false); err != nil || config != nil {
			use(2, "found")
		} else if _, err := os.Stat(files[0]); err == nil {
			all[2].Why = "it names no cluster"
		}
	}
	if env("KUBERNETES_SERVICE_HOST") != "" && env("KUBERNETES_SERVICE_PORT") != "" {
		use(3, "this is a pod")
	}
	return all
}

func configList(list string) []string {
	o := Options{Env: func(name string) string {
		if name == "KUBECONFIG" {
			return list
		}
		return ""
	}}
	files, _, _ := configFiles(o)
	return files
}

// inClusterNamespace is where a pod finds its own namespace.
const inClusterNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Namespace is the namespace that kubectl would use: the context's, the pod's own
// in a pod, or default.
func Namespace(o Options) string {
	o = o.withDefaults()
	files, source, demanded := configFiles(o)
	merged, err := readConfigs(files, source, demanded)
	if err != nil {
		return defaultNamespace
	}
	if merged == nil {
		if text, err := os.ReadFile(inClusterNamespace); err == nil && len(text) > 0 {
			return strings.TrimSpace(string(text))
		}
		return defaultNamespace
	}
	if name, err := chooseContext(merged, source, o.Context); err == nil && merged.Contexts[name].Namespace != "" {
		return merged.Contexts[name].Namespace
	}
	return defaultNamespace
}

const defaultNamespace = "default"
