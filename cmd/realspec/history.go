package main

import (
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/compare"
)

// historyCommand shows how metrics went over many runs.
type historyCommand struct {
	Paths  []string `arg:"" name:"path" help:"Results (run --json), events (run --events), baselines, or folders of such files."`
	Metric []string `help:"Only these metrics, as startup.ready.p99 or '*.p95'; may be repeated." placeholder:"GLOB"`
}

// Run is the command.
func (c *historyCommand) Run(a *app) error {
	var runs []compare.Run
	pick := compare.Pick{Of: c.Metric}
	for _, path := range c.Paths {
		in, err := loadRuns(path)
		if err != nil {
			return err
		}
		runs = append(runs, in.Runs(pick)...)
	}
	if len(runs) == 0 && len(c.Metric) > 0 {
		return usage("no run has a metric like %s", strings.Join(c.Metric, ", "))
	}
	fmt.Fprint(a.stdout, compare.History(runs, compare.HistoryOptions{Width: reportWidth, ASCII: !utf8Locale(a.getenv)}))
	return nil
}
