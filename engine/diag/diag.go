// Package diag holds what is wrong with a scenario: where, what was found, and
// what would be right. Diagnostics are values; they are collected first and
// rendered last, so that every error of every file is shown at once.
package diag

import (
	"fmt"

	"github.com/realspec/realspec/engine/spec"
)

// Severity says whether a diagnostic stops a run.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one thing that is wrong.
type Diagnostic struct {
	Pos      spec.Pos `json:"pos"`
	Width    int      `json:"width,omitempty"` // characters from Pos that are meant; 0 means 1
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`           // stable kebab-case word, e.g. unknown-field
	Message  string   `json:"message"`        // lower case: what was found, where
	Help     string   `json:"help,omitempty"` // what would be right, may have several lines
}

// String renders the diagnostic on one line, without its help.
func (d Diagnostic) String() string {
	return fmt.Sprintf("%s: %s: %s", d.Pos, d.Severity, d.Message)
}

// List collects diagnostics.
type List []Diagnostic

// Add appends an error and returns it for further detail.
func (l *List) Add(pos spec.Pos, code, format string, args ...any) *Diagnostic {
	*l = append(*l, Diagnostic{
		Pos: pos, Severity: Error, Code: code, Message: fmt.Sprintf(format, args...),
	})
	return &(*l)[len(*l)-1]
}

// HasErrors tells whether one of the diagnostics is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}
