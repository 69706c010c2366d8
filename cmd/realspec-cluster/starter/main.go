//go:build unix

// Command starter is the first program of the images of PostgreSQL and Redis
// that realspec-cluster packs. It does what a pod expects of the images of
// these names: makes the data on the first start, and leaves root's rights
// behind. Then the server takes its place, so that it gets the signals.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	fmt.Fprintf(os.Stderr, "error: %v\n", start(os.Args[1:]))
	os.Exit(1)
}

// start takes the name of the server that the image is of, and a command line.
// It returns only when that cannot be started.
func start(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: start postgres|redis-server [COMMAND...]")
	}
	server, command := args[0], args[1:]
	if len(command) == 0 || strings.HasPrefix(command[0], "-") {
		command = append([]string{server}, command...)
	}
	if filepath.Base(command[0]) == server {
		var err error
		switch server {
		case "postgres":
			err = preparePostgres()
		case "redis-server":
			command, err = prepareRedis(command)
		}
		if err != nil {
			return err
		}
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, command, os.Environ()))
}

// owner is the user id of both servers in their images.
const owner = 999

// become gives folders to the server's user, and goes on as that user. It does
// nothing for a pod that runs as somebody else than root.
func become(folders ...string) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, folder := range folders {
		if err := give(folder); err != nil {
			return err
		}
	}
	if err := syscall.Setgroups([]int{owner}); err != nil {
		return fmt.Errorf("leaving root's groups: %w", err)
	}
	if err := syscall.Setgid(owner); err != nil {
		return fmt.Errorf("leaving root's group: %w", err)
	}
	if err := syscall.Setuid(owner); err != nil {
		return fmt.Errorf("leaving root's rights: %w", err)
	}
	return nil
}

func give(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, owner, owner)
	})
}
