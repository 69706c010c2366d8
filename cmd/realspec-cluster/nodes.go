package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Pool is a number of equal nodes. Its JSON form is what 'status' shows.
type Pool struct {
	Name      string                       `json:"name"`                // prefix of the nodes' names
	Count     int                          `json:"count"`               // number of nodes
	CPU       resource.Quantity            `json:"cpu"`                 // of each node, as all below
	Memory    resource.Quantity            `json:"memory"`              //
	Storage   resource.Quantity            `json:"storage"`             // ephemeral-storage
	Pods      int                          `json:"pods"`                // how many pods fit
	GPU       int                          `json:"gpu,omitempty"`       // nvidia.com/gpu
	Resources map[string]resource.Quantity `json:"resources,omitempty"` // other extended resources
	Labels    map[string]string            `json:"labels,omitempty"`
	Taints    []Taint                      `json:"taints,omitempty"`
}

// Taint keeps pods off a node that do not tolerate it.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
}

// gpuResource is what the word gpu stands for.
const gpuResource = "nvidia.com/gpu"

// maxNodes keeps a slip of the keyboard from filling the machine's memory.
const maxNodes = 5000

// newPool returns a pool with every default: one node, 4 CPUs, 8 GiB.
func newPool() Pool {
	return Pool{
		Name:    "node",
		Count:   1,
		CPU:     resource.MustParse("4"),
		Memory:  resource.MustParse("8Gi"),
		Storage: resource.MustParse("100Gi"),
		Pods:    110,
	}
}

// parseShape reads the values of --nodes; without any it is the default pool.
func parseShape(specs []string) ([]Pool, error) {
	if len(specs) == 0 {
		return []Pool{newPool()}, nil
	}
	var pools []Pool
	for _, spec := range specs {
		pool, err := parsePool(spec)
		if err != nil {
			return nil, usageError("--nodes %s: %w", spec, err)
		}
		pools = append(pools, pool)
	}
	return pools, checkTotal(pools)
}

func checkTotal(pools []Pool) error {
	total := countNodes(pools)
	if total > maxNodes {
		return usageError("%d nodes asked for; at most %d nodes are supported in a cluster", total, maxNodes)
	}
	return nil
}

func countNodes(pools []Pool) int {
	total := 0
	for _, pool := range pools {
		total += pool.Count
	}
	return total
}

// parsePool reads one pool: key=value pairs with commas between them.
func parsePool(spec string) (Pool, error) { return newPool().with(spec) }

// with returns the pool with what a spec says of it.
func (p Pool) with(spec string) (Pool, error) {
	pool := p
	seen := map[string]bool{}
	for _, part := range strings.Split(spec, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found {
			return pool, fmt.Errorf("%q is not of the form key=value; for example count=3,cpu=8,memory=32Gi", part)
		}
		if seen[key] && key != "label" && key != "taint" {
			return pool, fmt.Errorf("%s is given twice", key)
		}
		seen[key] = true
		if err := pool.set(key, value); err != nil {
			return pool, err
		}
	}
	return pool, nil
}

// poolKeys are the keys of --nodes, other than names of resources.
var poolKeys = []string{"count", "cpu", "memory", "gpu", "pods", "storage", "name", "zone", "label", "taint"}

// set sets what one key=value pair says.
func (p *Pool) set(key, value string) (err error) {
	switch key {
	case "count":
		p.Count, err = parseCount(key, value, 1, maxNodes)
	case "cpu":
		p.CPU, err = parseQuantity(key, value, "8 or 500m")
	case "memory":
		p.Memory, err = parseQuantity(key, value, "32Gi")
	case "storage":
		p.Storage, err = parseQuantity(key, value, "100Gi")
	case "pods":
		p.Pods, err = parseCount(key, value, 1, 100_000)
	case "gpu", gpuResource:
		if p.GPU != 0 {
			return fmt.Errorf("gpu and %s are the same resource; give one of them", gpuResource)
		}
		p.GPU, err = parseCount(key, value, 0, 1_000_000)
	case "name":
		p.Name, err = parsePrefix(value)
	case "zone":
		err = p.addLabel(corev1.LabelTopologyZone, value)
	case "label":
		labelKey, labelValue, _ := strings.Cut(value, "=")
		err = p.addLabel(labelKey, labelValue)
	case "taint":
		err = p.addTaintText(value)
	default:
		if !strings.Contains(key, "/") {
			return fmt.Errorf("unknown key %q; known are %s, and extended resources such as example.com/fpga", key, strings.Join(poolKeys, ", "))
		}
		err = p.addResource(key, value)
	}
	return err
}

