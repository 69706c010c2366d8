package main

import (
	"flag"
	"io"
	"os"
	"sync"

	"k8s.io/klog/v2"
)

// maxLog bounds the log of a cluster that runs for long. One older file of
// at most the same size is kept beside it.
const maxLog = 8 << 20

// boundedLog appends to a log file and keeps it small. The file is truncated
// in place rather than replaced, because the process's own stderr, where
// panics go, is the same open file.
type boundedLog struct {
	mutex sync.Mutex
	path  string
	file  *os.File
	size  int64
	limit int64
}

func openBoundedLog(path string) (*boundedLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &boundedLog{path: path, file: file, size: info.Size(), limit: maxLog}, nil
}

// Write appends to the log.
func (l *boundedLog) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.size+int64(len(line)) > l.limit {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// turn copies the log to the older file and empties it.
func (l *boundedLog) turn() error {
	older, err := os.OpenFile(l.path+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer older.Close()
	if _, err := io.Copy(older, io.NewSectionReader(l.file, 0, l.size)); err != nil {
		return err
	}
	l.size = 0
	return l.file.Truncate(0)
}

// takeComponentLogs makes the Kubernetes components, which all log through
// klog, log here.
func (l *boundedLog) takeComponentLogs(verbose bool) {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	level := "0"
	if verbose {
		level = "2"
	}
	for name, value := range map[string]string{
		"logtostderr":     "false", // or the output below is not used
		"stderrthreshold": "FATAL",
		"one_output":      "true", // or a warning is written as information, too
		"v":               level,
	} {
		if err := flags.Set(name, value); err != nil {
			panic(err) // a flag that klog has had for ever
		}
	}
	klog.SetOutput(l)
}
