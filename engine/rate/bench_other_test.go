//go:build !linux

package rate

import "time"

func processorTime() time.Duration { return 0 }
