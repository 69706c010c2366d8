//go:build !linux

package rate

// newNapper is nil: elsewhere the timers of the runtime are as fine as they get.
func newNapper() napper { return nil }
