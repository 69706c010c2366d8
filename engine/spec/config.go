package spec

import "strings"

// ConfigFile is the name of the configuration in a folder.
const ConfigFile = ".realspec.yaml"

// KindConfig is the only kind that the configuration may carry.
const KindConfig = "Config"

// Config is the content of .realspec.yaml: what runs may not do on clusters that
// are not realspec's own, and how much scenarios may create. It is read from the
// working directory, or from the nearest folder above it up to the root of the git
// repository; --config names another file. No flag overrides what it refuses.
type Config struct {
	// At is where the document begins.
	At Pos `json:"-"`
	// The version of the language. Always realspec.dev/v1alpha1.
	// Example: realspec.dev/v1alpha1.
	APIVersion string `json:"apiVersion" realspec:"required"`
	// Always Config. Example: Config.
	Kind string `json:"kind" realspec:"required"`
	// The contexts of kubeconfigs on which nothing runs.
	// Example: {allowed: [non-prod], protected: ["*prod*"]}.
	Contexts ContextRules `json:"contexts,omitempty"`
	// The namespaces in which scenarios write nothing.
	// Example: {allowed: [default]}.
	Namespaces NamespaceRules `json:"namespaces,omitempty"`
	// The most that one scenario may create. Example: {pods: 50, time: 20m}.
	Caps Caps `json:"caps,omitempty"`
}

// ContextRules protect clusters by the names of their contexts. In a pattern *
// stands for any characters and ? for one; upper and lower case are the same. In a
// pod, where there is no context, the name is in-cluster. Clusters that realspec
// starts itself are never refused.
type ContextRules struct {
	// At is where the rules begin.
	At Pos `json:"-"`
	// Patterns of contexts that may be used although they are protected.
	// Example: [non-prod, "*-preprod"].
	Allowed []string `json:"allowed,omitempty"`
	// Patterns of contexts that are refused, unless they are allowed; ["*"] leaves
	// only those. Default: *prod* and *prd*. Example: ["*prod*", "*live*"].
	Protected []string `json:"protected,omitempty"`
}

// NamespaceRules protect namespaces of clusters that are not realspec's own: no
// step writes in them, also where the scenario has allow: [namespaces]. Patterns
// are those of contexts. A scenario's own namespace is never protected.
type NamespaceRules struct {
	// At is where the rules begin.
	At Pos `json:"-"`
	// Patterns of namespaces that may be written in although they are protected.
	// Example: [default].
	Allowed []string `json:"allowed,omitempty"`
	// Patterns of namespaces that are protected, unless they are allowed.
	// Default: kube-* and default. Example: [kube-*, default, istio-system].
	Protected []string `json:"protected,omitempty"`
}

// Caps are the most that one scenario may create, on every cluster; realspec plan
// shows what it would. Counted are pods, the pods of workloads as often as their
// replicas, autoscalers and loads say, and of each its requests, or its limits
// where it has none. Pods that controllers of custom resources make are not known.
type Caps struct {
	// At is where the caps begin.
	At Pos `json:"-"`
	// Pods. Default: no cap. Example: 50. Unit: pods.
	Pods *int `json:"pods,omitempty"`
	// CPU that the pods request. Default: no cap. Example: "20". Unit: cores.
	CPU Quantity `json:"cpu,omitempty"`
	// Memory that the pods request. Default: no cap. Example: 64Gi. Unit: bytes.
	Memory Quantity `json:"memory,omitempty"`
	// GPUs, whatever their resource is called. Default: no cap. Example: 4. Unit:
	// GPUs.
	GPUs *int `json:"gpus,omitempty"`
	// The timeout of a scenario. Default: no cap. Example: 20m.
	Time Duration `json:"time,omitempty"`
}

// File is where the configuration stands, or would where there is none.
func (c *Config) File() string {
	if c == nil || c.At.File == "" {
		return ConfigFile
	}
	return c.At.File
}

// DefaultProtectedContexts hold where the configuration has none.
func DefaultProtectedContexts() []string { return []string{"*prod*", "*prd*"} }

// DefaultProtectedNamespaces hold where the configuration has none.
func DefaultProtectedNamespaces() []string { return []string{"kube-*", "default"} }

// ProtectsContext tells whether nothing may run on a context, and by which
// pattern. It works on no configuration too.
func (c *Config) ProtectsContext(name string) (pattern string, protected bool) {
	rules := ContextRules{}
	if c != nil {
		rules = c.Contexts
	}
	return protects(rules.Protected, DefaultProtectedContexts(), rules.Allowed, name)
}

// ProtectsNamespace tells whether scenarios may not write in a namespace, and by
// which pattern. It works on no configuration too.
func (c *Config) ProtectsNamespace(name string) (pattern string, protected bool) {
	rules := NamespaceRules{}
	if c != nil {
		rules = c.Namespaces
	}
	return protects(rules.Protected, DefaultProtectedNamespaces(), rules.Allowed, name)
}

// protects looks for the first pattern that fits. An empty list protects nothing,
// none at all what is protected by default.
func protects(protected, byDefault, allowed []string, name string) (string, bool) {
	if protected == nil {
		protected = byDefault
	}
	if _, ok := firstMatch(allowed, name); ok {
		return "", false
	}
	return firstMatch(protected, name)
}

func firstMatch(patterns []string, name string) (string, bool) {
	for _, p := range patterns {
		if matches([]rune(strings.ToLower(p)), []rune(strings.ToLower(name))) {
			return p, true
		}
	}
	return "", false
}

// matches compares a name with a pattern. Unlike path.Match, * stands for / too:
// contexts of EKS are called arn:aws:eks:eu-west-1:123456789012:cluster/prod.
func matches(pattern, name []rune) bool {
	star, back := -1, 0 // the last *, and how far the name was then
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			back++
			p, n = star+1, back
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
