package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// period is the time in which the share is reached, over and over.
const period = 10 * time.Millisecond

type burnCommand struct {
	CPU    float64       `name:"cpu" help:"Cores to use, such as 0.5; 0 uses none." default:"0"`
	Memory string        `help:"Memory to fill and keep, such as 64Mi." default:"0"`
	For    time.Duration `help:"How long; 0s is until SIGTERM." default:"0s"`
}

// Run burns, and says what it has used.
func (b burnCommand) Run(p *process) error {
	size, err := resource.ParseQuantity(b.Memory)
	switch {
	case err != nil || size.Value() < 0:
		return fmt.Errorf("the memory is %q: it must be a quantity such as 64Mi", b.Memory)
	case b.CPU < 0 || math.IsNaN(b.CPU) || b.CPU > 1024:
		return fmt.Errorf("the cpu is %v: it must be a number of cores such as 0.5", b.CPU)
	}
	ctx := p.ctx
	if b.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.For)
		defer cancel()
	}
	held := fill(size.Value())
	began, before := time.Now(), processorTime()
	burn(ctx, b.CPU)
	took, used := time.Since(began), processorTime()-before
	fmt.Fprintf(p.out, "used %.4f cores for %v, and kept %d bytes\n", used.Seconds()/took.Seconds(), took.Round(time.Millisecond), len(held))
	return nil
}

// fill allocates memory and writes to each of its pages, so that it is there.
func fill(size int64) []byte {
	held := make([]byte, size)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	return held
}

// burn uses cores until ctx ends. In every period all workers work until the
// process has used what it should have used by the end of that period: what it
// could not use because the machine was busy is made up for, and what the process
// uses besides counts.
func burn(ctx context.Context, cores float64) {
	if cores == 0 {
		<-ctx.Done()
		return
	}
	began, before := time.Now(), processorTime()
	var workers sync.WaitGroup
	for range int(math.Ceil(cores)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				end := time.Since(began).Truncate(period) + period
				quota := time.Duration(cores * float64(end))
				for processorTime()-before < quota && time.Since(began) < end {
					work()
				}
				time.Sleep(time.Until(began.Add(end)))
			}
		})
	}
	workers.Wait()
}

// work takes some 20 µs, so that asking for the time costs little beside it.
func work() {
	x := 1.0
	for range 10_000 {
		x = x*1.0000001 + 1e-9
	}
	if math.IsInf(x, 0) {
		panic("arithmetic is broken")
	}
}
