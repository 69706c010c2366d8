package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestFindStateRoot(t *testing.T) {
	for _, test := range []struct {
		name, flag string
		env        map[string]string
		want       string
	}{
		{"flag", "/a", map[string]string{"REALSPEC_STATE": "/b", "HOME": "/h"}, "/a"},
		{"variable", "", map[string]string{"REALSPEC_STATE": "/b", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/b"},
		{"xdg", "", map[string]string{"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/realspec/clusters"},
		{"home", "", map[string]string{"HOME": "/h"}, "/h/.local/state/realspec/clusters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			root, err := findStateRoot(test.flag, func(key string) string { return test.env[key] })
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(root)).To(Equal(test.want))
		})
	}
	_, err := findStateRoot("", func(string) string { return "" })
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("give --state DIR")))
}

func TestClusterNames(t *testing.T) {
	g := NewWithT(t)
	root := stateRoot(t.TempDir())
	for _, name := range []string{"a", "default", "ci-42", strings.Repeat("x", 40)} {
		_, err := root.folder(name)
		g.Expect(err).NotTo(HaveOccurred(), name)
	}
	for _, name := range []string{"", "A", "-a", "a-", "../x", "a/b", ".", "a.lock", strings.Repeat("x", 41)} {
		_, err := root.folder(name)
		g.Expect(err).To(MatchError(ContainSubstring("use at most 40 lower-case letters")), name)
	}
}

func TestFolderLife(t *testing.T) {
	g := NewWithT(t)
	root := stateRoot(filepath.Join(t.TempDir(), "deep", "state"))
	place, err := root.folder("one")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(place.exists()).To(BeFalse())
	g.Expect(place.delete()).To(Succeed(), "removing nothing")

	g.Expect(place.create()).To(Succeed())
	info, err := os.Stat(place.path())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(info.Mode().Perm()).To(Equal(os.FileMode(0o700)))
	record := clusterRecord{Name: "one", Shape: []Pool{newPool()}, Kubeconfigs: []string{"/x"}}
	g.Expect(place.writeCluster(record)).To(Succeed())
	read, err := place.readCluster()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(sameShape(read.Shape, record.Shape)).To(BeTrue())
	g.Expect(read.Kubeconfigs).To(Equal(record.Kubeconfigs))

	// What a killed removal left is no cluster, and the next command sweeps it.
	left := filepath.Join(string(root), removedPrefix+"two-1-1")
	g.Expect(os.Mkdir(left, 0o700)).To(Succeed())
	g.Expect(root.folders()).To(Equal([]folder{place}))
	root.sweep()
	g.Expect(left).NotTo(BeADirectory())

	g.Expect(describe(place).State).To(Equal(stateDead), "files without a process")
	g.Expect(place.delete()).To(Succeed())
	entries, err := os.ReadDir(string(root))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(entries).To(BeEmpty())
	g.Expect(describe(place).State).To(Equal(stateMissing))
}

func TestNameLock(t *testing.T) {
	g := NewWithT(t)
	root := stateRoot(t.TempDir())
	never := func() { t.Error("had to wait for a free lock") }
	unlock, err := root.lockName(context.Background(), "a", never)
	g.Expect(err).NotTo(HaveOccurred())
	other, err := root.lockName(context.Background(), "b", never)
	g.Expect(err).NotTo(HaveOccurred(), "another name is another lock")
	other()

	waits := make(chan struct{})
	second := make(chan func())
	go func() {
		unlock, err := root.lockName(context.Background(), "a", func() { close(waits) })
		if err != nil {
			t.Error(err)
		}
		second <- unlock
	}()
	g.Eventually(waits).WithTimeout(5 * time.Second).Should(BeClosed())
	g.Consistently(second).WithTimeout(50 * time.Millisecond).ShouldNot(Receive())
	unlock()
	var unlockSecond func()
	g.Eventually(second).WithTimeout(5 * time.Second).Should(Receive(&unlockSecond))

	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = root.lockName(over, "a", func() {})
	g.Expect(err).To(MatchError(context.Canceled))
	unlockSecond()
	entries, err := os.ReadDir(string(root))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(entries).To(BeEmpty(), "a lock that nobody holds leaves no file")
}

func TestServerLock(t *testing.T) {
	g := NewWithT(t)
	place := folder{root: stateRoot(t.TempDir()), name: "a"}
	g.Expect(place.create()).To(Succeed())
	g.Expect(place.serverAlive()).To(BeFalse())
	lock, err := place.lockServer()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(place.serverAlive()).To(BeTrue())
	g.Expect(place.holdsServerLock(lock)).To(BeTrue())

	// A child that inherits the file keeps the lock, as the server does.
	child := exec.Command("sleep", "1000")
	child.ExtraFiles = []*os.File{lock}
	g.Expect(child.Start()).To(Succeed())
	g.Expect(lock.Close()).To(Succeed())
	g.Expect(place.serverAlive()).To(BeTrue())
	g.Expect(place.destroy()).To(MatchError(ContainSubstring("left no record of its pid")))
	g.Expect(child.Process.Kill()).To(Succeed())
	_ = child.Wait()
	g.Expect(place.serverAlive()).To(BeFalse())
}

func TestProcessIdentity(t *testing.T) {
	g := NewWithT(t)
	child := exec.Command("sleep", "1000")
	g.Expect(child.Start()).To(Succeed())
	id, err := identify(child.Process.Pid)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(id.alive()).To(BeTrue())

	// A record of a process that had the same pid earlier must not hit it.
	stranger := processID{PID: id.PID, Start: "1"}
	g.Expect(stranger.alive()).To(BeFalse())
	g.Expect(stranger.kill(time.Second)).To(Succeed())
	stranger.waitGone(context.Background())
	g.Expect(id.alive()).To(BeTrue())

	gone := make(chan struct{})
	go func() { id.waitGone(context.Background()); close(gone) }()
	g.Consistently(gone).WithTimeout(50 * time.Millisecond).ShouldNot(BeClosed())
	g.Expect(id.kill(10 * time.Second)).To(Succeed())
	g.Expect(id.alive()).To(BeFalse(), "a zombie is not alive")
	g.Eventually(gone).WithTimeout(5 * time.Second).Should(BeClosed())
	_ = child.Wait()
	g.Expect(id.kill(time.Second)).To(Succeed())
	_, err = identify(id.PID)
	g.Expect(err).To(MatchError(ContainSubstring("no process with pid")))
}

func TestBoundedLog(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "log")
	log, err := openBoundedLog(path)
	g.Expect(err).NotTo(HaveOccurred())
	log.limit = 10
	for _, line := range []string{"one\n", "two\n", "three\n", "four\n"} {
		n, err := log.Write([]byte(line))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(n).To(Equal(len(line)))
	}
	now, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	older, err := os.ReadFile(path + ".1")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(older) + "|" + string(now)).To(Equal("three\n|four\n"))
	g.Expect(logTail(path, 5)).To(Equal("four"))
}

// A component that ends is a failure even if it ends without an error.
func TestComponentEnds(t *testing.T) {
	g := NewWithT(t)
	s := &server{failed: make(chan error)}
	s.start("etcd", func() error { return nil })
	g.Eventually(s.failed).WithTimeout(5 * time.Second).Should(Receive(MatchError("etcd: ended")))
	s.start("kwok", func() error { return os.ErrInvalid })
	g.Eventually(s.failed).WithTimeout(5 * time.Second).Should(Receive(MatchError("kwok: invalid argument")))
}
