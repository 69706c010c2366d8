package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	defaultDiscard = time.Second
	// mostStreams is how many connections one job opens.
	mostStreams = 128
	// reportWithin is how long the receiver may take to read what is still on the
	// way and to report.
	reportWithin  = 10 * time.Second
	connectWithin = 5 * time.Second
	// blockSize is how much one write sends, as iperf3's do. It is random: what lies on
	// the way cannot compress it, and zeros that were never written would be read from
	// one page that stays in the fastest cache.
	blockSize = 128 << 10
)

// throughput sends on all streams for the whole time. What counts is what the
// receiver has seen between Discard and the end of For, both since its streams
// began; what was still in buffers then does not.
func (r Runner) throughput(ctx context.Context, job ThroughputJob) (*ThroughputReport, error) {
	job.Streams = cmp.Or(job.Streams, 1)
	job.Discard = cmp.Or(job.Discard, defaultDiscard)
	switch {
	case job.Streams < 1 || job.Streams > mostStreams:
		return nil, fmt.Errorf("there are %d streams: there must be from 1 to %d", job.Streams, mostStreams)
	case job.For < job.Discard+time.Second:
		return nil, fmt.Errorf("the time is %v: it must be at least 1s more than its beginning of %v, which does not count", job.For, job.Discard)
	}
	streams, err := connectAll(ctx, job)
	if err != nil {
		return nil, err
	}
	r.Progress(fmt.Sprintf("sending to %s for %v", job.Address, job.For))
	return job.send(ctx, streams)
}

func connectAll(ctx context.Context, job ThroughputJob) (streams []*net.TCPConn, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	for range job.Streams {
		conn, err := dial(ctx, "tcp", job.Address)
		if err != nil {
			for _, open := range streams {
				_ = open.Close()
			}
			return nil, fmt.Errorf("no connection to %s: %w", job.Address, failureOf(err))
		}
		streams = append(streams, conn.(*net.TCPConn))
	}
	return streams, nil
}

func (j ThroughputJob) send(ctx context.Context, streams []*net.TCPConn) (*ThroughputReport, error) {
	received := make([]counted, len(streams))
	errs := make([]error, len(streams))
	until := time.Now().Add(j.For)
	stop := context.AfterFunc(ctx, func() {
		for _, s := range streams {
			_ = s.Close()
		}
	})
	defer stop()
	var all sync.WaitGroup
	for i, s := range streams {
		all.Go(func() {
			defer func() { _ = s.Close() }()
			errs[i] = stream(s, until, &received[i])
		})
	}
	all.Wait()
	for _, err := range errs {
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("the throughput to %s was not measured: it was stopped", j.Address)
		case err != nil:
			return nil, fmt.Errorf("the throughput to %s was not measured: %w", j.Address, failureOf(err))
		}
	}
	return j.add(received), nil
}

// stream sends until its time is over, and reads what has arrived of it.
func stream(conn *net.TCPConn, until time.Time, received *counted) error {
	if err := conn.SetDeadline(until.Add(reportWithin)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{sinkMark}); err != nil {
		return err
	}
	// With Nagle's algorithm, as iperf3 and most bulk senders: without it the end of each
	// write goes out alone, and between nodes of one machine twice as much is seen.
	if err := conn.SetNoDelay(false); err != nil {
		return err
	}
	block := make([]byte, blockSize)
	_, _ = rand.Read(block) // crypto/rand never fails
	for time.Now().Before(until) {
		if _, err := conn.Write(block); err != nil {
			return err
		}
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	return json.NewDecoder(conn).Decode(received)
}

// add adds up the streams, in whole seconds behind the beginning.
func (j ThroughputJob) add(received []counted) *ThroughputReport {
	first := int(j.Discard / slice)
	last := int(j.For / slice)
	each := int(time.Second / slice)
	out := &ThroughputReport{Seconds: (time.Duration(last-first) * slice).Seconds()}
	bits := make([]float64, (last-first)/each)
	for _, r := range received {
		for i := first; i < min(last, len(r.Slices)); i++ {
			out.Bytes += r.Slices[i]
			if second := (i - first) / each; second < len(bits) {
				bits[second] += 8 * float64(r.Slices[i])
			}
		}
	}
	out.Each = bits
	return out
}
