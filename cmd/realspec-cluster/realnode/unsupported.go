//go:build !linux

package realnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"
)

// Options are what Open has to know.
type Options struct {
	Cluster Cluster
	Shapes  []Shape
	CNI     string
	DNS     string
	Log     func(node string) (io.Writer, error)
}

// Machine and Node exist on Linux only.
type (
	Machine struct {
		Slot  Slot
		Nodes []*Node
	}
	Node struct{ Shape }
)

var errNotLinux = errors.New("real nodes need Linux; this is " + runtime.GOOS)

func MachineCPU() int64                               { return int64(runtime.NumCPU()) * 1000 }
func Require() (string, error)                        { return "", errNotLinux }
func RequireInotify(int) error                        { return errNotLinux }
func Open(context.Context, Options) (*Machine, error) { return nil, errNotLinux }
func Remove(Cluster) error                            { return nil }

func (m *Machine) Boot(func(string, netip.Addr) (Identity, error)) error { return errNotLinux }
func (m *Machine) Join() error                                           { return errNotLinux }
func (m *Machine) Node(name string) (*Node, error) {
	return nil, fmt.Errorf("%s: %w", name, errNotLinux)
}

func (n *Node) Status() Status            { return Status{} }
func (n *Node) Stop() error               { return errNotLinux }
func (n *Node) Start() error              { return errNotLinux }
func (n *Node) Freeze() error             { return errNotLinux }
func (n *Node) Thaw() error               { return errNotLinux }
func (n *Node) Cut() error                { return errNotLinux }
func (n *Node) Heal() error               { return errNotLinux }
func (n *Node) Delay(time.Duration) error { return errNotLinux }
