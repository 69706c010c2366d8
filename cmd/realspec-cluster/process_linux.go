package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processStart returns the start time of a process in clock ticks since boot,
// field 22 of /proc/PID/stat. A zombie counts as gone.
func processStart(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field is the program's name in brackets and may hold anything.
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return "", fmt.Errorf("process %d: cannot read its state", pid)
	}
	fields := strings.Fields(string(stat[end+1:])) // from field 3 on
	if len(fields) < 20 {
		return "", fmt.Errorf("process %d: cannot read its state", pid)
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return "", os.ErrProcessDone
	}
	return fields[19], nil
}

// residentMemory returns the resident set size of a process in bytes.
func residentMemory(pid int) int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// waitGone returns when the process has ended or ctx is over. It sleeps in
// the kernel on a pidfd, so the end is seen at once and waiting costs nothing.
func (p processID) waitGone(ctx context.Context) {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		if !errors.Is(err, unix.ESRCH) {
			p.pollGone(ctx, 200*time.Millisecond) // a kernel before 5.3
		}
		return
	}
	defer unix.Close(fd)
	if !p.alive() { // checked after the pidfd is held: the pid may be reused
		return
	}
	for ctx.Err() == nil {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if ready > 0 || (err != nil && !errors.Is(err, unix.EINTR)) {
			return
		}
	}
}
