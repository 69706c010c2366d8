package realnode

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// Node is one node, seen from the machine.
type Node struct {
	Shape
	machine   *Machine
	index     int
	port      string // of the switch
	cgroup    cgroup
	identity  Identity
	machineID string
	log       io.Writer

	mutex   sync.Mutex // one change at a time
	process *os.Process
	ended   chan struct{} // closed when process is gone
	orders  *os.File
	frozen  bool
	cut     bool
	delay   time.Duration
	wire    *wire
}

// Address is the node's own address.
func (n *Node) Address() netip.Addr { return n.machine.Slot.Node(n.index) }

// Pods is the network of the node's pods.
func (n *Node) Pods() netip.Prefix { return n.machine.Slot.NodePods(n.index) }

// Status says how the node is.
func (n *Node) Status() Status {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	s := Status{Name: n.Name, State: StateStopped, Address: n.Address().String(), Cut: n.cut}
	if n.delay > 0 {
		s.Delay = n.delay.String()
	}
	if n.alive() {
		s.State, s.PID = StateRunning, n.process.Pid
		if n.frozen {
			s.State = StateFrozen
		}
	}
	return s
}

func (n *Node) alive() bool {
	if n.process == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// Start boots a node that was stopped, from the disk that it had, and returns
// when its kubelet answers.
func (n *Node) Start() error {
	reports, err := n.start()
	if err != nil {
		return err
	}
	defer reports.Close()
	if err := reports.await(reportKubelet); err != nil {
		return fmt.Errorf("%s has power, and its kubelet does not answer: %w; its log is %s", n.Name, err, n.machine.Cluster.Log(n.Name))
	}
	return nil
}

func (n *Node) start() (*reports, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.alive() {
		return nil, fmt.Errorf("%s is running", n.Name)
	}
	if err := RequireInotify(1); err != nil {
		return nil, err
	}
	return n.boot(true)
}

// Stop takes the power from a node: every process on it is killed.
func (n *Node) Stop() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !n.alive() {
		return fmt.Errorf("%s is not running", n.Name)
	}
	if n.frozen { // a frozen process does not take SIGKILL
		if err := n.cgroup.freeze(false); err != nil {
			return err
		}
		n.frozen = false
	}
	if err := n.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-n.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s is without power, and yet some of its processes have not ended %s later", n.Name, patience)
	}
}

// patience is how long a step of a node's life may take: each takes a second or
// two on a machine that has nothing else to do.
const patience = time.Minute

// Freeze stops every process of a node where it is; Thaw lets them go on.
func (n *Node) Freeze() error { return n.setFrozen(true) }

// Thaw undoes Freeze.
func (n *Node) Thaw() error { return n.setFrozen(false) }

func (n *Node) setFrozen(frozen bool) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !n.alive() {
		return fmt.Errorf("%s is not running", n.Name)
	}
	if err := n.cgroup.freeze(frozen); err != nil {
		if frozen { // half frozen, it would not take a SIGKILL
			err = errors.Join(err, n.cgroup.freeze(false))
		}
		return err
	}
	n.frozen = frozen
	return nil
}

// Cut pulls the node's plug out of the switch: no frame reaches it or leaves it.
func (n *Node) Cut() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.setCut(true)
}

// Heal undoes Cut and Delay.
func (n *Node) Heal() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return errors.Join(n.setDelay(0), n.setCut(false))
}

func (n *Node) setCut(cut bool) error {
	if n.alive() { // otherwise there is no plug, and boot looks at n.cut
		if err := n.machine.keeper.do(func() error { return setPort(n.port, !cut) }); err != nil {
			return err
		}
	}
	n.cut = cut
	return nil
}

