package probe

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// echoServer is the other end, on a free port of TCP and UDP.
func echoServer(t *testing.T) string {
	t.Helper()
	var tcp net.Listener
	var udp net.PacketConn
	for range 10 {
		var err error
		if tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if udp, err = net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			break
		}
		tcp.Close()
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- ServeEcho(ctx, tcp, udp) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the echo server ended with %v", err)
		}
	})
	return tcp.Addr().String()
}

// An echo server whose listener is gone keeps nothing open.
func TestAnEchoServerThatFailsClosesEverything(t *testing.T) {
	g := NewWithT(t)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	ended := make(chan error, 1)
	go func() { ended <- ServeEcho(t.Context(), tcp, udp) }()
	tcp.Close()
	g.Eventually(ended).WithTimeout(10 * time.Second).Should(Receive(MatchError(net.ErrClosed)))
	_, err = udp.WriteTo([]byte("a"), udp.LocalAddr())
	g.Expect(err).To(MatchError(net.ErrClosed))
}

func trips(t *testing.T, job RoundTripJob) *RoundTripReport {
	t.Helper()
	report, err := Run(t.Context(), Job{RoundTrips: &job})
	if err != nil {
		t.Fatal(err)
	}
	r := report.RoundTrips
	if r.Due != len(r.Samples)+r.Lost || len(r.Samples) != len(r.Service) {
		t.Fatalf("%d due are not %d samples (%d services) and %d lost", r.Due, len(r.Samples), len(r.Service), r.Lost)
	}
	return r
}

func TestRoundTrips(t *testing.T) {
	address := echoServer(t)
	for _, transaction := range []string{"rtt", "connect", "request", "udp", "dns"} {
		t.Run(transaction, func(t *testing.T) {
			g := NewWithT(t)
			job := RoundTripJob{Transaction: transaction, Address: address, Rate: 100, For: 500 * time.Millisecond, Bytes: 64}
			if transaction == "dns" {
				job.Address = "localhost"
			}
			r := trips(t, job)
			g.Expect(r.Due).To(Equal(50))
			g.Expect(r.Errors).To(BeEmpty())
			g.Expect(r.Short).To(BeEmpty())
			for _, took := range r.Service {
				g.Expect(took).To(BeNumerically(">", 0))
			}
		})
	}
}

func TestPayloadsOfManySizesComeBackWhole(t *testing.T) {
	address := echoServer(t)
	for _, transaction := range []string{"rtt", "request", "udp"} {
		for _, size := range []int{8, 1400, 60 << 10} {
			r := trips(t, RoundTripJob{Transaction: transaction, Address: address, Rate: 50, For: 200 * time.Millisecond, Bytes: size})
			if r.Lost != 0 {
				t.Errorf("%s of %d bytes: %d lost, %v", transaction, size, r.Lost, r.Errors)
			}
		}
	}
}

// lossy passes datagrams on to address; keep tells what to do with each by its
// number, from 1.
func lossy(t *testing.T, address string, keep func(n int) (bool, time.Duration)) string {
	t.Helper()
	in, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	var sender atomic.Value
	var all sync.WaitGroup
	all.Go(func() {
		buf := make([]byte, 64<<10)
		for n := 1; ; n++ {
			size, from, err := in.ReadFrom(buf)
			if err != nil {
				return
			}
			sender.Store(from)
			if pass, late := keep(n); pass {
				message := append([]byte(nil), buf[:size]...)
				time.AfterFunc(late, func() { _, _ = out.Write(message) })
			}
		}
	})
	all.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			size, err := out.Read(buf)
			if err != nil {
				return
			}
			_, _ = in.WriteTo(buf[:size], sender.Load().(net.Addr))
		}
	})
	t.Cleanup(func() { in.Close(); out.Close(); all.Wait() })
	return in.LocalAddr().String()
}

