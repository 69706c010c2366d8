package realnode

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// children starts processes and reaps them, and all whose parents are gone:
// that is the first process's duty.
type children struct {
	mutex sync.Mutex
	known map[int]chan<- unix.WaitStatus
	again chan []string // what has ended and is to be started again
}

func newChildren() *children {
	c := &children{known: map[int]chan<- unix.WaitStatus{}, again: make(chan []string, 8)}
	go c.reap()
	return c
}

// start starts a program and returns where its end will be told. It must be
// called on the thread that is in the node's cgroup namespace.
func (c *children) start(argv []string) (<-chan unix.WaitStatus, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer nothing.Close()
	// The end must not be told before the process is known.
	c.mutex.Lock()
	defer c.mutex.Unlock()
	process, err := os.StartProcess(path, argv, &os.ProcAttr{
		Dir: "/", Env: cleanEnvironment(), Files: []*os.File{nothing, os.Stdout, os.Stderr},
	})
	if err != nil {
		return nil, err
	}
	ended := make(chan unix.WaitStatus, 1)
	c.known[process.Pid] = ended
	_ = process.Release()
	return ended, nil
}

func (c *children) reap() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.ECHILD) {
			time.Sleep(50 * time.Millisecond) // before the first child
			continue
		}
		if err != nil {
			continue
		}
		c.mutex.Lock()
		if ended, ok := c.known[pid]; ok {
			delete(c.known, pid)
			ended <- status
		}
		c.mutex.Unlock()
	}
}
