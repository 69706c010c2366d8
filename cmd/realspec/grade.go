package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

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
		return &exitError{1, fmt.Sprintf("no sample of %s is in %s, which saw %s being created: give the log of the cluster and the time of the run",
			c.Recorded, c.Audit, plural(truth.Pods(), "pod", "pods"))}
	}
	return &exitError{1, "an error is above the bar that the run printed for it"}
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
	file, err := os.Open(c.Recorded)
	if err != nil {
		return nil, usage("the run cannot be read: %v", err)
	}
	defer file.Close()
	content := bufio.NewReader(file)
	if begin, _ := content.Peek(64); bytes.HasPrefix(bytes.TrimSpace(begin), []byte(`{"event"`)) {
		events, err := event.Read(content)
		if err != nil {
			return nil, usage("%s: %v", c.Recorded, err)
		}
		return event.Fold(events), nil
	}
	return c.decode(content)
}

// decode reads the result of run --json.
func (c *gradeCommand) decode(r io.Reader) (*event.Result, error) {
	var result event.Result
	switch err := json.NewDecoder(r).Decode(&result); {
	case errors.Is(err, io.EOF):
		return nil, usage("%s is empty: give the file of run --events or of run --json", c.Recorded)
	case err != nil || result.SchemaVersion == 0:
		return nil, usage("%s is no recorded run: give the file of run --events or of run --json", c.Recorded)
	case result.SchemaVersion > event.SchemaVersion:
		return nil, usage("%s has the schema version %d and this realspec knows %d: use a newer realspec", c.Recorded, result.SchemaVersion, event.SchemaVersion)
	}
	return &result, nil
}