func TestLostDatagramsAreCounted(t *testing.T) {
	g := NewWithT(t)
	proxy := lossy(t, echoServer(t), func(n int) (bool, time.Duration) { return n%20 != 0, 0 })
	r := trips(t, RoundTripJob{Transaction: "udp", Address: proxy, Rate: 200, For: time.Second, Timeout: 300 * time.Millisecond})
	g.Expect(r.Lost).To(Equal(10))
	g.Expect(r.Errors).To(Equal(map[string]int64{"timeout": 10}))
	g.Expect(r.Short).To(BeEmpty(), "the load was delivered: the network lost them")
}

// One that comes after its time is lost, and not the answer to the next.
func TestLateDatagramsAreLost(t *testing.T) {
	g := NewWithT(t)
	proxy := lossy(t, echoServer(t), func(n int) (bool, time.Duration) {
		if n%10 == 0 {
			return true, 400 * time.Millisecond
		}
		return true, 0
	})
	r := trips(t, RoundTripJob{Transaction: "udp", Address: proxy, Rate: 100, For: time.Second, Timeout: 200 * time.Millisecond})
	g.Expect(r.Lost).To(Equal(10))
	for _, took := range r.Service {
		g.Expect(took).To(BeNumerically("<", 200*time.Millisecond))
	}
}

func TestNobodyListens(t *testing.T) {
	for transaction, kind := range map[string]string{"rtt": "connection refused", "connect": "connection refused", "request": "connection refused"} {
		r := trips(t, RoundTripJob{Transaction: transaction, Address: nobody, Rate: 50, For: 200 * time.Millisecond})
		if r.Errors[kind] != 10 || r.Lost != 10 {
			t.Errorf("%s: %d lost, %v", transaction, r.Lost, r.Errors)
		}
	}
	udp := trips(t, RoundTripJob{Transaction: "udp", Address: nobody, Rate: 50, For: 200 * time.Millisecond, Timeout: 100 * time.Millisecond})
	if udp.Lost != 10 {
		t.Errorf("udp: %d lost, %v", udp.Lost, udp.Errors)
	}
}

// A broken connection costs the transactions that were on it and the one that finds
// out, and no sample has the making of the next in it.
func TestAWarmConnectionIsMadeAgain(t *testing.T) {
	g := NewWithT(t)
	address := echoServer(t)
	front, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { front.Close() })
	var connections atomic.Int64
	go func() {
		for {
			in, err := front.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", address)
			if err != nil {
				in.Close()
				return
			}
			if connections.Add(1) == 1 {
				time.AfterFunc(300*time.Millisecond, func() { in.Close() })
			}
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	r := trips(t, RoundTripJob{Transaction: "rtt", Address: front.Addr().String(), Rate: 100, For: time.Second})
	g.Expect(connections.Load()).To(BeEquivalentTo(2))
	g.Expect(r.Lost).To(And(BeNumerically(">=", 1), BeNumerically("<=", 20)))
	g.Expect(r.Errors).To(HaveKey("the connection was broken"))
}

// A server that is slow to answer has more than one request on the connection, and
// none waits for another to be sent.
func TestRequestsOnAWarmConnectionDoNotWaitForAnswers(t *testing.T) {
	g := NewWithT(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 64)
		_, _ = io.ReadFull(conn, buf[:1]) // the mark
		for {
			if _, err := io.ReadFull(conn, buf); err != nil {
				return
			}
			message := append([]byte(nil), buf...)
			time.AfterFunc(100*time.Millisecond, func() { _, _ = conn.Write(message) })
		}
	}()
	r := trips(t, RoundTripJob{Transaction: "rtt", Address: l.Addr().String(), Rate: 100, For: time.Second})
	g.Expect(r.Lost).To(BeZero())
	g.Expect(slower(r.Samples, 400*time.Millisecond)).To(BeZero(), "they would queue for seconds, one behind the other")
	g.Expect(slower(r.Samples, 99*time.Millisecond)).To(Equal(100))
}
