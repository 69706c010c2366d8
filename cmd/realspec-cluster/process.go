package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// processID names a process for good: a pid is used again after its process
// is gone, the pair of pid and start time is not.
type processID struct {
	PID   int    `json:"pid"`
	Start string `json:"start"`
}

// identify returns the identity of a running process.
func identify(pid int) (processID, error) {
	start, err := processStart(pid)
	if err != nil {
		return processID{}, fmt.Errorf("no process with pid %d is running", pid)
	}
	return processID{PID: pid, Start: start}, nil
}

// alive reports whether the process is still running. A zombie is not.
func (p processID) alive() bool {
	start, err := processStart(p.PID)
	return err == nil && start == p.Start
}

// kill ends the process with SIGKILL and waits until it is gone. A process
// that is gone already is no error; one with the same pid that started at
// another time is never touched.
func (p processID) kill(patience time.Duration) error {
	// On Linux the handle is a pidfd: what is checked is what is killed.
	handle, err := os.FindProcess(p.PID)
	if err != nil || !p.alive() {
		return nil
	}
	if err := handle.Kill(); err != nil && p.alive() {
		return fmt.Errorf("ending process %d: %w", p.PID, err)
	}
	for deadline := time.Now().Add(patience); p.alive(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d is still there %s after SIGKILL", p.PID, patience)
		}
	}
	return nil
}

// pollGone is waitGone for systems that cannot wait for a stranger's end.
func (p processID) pollGone(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for p.alive() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
