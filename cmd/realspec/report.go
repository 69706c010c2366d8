package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/report"
)

// reportCommand rebuilds reports from a recorded run.
type reportCommand struct {
	File     string `arg:"" name:"run" help:"The events of the run (run --events), or - for standard input."`
	JUnit    string `name:"junit" help:"Write a JUnit file." placeholder:"FILE"`
	JSON     string `name:"json" help:"Write the result as JSON." placeholder:"FILE"`
	HTML     string `name:"html" help:"Write a report to open in a browser." placeholder:"FILE"`
	Markdown string `help:"Write a summary in Markdown, for a ticket." placeholder:"FILE"`
	Verbose  bool   `short:"v" help:"Show also what passed."`
	Quiet    bool   `short:"q" help:"Show only what did not pass, and the verdict."`
	outputs
}

// Run is the command. It shows the run as its console did, unless it is asked for
// files, and answers as the run did: one that was killed is an error.
func (c *reportCommand) Run(a *app) error {
	if err := c.outputs.check(c.File, c.JUnit, c.JSON, c.HTML, c.Markdown); err != nil {
		return err
	}
	events, err := readEvents(c.File)
	if err != nil {
		return err
	}
	result := event.Fold(events)
	out, err := openReports(c.outputs.reports(c.JUnit, c.JSON, c.HTML, c.Markdown))
	if err != nil {
		return err
	}
	defer out.close()
	if err := c.outputs.writeEvidence(result); err != nil {
		return err
	}
	if err := out.write(result); err != nil {
		return err
	}
	c.outputs.push(a, result)
	if len(out) == 0 && c.Evidence == "" && c.Push == "" {
		console := report.NewConsole(report.Options{
			Out: a.stdout, Color: a.color(a.stdout), ASCII: !utf8Locale(a.getenv), Verbose: c.Verbose, Quiet: c.Quiet,
		})
		for _, s := range events {
			console.Handle(s)
		}
		console.Summary(result)
	}
	if result.ExitCode != 0 {
		return &exitError{code: result.ExitCode}
	}
	return nil
}

// readEvents reads the events of a run.
func readEvents(path string) ([]event.Stamped, error) {
	in, name := io.Reader(os.Stdin), "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, usage("the run cannot be read: %s: %s", path, reasonOf(err))
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return nil, usage("the run cannot be read: %s is a folder; name its events file", path)
		}
		in, name = file, path
	}
	events, err := event.Read(in)
	switch {
	case err != nil:
		return nil, usage("%s is not the events of a run: %v\n  they are written by: realspec run --events FILE", name, err)
	case !began(events):
		return nil, usage("%s is not the events of a run: it does not begin with one\n"+
			"  they are written by: realspec run --events FILE", name)
	}
	return events, nil
}

// began tells whether the first event is that of a run. What a run that was
// killed at once leaves, nothing or the part of a line, cannot be told from any
// other file.
func began(events []event.Stamped) bool {
	if len(events) == 0 {
		return false
	}
	_, ok := events[0].Event.(event.RunStarted)
	return ok
}

// reasonOf is why a file could not be opened, without its path.
func reasonOf(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// markdown is the Markdown report as short as GitHub takes it.
func markdown(w io.Writer, r *event.Result) error { return report.Markdown(w, r, report.MarkdownLimit) }

// reportFile is a report and the file that it is written to.
type reportFile struct {
	path   string // "" when it was not asked for
	render func(io.Writer, *event.Result) error
	to     *os.File
}

// reportFiles are the reports that were asked for.
type reportFiles []reportFile

// openReports opens the files of the reports that have a path.
func openReports(all []reportFile) (reportFiles, error) {
	var out reportFiles
	for _, f := range all {
		if f.path == "" {
			continue
		}
		var err error
		if f.to, err = createReport(f.path); err != nil {
			out.close()
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// createReport makes a file and the folders above it.
func createReport(path string) (*os.File, error) {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		var file *os.File
		if file, err = os.Create(path); err == nil {
			return file, nil
		}
	}
	return nil, usage("the report cannot be written: %v", err)
}

// write writes the reports of the result, each to its end: one that cannot be
// written does not take the others with it.
func (f reportFiles) write(r *event.Result) error {
	var all []error
	for _, one := range f {
		err := one.render(one.to, r)
		if err != nil {
			_ = one.to.Truncate(0) // half a report is easily taken for a whole one
		}
		if closed := one.to.Close(); err == nil {
			err = closed // some file systems tell only now that there is no room
		}
		if err != nil {
			all = append(all, fmt.Errorf("the report %s could not be written: %w", one.path, err))
		}
	}
	return errors.Join(all...)
}

// close closes the files of reports that are not written.
func (f reportFiles) close() {
	for _, one := range f {
		_ = one.to.Close() // also after write, which has told of errors
	}
}
