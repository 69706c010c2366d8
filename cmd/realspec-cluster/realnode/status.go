package realnode

import "fmt"

// Status is what can be said about a node from outside.
type Status struct {
	Name    string `json:"name"`
	State   string `json:"state"` // running, frozen, stopped
	Address string `json:"address"`
	PID     int    `json:"pid,omitempty"` // of its first process
	Cut     bool   `json:"cut,omitempty"`
	Delay   string `json:"delay,omitempty"` // in each direction
}

// The states of a node.
const (
	StateRunning = "running"
	StateFrozen  = "frozen"
	StateStopped = "stopped"
)

// ContainerdSocket is where a running node's containerd answers, seen from
// the machine.
func (s Status) ContainerdSocket() string {
	return fmt.Sprintf("/proc/%d/root%s", s.PID, containerdSocket)
}
