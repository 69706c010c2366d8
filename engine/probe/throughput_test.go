package probe

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestTheSinkCountsEveryByte(t *testing.T) {
	g := NewWithT(t)
	conn, err := net.Dial("tcp", echoServer(t))
	g.Expect(err).NotTo(HaveOccurred())
	defer conn.Close()
	_, err = conn.Write(append([]byte{sinkMark}, make([]byte, 1_000_003)...))
	g.Expect(err).NotTo(HaveOccurred())
	time.Sleep(250 * time.Millisecond)
	_, err = conn.Write(make([]byte, 17))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(conn.(*net.TCPConn).CloseWrite()).To(Succeed())
	var got counted
	g.Expect(json.NewDecoder(conn).Decode(&got)).To(Succeed())
	var sum int64
	for _, n := range got.Slices {
		sum += n
	}
	g.Expect(sum).To(BeEquivalentTo(1_000_020))
	g.Expect(len(got.Slices)).To(BeNumerically(">=", 3))
}

// The sum over streams, without the beginning and without what came after the end.
func TestThroughputIsWhatArrivedBetweenDiscardAndTheEnd(t *testing.T) {
	g := NewWithT(t)
	var one counted
	for i := range 35 { // 3.5 s: more than the time of 3 s
		one.Slices = append(one.Slices, int64(i))
	}
	short := counted{Slices: one.Slices[:15]} // stalled after 1.5 s
	r := ThroughputJob{For: 3 * time.Second, Discard: time.Second}.add([]counted{one, short})
	g.Expect(r.Seconds).To(Equal(2.0))
	g.Expect(r.Bytes).To(BeEquivalentTo((10+29)*20/2 + 10 + 11 + 12 + 13 + 14))
	g.Expect(r.Each).To(Equal([]float64{8 * ((10+19)*10/2 + 60), 8 * (20 + 29) * 10 / 2}))
}

// slowed passes TCP on to address, not faster than that many bytes a second.
func slowed(t *testing.T, address string, perSecond int) string {
	t.Helper()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { front.Close(); all.Wait() })
	all.Go(func() {
		for {
			in, err := front.Accept()
			if err != nil {
				return
			}
			all.Go(func() { passSlowly(in.(*net.TCPConn), address, perSecond) })
		}
	})
	return front.Addr().String()
}

func passSlowly(in *net.TCPConn, address string, perSecond int) {
	defer in.Close()
	back, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer back.Close()
	_ = in.SetReadBuffer(64 << 10)
	var passed int64
	for begin := time.Now(); ; {
		n, err := io.CopyN(back, in, 32<<10)
		passed += n
		if err != nil {
			break
		}
		time.Sleep(time.Until(begin.Add(time.Duration(passed) * time.Second / time.Duration(perSecond))))
	}
	_ = back.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(in, back)
}

func TestThroughputOfAKnownLink(t *testing.T) {
	g := NewWithT(t)
	address := slowed(t, echoServer(t), 10_000_000)
	for streams, want := range map[int]float64{1: 80e6, 3: 240e6} {
		report, err := Run(t.Context(), Job{Throughput: &ThroughputJob{Address: address, Streams: streams, For: 2500 * time.Millisecond, Discard: 500 * time.Millisecond}})
		g.Expect(err).NotTo(HaveOccurred())
		r := report.Throughput
		g.Expect(r.Seconds).To(Equal(2.0))
		g.Expect(r.Each).To(HaveLen(2))
		g.Expect(8 * float64(r.Bytes) / r.Seconds).To(BeNumerically("~", want, 0.1*want))
	}
}

// A tunnel that compresses would show more than it carries.
func TestWhatThroughputSendsCannotBeCompressed(t *testing.T) {
	g := NewWithT(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	sent := make([]byte, 1+blockSize) // the mark, and one write
	seen := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.ReadFull(conn, sent)
			conn.Close()
		}
		seen <- err
	}()
	_, err = Run(t.Context(), Job{Throughput: &ThroughputJob{Address: l.Addr().String(), For: 2 * time.Second}})
	g.Expect(err).To(MatchError(ContainSubstring("was not measured"))) // it hung up
	g.Expect(<-seen).To(Succeed())
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = w.Write(sent[1:])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Close()).To(Succeed())
	g.Expect(packed.Len()).To(BeNumerically(">=", blockSize))
}

func TestThroughputWithoutAReceiver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	job := ThroughputJob{Address: l.Addr().String(), For: 2 * time.Second}
	go func() { // one that hangs up, without a word
		conn, err := l.Accept()
		if err == nil {
			time.Sleep(100 * time.Millisecond)
			conn.Close()
		}
	}()
	if _, err := Run(t.Context(), Job{Throughput: &job}); err == nil || !strings.Contains(err.Error(), "was not measured: connection") {
		t.Errorf("hung up: %v", err)
	}
	l.Close()
	job.Address = nobody
	if _, err := Run(t.Context(), Job{Throughput: &job}); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	job.Address, job.For = echoServer(t), time.Minute
	if _, err := Run(ctx, Job{Throughput: &job}); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("stopped: %v", err)
	}
}
