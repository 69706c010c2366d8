package realnode

import (
	"errors"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wire is a slow piece of cable between the switch and the port of a node.
// The kernel could do this with netem, which not every kernel has; a process
// that copies frames from one TAP device to another can do it everywhere:
//
//	node's port - bridge - TAP b | this process | TAP a - switch
//
// The kernel completes checksums and segments before a frame reaches a TAP, so
// what is copied is what a real cable would carry.
type wire struct {
	port string
	taps [2]*os.File
}

// maxUnderway bounds the frames on a wire; more are dropped, as a switch does.
// It is 24 MB of full frames: a gigabit a second for 200 ms.
const maxUnderway = 16_384

// frame is what is on the wire and when it arrives.
type frame struct {
	due  time.Time
	data []byte
}

// newWire puts a wire between a port and the switch that keeps every frame
// for delay, in both directions. It runs on the keeper's thread.
func newWire(port string, delay time.Duration) (w *wire, err error) {
	w = &wire{port: port}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.remove())
		}
	}()
	if err := addUp(&netlink.Bridge{LinkAttrs: named(w.bridge())}); err != nil {
		return w, err
	}
	for i, end := range []struct{ tap, bridge string }{{port + "a", switchName}, {port + "b", w.bridge()}} {
		if w.taps[i], err = openTap(end.tap); err != nil {
			return w, err
		}
		if err := attachTo(end.bridge, end.tap); err != nil {
			return w, err
		}
	}
	if err := attachTo(w.bridge(), port); err != nil {
		return w, err
	}
	go carry(w.taps[0], w.taps[1], delay)
	go carry(w.taps[1], w.taps[0], delay)
	return w, nil
}

func (w *wire) bridge() string { return w.port + "w" }

// remove connects the port to the switch again. It runs on the keeper's thread.
func (w *wire) remove() error {
	err := attachTo(switchName, w.port)
	for _, tap := range w.taps {
		if tap != nil {
			err = errors.Join(err, tap.Close()) // its device goes with it
		}
	}
	if link, linkErr := netlink.LinkByName(w.bridge()); linkErr == nil {
		err = errors.Join(err, netlink.LinkDel(link))
	}
	return err
}

// openTap makes a TAP device that lives as long as the file is open.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/net/tun", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("TUNSETIFF", err)
	}
	file := os.NewFile(uintptr(fd), name)
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// carry copies frames until one of the files is closed.
func carry(from, to *os.File, delay time.Duration) {
	underway := make(chan frame, maxUnderway)
	go func() {
		timer := newTimer()
		defer timer.close()
		for f := range underway {
			timer.until(f.due)
			_, _ = to.Write(f.data) // an end that is down takes nothing
		}
	}()
	defer close(underway)
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		select {
		case underway <- frame{time.Now().Add(delay), append([]byte(nil), buffer[:n]...)}:
		default:
		}
	}
}

// timer sleeps to the microsecond: the runtime's own timers wait in whole
// milliseconds when nothing else is to be done, which is a tenth of a delay of 10.
type timer struct {
	fd   int
	file *os.File // nil where the kernel has no such timer to give
	buf  [8]byte
}

func newTimer() *timer {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &timer{}
	}
	return &timer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
}

func (t *timer) until(due time.Time) {
	wait := time.Until(due)
	if wait <= 0 {
		return
	}
	if t.file != nil {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
		if unix.TimerfdSettime(t.fd, 0, &spec, nil) == nil {
			if _, err := t.file.Read(t.buf[:]); err == nil {
				return
			}
		}
	}
	time.Sleep(time.Until(due))
}

func (t *timer) close() {
	if t.file != nil {
		t.file.Close()
	}
}
