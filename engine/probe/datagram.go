package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/realspec/realspec/engine/rate"
)

// sequenceBytes is the room for the number of a datagram.
const sequenceBytes = 8

// datagrams are round trips by UDP. Each has its number in its payload, by which
// its echo is known; one that comes after the transaction has been given up is
// nobody's.
type datagrams struct {
	conn  net.Conn
	bytes int

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan echoed
	reader  sync.WaitGroup
}

func newDatagrams(ctx context.Context, job RoundTripJob) (*datagrams, error) {
	if job.Bytes < sequenceBytes {
		return nil, fmt.Errorf("the payload is %d bytes: a datagram needs at least %d for its number", job.Bytes, sequenceBytes)
	}
	ctx, cancel := context.WithTimeout(ctx, job.Timeout)
	defer cancel()
	conn, err := dial(ctx, "udp", job.Address)
	if err != nil {
		return nil, fmt.Errorf("no datagrams can be sent to %s: %w", job.Address, failureOf(err))
	}
	u := &datagrams{conn: conn, bytes: job.Bytes, waiting: map[uint64]chan echoed{}}
	u.reader.Go(u.read)
	return u, nil
}

func (u *datagrams) do(ctx context.Context) (rate.Done, error) {
	number, answer := u.expect()
	defer u.forget(number)
	payload := make([]byte, u.bytes)
	binary.BigEndian.PutUint64(payload, number)
	sent := time.Now()
	if _, err := u.conn.Write(payload); err != nil {
		return rate.Done{Sent: sent}, err
	}
	return answered(ctx, sent, answer)
}

func (u *datagrams) expect() (uint64, chan echoed) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next++
	answer := make(chan echoed, 1)
	u.waiting[u.next] = answer
	return u.next, answer
}

func (u *datagrams) forget(number uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.waiting, number)
}

// read takes echoes until the socket is closed. An error besides that is an answer
// of the network (nobody listens there): the datagram that it is for is not known,
// and will be lost in its own time.
func (u *datagrams) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := u.conn.Read(buf)
		at := time.Now()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n == u.bytes {
			u.arrived(binary.BigEndian.Uint64(buf), at)
		}
	}
}

// arrived takes the first echo only: a datagram may come twice.
func (u *datagrams) arrived(number uint64, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if answer := u.waiting[number]; answer != nil {
		answer <- echoed{at: at}
		delete(u.waiting, number)
	}
}

func (u *datagrams) end() {
	u.conn.Close()
	u.reader.Wait()
}