func parseCount(key, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s %q: want a whole number from %d to %d", key, value, low, high)
	}
	return n, nil
}

func parseQuantity(key, value, example string) (resource.Quantity, error) {
	quantity, err := resource.ParseQuantity(value)
	if err != nil || quantity.Sign() <= 0 {
		return quantity, fmt.Errorf("%s %q: want a quantity above zero, such as %s", key, value, example)
	}
	return quantity, nil
}

func parsePrefix(value string) (string, error) {
	// The longest number that follows has five characters with its dash.
	if problems := validation.IsDNS1123Label(value); len(problems) > 0 || len(value) > 50 {
		return "", fmt.Errorf("name %q: want at most 50 lower-case letters, digits and dashes, starting and ending with a letter or digit", value)
	}
	return value, nil
}

// reservedLabels are set by us and must not change: KWOK finds its nodes by
// the one, everything else finds nodes by the other.
var reservedLabels = []string{simulatedLabel, corev1.LabelHostname}

func (p *Pool) addLabel(key, value string) error {
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return fmt.Errorf("label key %q: %s", key, problems[0])
	}
	if problems := validation.IsValidLabelValue(value); len(problems) > 0 {
		return fmt.Errorf("label %s: value %q: %s", key, value, problems[0])
	}
	if slices.Contains(reservedLabels, key) {
		return fmt.Errorf("label %s is set by realspec-cluster itself; use another key", key)
	}
	if _, exists := p.Labels[key]; exists {
		return fmt.Errorf("label %s is given twice", key)
	}
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[key] = value
	return nil
}

// addTaintText reads a taint as kubectl writes it: key=value:effect.
func (p *Pool) addTaintText(text string) error {
	left, effect, found := strings.Cut(text, ":")
	if !found {
		return fmt.Errorf("taint %q: want key=value:effect or key:effect, such as gpu=only:NoSchedule", text)
	}
	key, value, _ := strings.Cut(left, "=")
	return p.addTaint(Taint{Key: key, Value: value, Effect: effect})
}

// taintEffects are those that Kubernetes knows.
var taintEffects = []string{string(corev1.TaintEffectNoSchedule), string(corev1.TaintEffectPreferNoSchedule), string(corev1.TaintEffectNoExecute)}

func (p *Pool) addTaint(taint Taint) error {
	if problems := validation.IsQualifiedName(taint.Key); len(problems) > 0 {
		return fmt.Errorf("taint key %q: %s", taint.Key, problems[0])
	}
	if problems := validation.IsValidLabelValue(taint.Value); len(problems) > 0 {
		return fmt.Errorf("taint %s: value %q: %s", taint.Key, taint.Value, problems[0])
	}
	if !slices.Contains(taintEffects, taint.Effect) {
		return fmt.Errorf("taint %s: effect %q: want one of %s", taint.Key, taint.Effect, strings.Join(taintEffects, ", "))
	}
	for _, other := range p.Taints {
		if other.Key == taint.Key && other.Effect == taint.Effect {
			return fmt.Errorf("taint %s with effect %s is given twice", taint.Key, taint.Effect)
		}
	}
	p.Taints = append(p.Taints, taint)
	return nil
}

// addResource adds an extended resource. The API server's rules: the name is
// qualified by a domain that is not Kubernetes' own, the amount is whole.
func (p *Pool) addResource(name, value string) error {
	if name == gpuResource {
		return p.set(name, value)
	}
	if err := checkResourceName(name); err != nil {
		return fmt.Errorf("resource %q: %w", name, err)
	}
	quantity, err := resource.ParseQuantity(value)
	if err != nil || quantity.Sign() <= 0 || quantity.MilliValue()%1000 != 0 {
		return fmt.Errorf("resource %s: amount %q: want a whole number above zero", name, value)
	}
	if _, exists := p.Resources[name]; exists {
		return fmt.Errorf("resource %s is given twice", name)
	}
	if p.Resources == nil {
		p.Resources = map[string]resource.Quantity{}
	}
	p.Resources[name] = quantity
	return nil
}

func checkResourceName(name string) error {
	domain, _, found := strings.Cut(name, "/")
	if problems := validation.IsQualifiedName(name); len(problems) > 0 {
		return errors.New(problems[0])
	}
	if !found || domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") || strings.HasPrefix(name, "requests.") {
		return errors.New("the name of an extended resource has a domain of its vendor, such as example.com/fpga")
	}
	return nil
}
