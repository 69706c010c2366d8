//go:build !linux

package main

import "time"

// processorTime is not known: the agent runs in pods, on Linux. It builds elsewhere
// so that everything of the module does.
func processorTime() time.Duration { return 0 }
