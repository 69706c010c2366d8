package probe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// The first byte of a TCP connection says what it is for.
const (
	echoMark = 'e' // everything that follows is sent back
	sinkMark = 's' // everything that follows is counted
)

// slice is the time for which a sink counts bytes.
const slice = 100 * time.Millisecond

// counted is what a sink says when the sender has closed its side.
type counted struct {
	// Slices are the bytes that arrived in each 100 ms since the connection began.
	Slices []int64 `json:"slices"`
}

// ServeEcho is the other end of round trips and throughput: it sends back what
// comes by TCP and UDP, or counts it, until ctx ends or tcp fails. It closes both
// sockets and every connection. udp may be nil.
func ServeEcho(ctx context.Context, tcp net.Listener, udp net.PacketConn) error {
	e := &echo{open: map[net.Conn]bool{}}
	closeAll := func() {
		_ = tcp.Close()
		if udp != nil {
			_ = udp.Close()
		}
		e.closeAll()
	}
	stop := context.AfterFunc(ctx, closeAll)
	defer stop()
	var all sync.WaitGroup
	if udp != nil {
		all.Go(func() { echoDatagrams(udp) })
	}
	err := e.accept(tcp, &all)
	asked := ctx.Err() != nil
	closeAll()
	all.Wait()
	if asked {
		return nil
	}
	return err
}

type echo struct {
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

func (e *echo) accept(tcp net.Listener, all *sync.WaitGroup) error {
	for {
		conn, err := tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // too many open files: those that are open will end
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !e.add(conn) {
			conn.Close()
			continue
		}
		all.Go(func() {
			defer e.remove(conn)
			serve(conn)
		})
	}
}

func (e *echo) add(conn net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[conn] = true
	return !e.closed
}

func (e *echo) remove(conn net.Conn) {
	conn.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, conn)
}

func (e *echo) closeAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for conn := range e.open {
		conn.Close()
	}
}

func serve(conn net.Conn) {
	var mark [1]byte
	if _, err := io.ReadFull(conn, mark[:]); err != nil {
		return
	}
	switch mark[0] {
	case echoMark:
		echoBytes(conn)
	case sinkMark:
		sink(conn)
	}
}

// echoBytes is no io.Copy: from one TCP connection to itself that goes through a
// pipe of the kernel, which costs more than it saves for small messages.
func echoBytes(conn net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

// sink counts until the sender closes its side, and then tells what arrived.
func sink(conn net.Conn) {
	var c counted
	buf := make([]byte, 256<<10)
	began := time.Now()
	for {
		n, err := conn.Read(buf)
		at := int(time.Since(began) / slice)
		for len(c.Slices) <= at {
			c.Slices = append(c.Slices, 0)
		}
		c.Slices[at] += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return
		}
	}
	_ = json.NewEncoder(conn).Encode(c) // the sender sees when it is not there
}

func echoDatagrams(udp net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := udp.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_, _ = udp.WriteTo(buf[:n], from) // lost on the way is lost
		}
	}
}
