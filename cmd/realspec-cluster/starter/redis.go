//go:build unix

package main

import (
	"os"
	"slices"
	"strings"
)

// prepareRedis lets Redis answer other pods: without a password it answers
// only its own, unless it is told that somebody else keeps strangers away.
func prepareRedis(command []string) ([]string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := become(folder); err != nil {
		return nil, err
	}
	decided := slices.Contains(command, "--protected-mode") || slices.Contains(command, "--requirepass") ||
		len(command) > 1 && !strings.HasPrefix(command[1], "-") // a file of settings
	if decided {
		return command, nil
	}
	return append(command, "--protected-mode", "no"), nil
}
