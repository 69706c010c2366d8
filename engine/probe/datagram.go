package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
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
	waiting map[uint64]chan error
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
	u := &datagrams{conn: conn, bytes: job.Bytes, waiting: map[uint64]chan error{}}
	u.reader.Go(u.read)
	return u, nil
}

func (u *datagrams) do(ctx context.Context) (time.Time, error) {
	number, echoed := u.expect()
	defer u.forget(number)
	payload := make([]byte, u.bytes)
	binary.BigEndian.PutUint64(payload, number)
	sent := time.Now()
	if _, err := u.conn.Write(payload); err != nil {
		return sent, err
	}
	select {
	case err := <-echoed:
		return sent, err
	case <-ctx.Done():
		return sent, ctx.Err()
	}
}

func (u *datagrams) expect() (uint64, chan error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next++
	echoed := make(chan error, 1)
	u.waiting[u.next] = echoed
	return u.next, echoed
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
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n == u.bytes {
			u.arrived(binary.BigEndian.Uint64(buf))
		}
	}
}

// arrived takes the first echo only: a datagram may come twice.
func (u *datagrams) arrived(number uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if echoed := u.waiting[number]; echoed != nil {
		echoed <- nil
		delete(u.waiting, number)
	}
}

func (u *datagrams) end() {
	u.conn.Close()
	u.reader.Wait()
}
