package main

import (
	"fmt"
	"os"

	"github.com/realspec/realspec/engine/cluster"
)

// auditFile is where a run notes every write to a cluster, as it happens.
type auditFile struct {
	file *os.File
	log  *cluster.AuditLog
}

// openAudit opens the audit log, if one is asked for, and lets every client of
// the run write into it.
func (c *runCommand) openAudit() (*auditFile, error) {
	if c.Audit == "" {
		return nil, nil
	}
	file, err := createReport(c.Audit)
	if err != nil {
		return nil, err
	}
	f := &auditFile{file: file, log: cluster.NewAuditLog(file)}
	c.onWrite = f.log.Add
	return f, nil
}

// close closes the file and says whether all of it was written: a log with a hole
// is no audit log.
func (f *auditFile) close() error {
	if f == nil {
		return nil
	}
	err := f.file.Close()
	if f.log.Err() != nil {
		err = f.log.Err()
	}
	if err != nil {
		return fmt.Errorf("the audit log could not be written: %w", err)
	}
	return nil
}
