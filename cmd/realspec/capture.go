package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/realspec/realspec/engine/capture"
	"github.com/realspec/realspec/engine/cluster"
)

// captureCommand writes an assert from a live object.
type captureCommand struct {
	Object        string `arg:"" help:"The object, as KIND/NAME." placeholder:"KIND/NAME"`
	Namespace     string `short:"n" help:"The namespace. Default: the context's." placeholder:"NAME"`
	Full          bool   `help:"Keep everything that is stable, not only what matters."`
	WithNamespace bool   `help:"Keep the namespace. Otherwise the scenario's own is meant."`
	Out           string `help:"Write to this file, a numbered one of a scenario." placeholder:"FILE"`
	kubeFlags
}

// Run is the command. It only reads the cluster.
func (c *captureCommand) Run(a *app) error {
	client, err := c.open(a.first, a, c.Kubeconfig)
	if err != nil {
		return asUsage(err)
	}
	defer client.Close()
	namespace := cmp.Or(c.Namespace, cluster.Namespace(c.options(a)))
	o, err := findObject(a.first, client, c.Object, namespace)
	if err != nil {
		return err
	}
	text := capture.Of(o.Object, capture.Options{Full: c.Full, Namespace: c.WithNamespace}).YAML()
	if c.Out == "" {
		fmt.Fprint(a.stdout, text)
		return nil
	}
	if _, err := os.Stat(c.Out); err == nil {
		return usage("%s is there already: remove it, or give another --out", c.Out)
	}
	err = os.MkdirAll(filepath.Dir(c.Out), 0o755)
	if err == nil {
		err = os.WriteFile(c.Out, []byte(text), 0o644)
	}
	if err != nil {
		return usage("the assert cannot be written: %v", err)
	}
	fmt.Fprintf(a.stdout, "wrote %s\n", c.Out)
	return nil
}
