package main

import (
	"fmt"
	"os"

	"github.com/realspec/realspec/engine/compare"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/grade"
)

// gradeCommand holds the figures of a run against the API server's audit log.
type gradeCommand struct {
	Recorded string `arg:"" name:"run" help:"A recorded run: its events (run --events) or its result (run --json)."`
	Audit    string `required:"" help:"The API server's audit log, in JSON: that of realspec-cluster up --audit, for example." placeholder:"FILE"`
}

// Run is the command. It answers with 1 when an error bar does not hold, and
// when there is nothing to hold it against: that proves nothing.
func (c *gradeCommand) Run(a *app) error {
	result, err := c.result()
	if err != nil {
		return err
	}
	truth, err := c.truth()
	if err != nil {
		return err
	}
	graded := grade.Grade(result, truth)
	fmt.Fprint(a.stdout, graded.Text())
	switch {
	case graded.Holds():
		return nil
	case graded.Joined() == 0:
		return &exitError{exitFailed, fmt.Sprintf("no sample of %s is in %s, which saw %s being created: give the log of the cluster and the time of the run",
			c.Recorded, c.Audit, plural(truth.Pods(), "pod", "pods"))}
	}
	return &exitError{exitFailed, "an error is above the bar that the run printed for it"}
}

// truth reads the audit log.
func (c *gradeCommand) truth() (*grade.Truth, error) {
	file, err := os.Open(c.Audit)
	if err != nil {
		return nil, usage("the audit log cannot be read: %v", err)
	}
	defer file.Close()
	truth, err := grade.ReadAudit(file)
	if err != nil {
		return nil, usage("%s: %v", c.Audit, err)
	}
	return truth, nil
}

// result reads the run, from its events or from its result.
func (c *gradeCommand) result() (*event.Result, error) {
	const want = "give the file of run --events or of run --json"
	in, err := compare.Load(c.Recorded)
	switch {
	case err != nil:
		return nil, usage("%s is no recorded run: %s\n  %v", c.Recorded, want, err)
	case len(in.Results) != 1:
		return nil, usage("%s has %s: %s", c.Recorded, plural(len(in.Results), "recorded run", "recorded runs"), want)
	}
	return in.Results[0], nil
}
