//go:build !linux

package main

// maxrssUnit is the unit of rusage's maxrss: bytes on macOS.
const maxrssUnit = 1
