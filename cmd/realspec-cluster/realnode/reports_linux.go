package realnode

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// reports are what a first process tells, line by line.
type reports struct {
	*os.File
	lines *bufio.Scanner
}

// await reads until what is wanted is told.
func (r *reports) await(wanted string) error {
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	why := "nothing was reported"
	for r.lines.Scan() {
		if r.lines.Text() == wanted {
			return nil
		}
		if failure, failed := strings.CutPrefix(r.lines.Text(), reportFailed); failed {
			why = failure
		}
	}
	if errors.Is(r.lines.Err(), os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s, after %s", why, patience)
	}
	return errors.New(why)
}
