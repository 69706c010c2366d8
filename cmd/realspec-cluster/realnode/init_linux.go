package realnode

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors of a node's first process.
const (
	ordersDescriptor  = 3 // what the machine tells it; when it ends, so does the node
	reportsDescriptor = 4 // what it tells the machine
)

// What a node reports, a line each.
const (
	reportRuntime = "runtime" // containerd answers and has the pause image
	reportKubelet = "kubelet" // the kubelet answers
	reportFailed  = "failed: "
)

// order is a message to a node that is up.
type order struct {
	Join bool // start kubelet and kube-proxy: the API server is there
}

// Init is the first process of a node: it furnishes its namespaces, starts
// containerd, kubelet and kube-proxy, starts them again when they end, and
// reaps. It returns when the machine is gone, and with it go all processes.
func Init() error {
	// Only this thread will be in the new cgroup namespace, and so only what is
	// started from it.
	runtime.LockOSThread()
	orders := json.NewDecoder(bufio.NewReader(os.NewFile(ordersDescriptor, "orders")))
	reports := os.NewFile(reportsDescriptor, "reports")
	unix.CloseOnExec(ordersDescriptor)
	unix.CloseOnExec(reportsDescriptor)
	var s settings
	if err := orders.Decode(&s); err != nil {
		return nil //nolint:nilerr // nobody wants this node any more
	}
	n := &node{settings: s, children: newChildren(), reports: reports}
	if err := n.furnish(); err != nil {
		n.report(reportFailed + err.Error())
		return err
	}
	heard := make(chan order)
	go func() {
		defer close(heard)
		for {
			var o order
			if orders.Decode(&o) != nil {
				return
			}
			heard <- o
		}
	}()
	return n.run(heard)
}

// node is the inside of a node.
type node struct {
	settings
	children *children
	reports  *os.File
}

func (n *node) report(line string) { fmt.Fprintln(n.reports, line) }

// furnish prepares what the programs find.
func (n *node) furnish() error {
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("cgroup namespace: %w", err)
	}
	if err := unix.Sethostname([]byte(n.Name)); err != nil {
		return err
	}
	if err := n.mount(); err != nil {
		return err
	}
	if err := n.connect(); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return nil
}

// The programs of a node.
var (
	runContainerd = []string{"containerd", "--config", filesFolder + "/containerd.toml"}
	runKubelet    = []string{HostFolder + "/" + ownProgram, "kubelet", "--config=" + filesFolder + "/kubelet.yaml",
		"--kubeconfig=" + filesFolder + "/kubelet.kubeconfig"}
	runProxy = []string{HostFolder + "/" + ownProgram, "kube-proxy", "--config=" + filesFolder + "/proxy.yaml"}
)

// ownProgram is this program in HostFolder.
const ownProgram = "realspec-cluster"

// run is the life of a node after its namespaces are furnished.
func (n *node) run(heard <-chan order) error {
	if err := n.startRuntime(); err != nil {
		n.report(reportFailed + err.Error())
		return err
	}
	n.report(reportRuntime)
	if n.Join {
		n.join()
	}
	deleted := make(chan struct{})
	go watchImages(deleted)
	for {
		select {
		case o, open := <-heard:
			if !open {
				return nil
			}
			if o.Join {
				n.join()
			}
		case again := <-n.children.again:
			n.keep(again)
		case <-deleted:
			if err := n.importPause(); err != nil { // no space, say
				fmt.Fprintf(os.Stderr, "%v; trying again\n", err)
				time.AfterFunc(5*time.Second, func() { deleted <- struct{}{} })
			}
		}
	}
}

func (n *node) join() {
	n.keep(append(runKubelet, "--hostname-override="+n.Name, "--node-ip="+n.Address.String()))
	n.keep(runProxy)
	go n.awaitKubelet()
}

// awaitKubelet reports when the kubelet answers and has made the groups of its pods:
// most of what ends it happens after it answers first and before that.
func (n *node) awaitKubelet() {
	client := http.Client{Timeout: time.Second}
	for ; ; time.Sleep(20 * time.Millisecond) {
		if groups, _ := filepath.Glob("/sys/fs/cgroup/*/kubepods"); len(groups) == 0 {
			continue
		}
		answer, err := client.Get(kubeletHealth)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			n.report(reportKubelet)
			return
		}
	}
}

// kubeletHealth is where a kubelet says that it is well, unless it is told
// another place.
const kubeletHealth = "http://127.0.0.1:10248/healthz"

// keep starts a program, and again a second after each of its ends.
func (n *node) keep(argv []string) {
	name := filepath.Base(argv[0])
	if name == ownProgram {
		name = argv[1]
	}
	ended, err := n.children.start(argv)
	go func() {
		if err == nil {
			err = describeEnd(<-ended)
		}
		n.report(fmt.Sprintf("%s%s ended: %v", reportFailed, name, err))
		fmt.Fprintf(os.Stderr, "%s ended: %v; starting it again\n", name, err)
		time.Sleep(time.Second)
		n.children.again <- argv
	}()
}

// startRuntime starts containerd and gives it the pause image.
func (n *node) startRuntime() error {
	n.keep(runContainerd)
	var last error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, last = os.Stat(containerdSocket); last == nil {
			return n.importPause()
		}
	}
	return fmt.Errorf("containerd has not made its socket: %w", last)
}

func (n *node) importPause() error {
	ended, err := n.children.start([]string{"ctr", "--timeout", "30s", "--address", containerdSocket, "--namespace", "k8s.io", "images", "import", pauseFile})
	if err != nil {
		return err
	}
	if status := <-ended; status != 0 {
		return fmt.Errorf("importing the pause image: %w", describeEnd(status))
	}
	return nil
}

func describeEnd(status unix.WaitStatus) error {
	if status.Signaled() {
		return errors.New(status.Signal().String())
	}
	return fmt.Errorf("exit code %d", status.ExitStatus())
}

// cleanEnvironment is that of all programs of a node: the user's proxies and
// the like are not for it.
func cleanEnvironment() []string {
	return append(OwnEnvironment(), "PATH="+searchPath, "HOME=/run", "TMPDIR=/tmp")
}

// searchPath is where a node's programs are.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
