package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/realspec/realspec/engine/probe"
)

type serveCommand struct {
	Address string        `help:"Address to listen on." default:""`
	Port    int           `help:"Port of the control API; 0 takes a free one." default:"8080"`
	Echo    int           `help:"Port of the TCP and UDP echo; 0 takes a free one." default:"7000"`
	HTTP    int           `name:"http" help:"Port of the HTTP server for scenarios; 0 takes a free one." default:"8081"`
	Drain   time.Duration `help:"How long to go on serving after SIGTERM." default:"0s"`
}

// Run serves until SIGTERM.
func (s serveCommand) Run(p *process) error {
	l, err := s.listen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	context.AfterFunc(p.ctx, func() { time.AfterFunc(s.Drain, cancel) })
	jobs := newJobs(ctx, time.Now)
	fmt.Fprintf(p.out, "control %s\necho %s\nhttp %s\n", l.control.Addr(), l.echo.Addr(), l.fixture.Addr())
	ended := make(chan error, 3)
	go func() { ended <- serveHTTP(ctx, l.control, jobs.handler(p.token)) }()
	go func() { ended <- serveHTTP(ctx, l.fixture, newFixture(p.name)) }()
	go func() { ended <- probe.ServeEcho(ctx, l.echo, l.datagrams) }()
	for range cap(ended) {
		if one := <-ended; one != nil {
			err = errors.Join(err, one)
			cancel()
		}
	}
	return err
}

type listeners struct {
	control, echo, fixture net.Listener
	datagrams              net.PacketConn
}

// listen takes all ports; UDP the same as TCP. A free port for both is found by
// trying: the one that TCP was given may be taken for UDP.
func (s serveCommand) listen() (l listeners, err error) {
	on := func(port int) string { return net.JoinHostPort(s.Address, strconv.Itoa(port)) }
	if l.control, err = net.Listen("tcp", on(s.Port)); err != nil {
		return l, err
	}
	if l.fixture, err = net.Listen("tcp", on(s.HTTP)); err != nil {
		return l, err
	}
	for range 10 {
		if l.echo, err = net.Listen("tcp", on(s.Echo)); err != nil {
			return l, err
		}
		l.datagrams, err = net.ListenPacket("udp", on(l.echo.Addr().(*net.TCPAddr).Port))
		if err == nil || s.Echo != 0 {
			return l, err
		}
		_ = l.echo.Close()
	}
	return l, err
}

// shutdownWithin is how long requests may go on that are being answered at the end.
const shutdownWithin = 5 * time.Second

func serveHTTP(ctx context.Context, on net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	down := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(down)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	})
	if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-down
	return nil
}
