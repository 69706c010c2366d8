package realnode

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// keeper is a thread with a mount and a network namespace of its own. It holds
// what nodes need from one boot to the next and what no other process should
// see: their disks are mounted there, and the switch between them is there.
// It is also the parent of the nodes: the kernel kills them when it ends,
// which is when this process ends, however that comes about. Nothing has to be
// unmounted or unplugged then.
type keeper struct {
	calls chan func()
	outer *os.File // the machine's network namespace
}

func startKeeper() (*keeper, error) {
	outer, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	k := &keeper{calls: make(chan func()), outer: outer}
	begun := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread is good for nothing else
		begun <- enterKeeper()
		for call := range k.calls {
			call()
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	return k, nil
}

func enterKeeper() error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return err
	}
	// What the machine unmounts goes here, too; what is mounted here stays here.
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "")
}

// do runs f on the keeper's thread.
func (k *keeper) do(f func() error) error {
	done := make(chan error)
	k.calls <- func() { done <- f() }
	return <-done
}
