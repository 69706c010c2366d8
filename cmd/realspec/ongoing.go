package main

import (
	"fmt"
	"os"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
)

// ongoing is a file that is written while the run goes on.
type ongoing struct {
	what string
	file *os.File
	err  func() error // the first error in writing it
}

// openEvents opens the events file, if one is asked for.
func (c *runCommand) openEvents() (*ongoing, *event.Writer, error) {
	if c.Events == "" {
		return nil, nil, nil
	}
	file, err := createReport(c.Events)
	if err != nil {
		return nil, nil, err
	}
	writer := event.NewWriter(file)
	return &ongoing{"the events file", file, writer.Err}, writer, nil
}

// openAudit opens the audit log, if one is asked for, and lets every client of
// the run write into it.
func (c *runCommand) openAudit() (*ongoing, error) {
	if c.Audit == "" {
		return nil, nil
	}
	file, err := createReport(c.Audit)
	if err != nil {
		return nil, err
	}
	log := cluster.NewAuditLog(file)
	c.onWrite = log.Add
	return &ongoing{"the audit log", file, log.Err}, nil
}

// close closes the file and says whether all of it was written: events with a hole
// are no account of the run, and a log with one is no audit log.
func (o *ongoing) close() error {
	if o == nil {
		return nil
	}
	err := o.err()
	if closed := o.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s could not be written: %w", o.what, err)
	}
	return nil
}
