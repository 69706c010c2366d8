package realnode

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"
)

func TestReports(t *testing.T) {
	g := NewWithT(t)
	in, out, err := os.Pipe()
	g.Expect(err).NotTo(HaveOccurred())
	defer in.Close()
	r := &reports{File: in, lines: bufio.NewScanner(in)}
	fmt.Fprintln(out, reportFailed+"containerd ended: exit code 1")
	fmt.Fprintln(out, reportRuntime)
	g.Expect(r.await(reportRuntime)).To(Succeed(), "it was started again")
	fmt.Fprintln(out, reportFailed+"kubelet ended: exit code 1")
	g.Expect(out.Close()).To(Succeed())
	g.Expect(r.await(reportKubelet)).To(MatchError("kubelet ended: exit code 1"))
	g.Expect(r.await(reportKubelet)).To(MatchError("nothing was reported"))
}

// In a user namespace of its own the test sets a limit that nobody else has.
func TestInotifyIsRequired(t *testing.T) {
	const inside = "REALSPEC_TEST_INOTIFY"
	g := NewWithT(t)
	if os.Getenv(inside) != "" {
		g.Expect(os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("15"), 0)).To(Succeed())
		g.Expect(RequireInotify(1)).To(Succeed())
		g.Expect(RequireInotify(1)).To(Succeed(), "what was taken is given back")
		g.Expect(RequireInotify(2)).To(MatchError(And(HavePrefix("kubelets need 20 inotify instances"), ContainSubstring(" are free; raise that with: sysctl -w fs.inotify.max_user_instances="))))
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^TestInotifyIsRequired$", "-test.v")
	command.Env = append(os.Environ(), inside+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := command.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skipf("this machine has no user namespaces: %v", err)
	}
	g.Expect(err).NotTo(HaveOccurred(), string(out))
	g.Expect(strings.Contains(string(out), "--- PASS")).To(BeTrue(), string(out))
}
