//go:build !linux

package main

import "syscall"

// peakMemory is this process's peak resident memory; maxrss is in bytes on macOS.
func peakMemory(u syscall.Rusage) int64 { return int64(u.Maxrss) }
