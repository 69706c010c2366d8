package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/realspec/realspec/engine/cluster"
)

// home is the namespace of the agents that are not the scenario's: its quotas,
// policies and measures do not see them.
type home struct {
	name  string
	begun bool // it may exist
	uid   types.UID
}

// standIn is the namespace that an agent stands in. The turn is held.
func (f *Fleet) standIn(ctx context.Context, as map[string]string) (string, error) {
	if len(as) > 0 {
		return f.namespace, nil
	}
	if f.home.uid != "" {
		return f.home.name, nil
	}
	if f.home.begun { // an earlier attempt may have made it
		uid, err := f.madeHome(ctx)
		if err != nil {
			return "", err
		}
		if uid != "" {
			f.setHome(uid)
			return f.home.name, nil
		}
	}
	f.setHome("")
	made, err := f.client.CreateNamespace(ctx, f.home.name, map[string]string{
		cluster.LabelRun: f.opts.RunID, cluster.LabelScenario: f.opts.Scenario,
	})
	if err != nil {
		return "", fmt.Errorf("the namespace of the agents could not be made: %w", err)
	}
	f.setHome(made.GetUID())
	return f.home.name, nil
}

// madeHome is the uid of the agents' namespace when this run has made one; one of
// somebody else may have its name, and must neither be used nor be removed.
func (f *Fleet) madeHome(ctx context.Context) (types.UID, error) {
	got, err := f.client.Get(ctx, cluster.Namespaces, "", f.home.name)
	switch {
	case cluster.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	case got.GetLabels()[cluster.LabelRun] != f.opts.RunID:
		return "", nil
	}
	return got.GetUID(), nil
}

func (f *Fleet) setHome(uid types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.home.begun, f.home.uid = true, uid
}

// Leftovers are what must be removed beside the scenario's own namespaces: the
// namespace of the agents. The error is for a server that could not be asked
// whether there is one.
func (f *Fleet) Leftovers(ctx context.Context) ([]cluster.Leftover, error) {
	if f == nil {
		return nil, nil
	}
	f.mu.Lock()
	home := f.home
	f.mu.Unlock()
	if !home.begun {
		return nil, nil
	}
	left := cluster.Leftover{Resource: cluster.Namespaces, Name: home.name, UID: home.uid, Run: f.opts.RunID}
	if home.uid == "" {
		uid, err := f.madeHome(ctx)
		switch {
		case err != nil:
			return []cluster.Leftover{left}, err
		case uid == "":
			return nil, nil
		}
		left.UID = uid
	}
	return []cluster.Leftover{left}, nil
}

// Close removes all agents, those in the scenario's namespaces too, and waits until
// they are gone. The error names what is still there.
func (f *Fleet) Close(ctx context.Context) error {
	if f == nil {
		return nil
	}
	defer f.cancel()
	all, err := f.Leftovers(ctx)
	if err != nil {
		all = nil // whose the namespace is could not be asked: err names it
	}
	f.mu.Lock()
	for _, l := range f.belonging {
		if l.Namespace != f.home.name {
			all = append(all, l)
		}
	}
	f.mu.Unlock()
	left, failed := f.client.Remove(ctx, all, nil)
	err = errors.Join(err, failed)
	if len(left) > 0 {
		var names []string
		for _, l := range left {
			names = append(names, l.String()+": "+l.Why)
		}
		slices.Sort(names)
		err = errors.Join(err, fmt.Errorf("agents are still there: %s", strings.Join(names, "; ")))
	}
	return err
}
