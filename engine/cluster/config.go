package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/realspec/realspec/engine/diag"
)

// loadConfig finds the configuration in kubectl's order: the file of the flag,
// the list of KUBECONFIG, ~/.kube/config, the pod's service account. Unlike
// kubectl it never falls back to localhost:8080, which was nobody's intention.
func loadConfig(o Options) (*rest.Config, Info, error) {
	if o.As == "" && len(o.AsGroups) > 0 {
		return nil, Info{}, &ConfigError{
			Source: "--as-group", Message: "--as-group is given without --as",
			Help: "say who to act as too: --as NAME",
		}
	}
	files, source, demanded := configFiles(o)
	merged, err := readConfigs(files, source, demanded)
	if err != nil {
		return nil, Info{}, err
	}
	if merged == nil {
		return inCluster(o)
	}
	return configOf(merged, source, o)
}

// configFiles are the files to read, what to call them, and whether somebody
// asked for them, so that finding nothing in them is an error.
func configFiles(o Options) (files []string, source string, demanded bool) {
	if o.Kubeconfig != "" {
		return []string{o.Kubeconfig}, "--kubeconfig " + o.Kubeconfig, true
	}
	if list := o.Env("KUBECONFIG"); list != "" {
		return slices.DeleteFunc(filepath.SplitList(list), func(f string) bool { return f == "" }),
			"KUBECONFIG=" + list, true
	}
	home := o.Env("HOME")
	if home == "" {
		home = o.Env("USERPROFILE")
	}
	if home == "" {
		return nil, "", false
	}
	return []string{filepath.Join(home, ".kube", "config")}, "~/.kube/config", false
}

// readConfigs reads and merges the files. A file of a KUBECONFIG list may be
// missing, as in kubectl, as long as one is there. The result is nil when
// nobody asked for the files and they hold nothing: what is left of
// ~/.kube/config after `kind delete cluster`.
func readConfigs(files []string, source string, demanded bool) (*api.Config, error) {
	var found []string
	for _, file := range files {
		config, err := clientcmd.LoadFromFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, &ConfigError{Source: source, Message: fmt.Sprintf("cannot read the kubeconfig %s: %s", file, plainYAML(err))}
		case !api.IsConfigEmpty(config):
			found = append(found, file)
		case demanded && len(files) == 1:
			return nil, &ConfigError{
				Source: source, Message: fmt.Sprintf("the kubeconfig %s is empty: it names no cluster", file),
				Help: "see what is in it with: kubectl config view --kubeconfig " + file,
			}
		}
	}
	if len(found) == 0 {
		if !demanded {
			return nil, nil
		}
		return nil, &ConfigError{
			Source: source, Message: "there is no kubeconfig at " + strings.Join(files, " or "),
			Help: "give the right file with --kubeconfig FILE or KUBECONFIG",
		}
	}
	merged, err := (&clientcmd.ClientConfigLoadingRules{Precedence: found}).Load()
	if err != nil {
		return nil, &ConfigError{Source: source, Message: plainYAML(err)}
	}
	return merged, nil
}

// configOf picks the context and checks it.
func configOf(merged *api.Config, source string, o Options) (*rest.Config, Info, error) {
	name, err := chooseContext(merged, source, o.Context)
	if err != nil {
		return nil, Info{}, err
	}
	if err := checkContext(merged, source, name); err != nil {
		return nil, Info{}, err
	}
	overrides := &clientcmd.ConfigOverrides{}
	if o.As != "" {
		overrides.AuthInfo = api.AuthInfo{Impersonate: o.As, ImpersonateGroups: o.AsGroups}
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*merged, name, overrides, nil).ClientConfig()
	if err != nil {
		return nil, Info{}, &ConfigError{Source: source, Message: fmt.Sprintf("context %s: %s", quote(name), plainConfig(err))}
	}
	if o.As != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: o.As, Groups: o.AsGroups}
	}
	config.UserAgent = o.UserAgent
	if err := checkPlugin(config, source, name); err != nil {
		return nil, Info{}, err
	}
	return config, Info{Context: name, Server: config.Host, Source: source}, nil
}

