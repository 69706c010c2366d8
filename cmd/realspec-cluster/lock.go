//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Two locks keep order, both flock(2), so that the kernel drops them with the
// process whatever its end:
//
//   - the name lock, NAME.lock beside the folders, is held by 'up' and 'down'
//     while they change a cluster;
//   - the server lock, server.lock in the folder, is held by the server for as
//     long as it lives. It is the proof of life: a pid alone may be reused.

// lockName waits for the lock of a name and returns how to give it back.
// waiting is called once if somebody else holds it.
func (r stateRoot) lockName(ctx context.Context, name string, waiting func()) (unlock func(), err error) {
	if err := os.MkdirAll(string(r), 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	path := filepath.Join(string(r), name+".lock")
	for told := false; ; {
		file, err := openLocked(path)
		if err == nil {
			return func() {
				_ = os.Remove(path) // before the lock goes: see openLocked
				_ = file.Close()
			}, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("lock of cluster %q: %w", name, err)
		}
		if !told {
			waiting()
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// errLocked says that somebody else holds a lock.
var errLocked = errors.New("locked by another process")

// openLocked opens and locks a file, or returns errLocked. A holder removes
// the file before it unlocks, so a lock that was won counts only if the path
// still leads to the locked file.
func openLocked(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, err
	}
	held, heldErr := file.Stat()
	there, thereErr := os.Stat(path)
	if heldErr != nil || thereErr != nil || !os.SameFile(held, there) {
		_ = file.Close()
		return nil, errLocked
	}
	return file, nil
}

// serverAlive reports whether a server holds its lock.
func (f folder) serverAlive() bool {
	file, err := os.Open(f.serverLock())
	if err != nil {
		return false
	}
	defer file.Close()
	// A shared lock: two who look at the same time must not see each other.
	return errors.Is(unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// lockServer makes and locks the server lock. 'up' hands the open file to the
// server that it starts; the lock belongs to the open file, so it lives on
// with the server when 'up' closes its own copy.
func (f folder) lockServer() (*os.File, error) {
	deadline := time.Now().Add(time.Second)
	for {
		file, err := openLocked(f.serverLock())
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			return file, err
		}
		time.Sleep(time.Millisecond) // somebody is looking, see serverAlive
	}
}

// holdsServerLock reports whether file is this cluster's server lock.
func (f folder) holdsServerLock(file *os.File) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.serverLock())
	return err == nil && os.SameFile(held, there)
}
