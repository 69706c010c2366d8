package local

import (
	"context"
	"strings"
	"time"
)

// Nodes are the real nodes of a local cluster, and what can be done to them.
type Nodes struct {
	Binary  Binary
	Cluster string // its name
}

// Do does an action to a node: stop, start, freeze, thaw, cut, heal or delay. The
// delay is of the last, for each direction.
func (n Nodes) Do(ctx context.Context, action, node string, delay time.Duration) error {
	_, err := n.Binary.call(ctx, nil, n.args(action, node, delay)...)
	return err
}

// Command is what a person types to do the same.
func (n Nodes) Command(action, node string) string {
	return Program + " " + strings.Join(n.args(action, node, 0), " ")
}

func (n Nodes) args(action, node string, delay time.Duration) []string {
	args := []string{"node", action, node}
	if delay > 0 {
		args = append(args, delay.String())
	}
	return append(args, "--name", n.Cluster)
}