// Delay makes every frame to and from the node arrive later by delay.
func (n *Node) Delay(delay time.Duration) error {
	if delay < 0 || delay > time.Minute {
		return fmt.Errorf("a delay is from 0s to 1m; found %s", delay)
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.setDelay(delay)
}

func (n *Node) setDelay(delay time.Duration) error {
	return n.machine.keeper.do(func() error {
		if n.wire != nil {
			if err := n.wire.remove(); err != nil && n.alive() {
				return err
			}
			n.wire = nil
		}
		n.delay = delay
		if delay == 0 || !n.alive() { // a node gets its wire when it boots
			return nil
		}
		var err error
		n.wire, err = newWire(n.port, delay)
		return err
	})
}

// join tells a booted node that it may start its kubelet.
func (n *Node) join() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return json.NewEncoder(n.orders).Encode(order{Join: true})
}

// boot starts the node's process tree and returns when its runtime answers. The
// mutex is held.
func (n *Node) boot(join bool) (*reports, error) {
	s, err := n.settings(join)
	if err != nil {
		return nil, err
	}
	// The groups of pods do not outlive a boot: the kubelet would spend 3 s on
	// each to find that no container is in it.
	if err := n.cgroup.remove(5 * time.Second); err != nil {
		return nil, err
	}
	if err := n.cgroup.make(n.MilliCPU, n.Memory); err != nil {
		return nil, fmt.Errorf("%s: cgroup: %w", n.Name, err)
	}
	reports, err := n.launch()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Name, err)
	}
	if err = n.introduce(s); err == nil {
		err = reports.await(reportRuntime)
	}
	if err != nil {
		reports.Close()
		_ = n.process.Kill()
		return nil, fmt.Errorf("%s did not boot: %w", n.Name, err)
	}
	return reports, nil
}

// settings are those of the next boot.
func (n *Node) settings(join bool) (settings, error) {
	m := n.machine
	s := settings{
		Name: n.Name, Disk: n.disk(), Disks: m.disks(), Trees: m.trees,
		Address: n.Address(), Prefix: m.Slot.nodes().Bits(), Gateway: m.Slot.Machine(),
		Memory: n.Memory, MachineID: n.machineID, BootID: uuid.NewString(), Join: join,
	}
	for _, other := range m.Nodes {
		if other != n {
			s.Routes = append(s.Routes, route{To: other.Pods(), Via: other.Address()})
		}
	}
	about := facts{Shape: n.Shape, PauseImage: PauseImage, CNI: m.CNI, PodNetwork: n.Pods(), AllPods: m.Slot.Pods(), DNS: m.DNS,
		ReservedCPU: max(0, MachineCPU()-n.MilliCPU)}
	var err error
	if s.Files, err = about.files(n.identity); err != nil {
		return s, err
	}
	s.Files["pause.tar"] = m.pause
	return s, nil
}

// launch starts the first process and returns what it reports.
func (n *Node) launch() (*reports, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ordersIn, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ordersIn.Close()
	reportsIn, reportsOut, err := os.Pipe()
	if err != nil {
		orders.Close()
		return nil, err
	}
	defer reportsOut.Close()
	command := exec.Command(self, "node-init")
	command.Dir = "/"
	command.Env = cleanEnvironment()
	command.Stdout, command.Stderr = n.log, n.log
	command.ExtraFiles = []*os.File{ordersIn, reportsOut} // ordersDescriptor, reportsDescriptor
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL, // of the keeper, whose thread this is called on
		Setsid:     true,
	}
	if err := n.machine.keeper.do(command.Start); err != nil {
		orders.Close()
		reportsIn.Close()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		orders.Close()
		close(ended)
	}()
	n.process, n.ended, n.orders, n.frozen = command.Process, ended, orders, false
	return &reports{File: reportsIn, lines: bufio.NewScanner(reportsIn)}, nil
}

// introduce gives the waiting first process its place and its settings.
func (n *Node) introduce(s settings) error {
	if err := n.cgroup.attach(n.process.Pid); err != nil {
		return fmt.Errorf("cgroup: %w", err)
	}
	err := n.machine.keeper.do(func() error { return plugNode(n.port, n.process.Pid) })
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if n.cut {
		err = n.setCut(true)
	}
	if n.delay > 0 {
		err = errors.Join(err, n.setDelay(n.delay))
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(n.orders).Encode(s)
}
