package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// peakMemory is this process's peak resident memory in bytes. Linux' maxrss is
// inherited through exec from the process that started this one, so the peak of
// the address space is read instead.
func peakMemory(u syscall.Rusage) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		_, rest, _ := strings.Cut(string(status), "VmHWM:")
		line, _, _ := strings.Cut(rest, "\n")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
		if err == nil {
			return kib * 1024
		}
	}
	return u.Maxrss * 1024
}
