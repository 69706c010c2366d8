//go:build unix && !linux

package main

// componentCommands are the parts of real nodes, which need Linux.
type componentCommands struct{}
