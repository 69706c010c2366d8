package main

import (
	"errors"
	"net"
	"sync"
)

// bothListener accepts connections of two listeners: the user's on loopback,
// which no proxy setting ever diverts, and the nodes' on their wire.
type bothListener struct {
	net.Listener // whose address is that of the whole
	other        net.Listener
	accepted     chan accepted
	closed       chan struct{}
	once         sync.Once
}

type accepted struct {
	connection net.Conn
	err        error
}

func listenBoth(first, second net.Listener) net.Listener {
	both := &bothListener{Listener: first, other: second, accepted: make(chan accepted), closed: make(chan struct{})}
	for _, one := range []net.Listener{first, second} {
		go both.pass(one)
	}
	return both
}

func (b *bothListener) pass(one net.Listener) {
	for {
		connection, err := one.Accept()
		select {
		case b.accepted <- accepted{connection, err}:
		case <-b.closed:
			if connection != nil {
				connection.Close()
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// Accept returns the next connection of either.
func (b *bothListener) Accept() (net.Conn, error) {
	select {
	case next := <-b.accepted:
		return next.connection, next.err
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close closes both.
func (b *bothListener) Close() error {
	b.once.Do(func() { close(b.closed) })
	return errors.Join(b.Listener.Close(), b.other.Close())
}