func chooseContext(merged *api.Config, source, wanted string) (string, error) {
	names := slices.Sorted(maps.Keys(merged.Contexts))
	list := "it has no contexts"
	if len(names) > 0 {
		list = "its contexts: " + strings.Join(names, ", ")
	}
	name := wanted
	if name == "" {
		name = merged.CurrentContext
	}
	if name == "" {
		return "", &ConfigError{
			Source: source, Message: "the kubeconfig names no current context (" + source + ")",
			Help: list + "\nchoose one with --context NAME, or: kubectl config use-context NAME",
		}
	}
	if _, ok := merged.Contexts[name]; ok {
		return name, nil
	}
	what := "the current context " + quote(name)
	if wanted != "" {
		what = "context " + quote(name)
	}
	help := list
	if near := diag.Nearest(name, names); near != "" {
		help = "did you mean " + quote(near) + "?  " + list
	}
	return "", &ConfigError{Source: source, Message: what + " is not in the kubeconfig (" + source + ")", Help: help}
}

// checkContext finds out whether the cluster and the user of a context are there.
// client-go takes a missing cluster for no configuration at all.
func checkContext(merged *api.Config, source, name string) error {
	context := merged.Contexts[name]
	missing := func(what, missing string, known []string) error {
		err := &ConfigError{
			Source:  source,
			Message: fmt.Sprintf("context %s names the %s %s, which is not in the kubeconfig (%s)", quote(name), what, quote(missing), source),
		}
		if len(known) > 0 {
			err.Help = diag.DidYouMean(missing, known)
		}
		return err
	}
	if merged.Clusters[context.Cluster] == nil {
		return missing("cluster", context.Cluster, slices.Collect(maps.Keys(merged.Clusters)))
	}
	if context.AuthInfo != "" && merged.AuthInfos[context.AuthInfo] == nil {
		return missing("user", context.AuthInfo, slices.Collect(maps.Keys(merged.AuthInfos)))
	}
	return nil
}

// checkPlugin finds out before the first request whether the credential plugin
// is installed: by then the error would look like a server that does not answer.
func checkPlugin(config *rest.Config, source, context string) error {
	if config.ExecProvider == nil {
		return nil
	}
	command := config.ExecProvider.Command
	if _, err := exec.LookPath(command); err == nil {
		return nil
	}
	help := config.ExecProvider.InstallHint
	if help == "" {
		help = "install it, or put it on the PATH"
	}
	return &ConfigError{
		Source:  source,
		Message: fmt.Sprintf("context %s gets its credentials from the program %s, which is not installed", quote(context), quote(command)),
		Help:    help,
	}
}

// inCluster is the service account of the pod we run in.
func inCluster(o Options) (*rest.Config, Info, error) {
	if o.Env("KUBERNETES_SERVICE_HOST") == "" || o.Env("KUBERNETES_SERVICE_PORT") == "" {
		if o.Context != "" {
			return nil, Info{}, &ConfigError{
				Source:  "--context " + o.Context,
				Message: "context " + quote(o.Context) + " is asked for, but there is no kubeconfig",
				Help:    "give the file with --kubeconfig FILE or KUBECONFIG",
			}
		}
		return nil, Info{}, ErrNoConfig
	}
	const source = "the pod's service account"
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, Info{}, &ConfigError{Source: source, Message: "this is a pod, but its service account cannot be used: " + plainFile(err)}
	}
	if o.As != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: o.As, Groups: o.AsGroups}
	}
	config.UserAgent = o.UserAgent
	return config, Info{Server: config.Host, Source: source}, nil
}

// plainFile says what is wrong with a file.
func plainFile(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		if errors.Is(err, os.ErrNotExist) {
			return path.Path + " is missing"
		}
		return path.Path + ": " + path.Err.Error()
	}
	return err.Error()
}
