package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// gitlabFolding folds with collapsible sections, whose time GitLab shows beside
// them: docs.gitlab.com, "CI/CD job logs". A section is decided about at its
// start only, which is one reason why a Log holds a scenario back.
type gitlabFolding struct{}

// guard lets everything through: sections need an escape sequence, and no text
// of a console has one that is not its own.
func (gitlabFolding) guard(w io.Writer) io.Writer { return w }

func (gitlabFolding) fold(w io.Writer, title, name string, from, to time.Time, text []byte) {
	name = sectionName(name)
	fmt.Fprintf(w, "\x1b[0Ksection_start:%d:%s[collapsed=true]\r\x1b[0K%s\n", from.Unix(), name, title)
	_, _ = w.Write(text)
	fmt.Fprintf(w, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", to.Unix(), name)
}

// sectionName has only the characters that GitLab knows in the name of a section:
// letters, digits, _ . and -. With others it would show the markers as text.
func sectionName(name string) string {
	return "realspec-" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '_'
	}, name)
}
