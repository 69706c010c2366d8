package plan

import (
	"net/url"
	"slices"
	"strings"
)

// secret is how long the value of an environment variable must be to be hidden:
// masking every "on" or "8080" would make texts unreadable and hide nothing.
const secret = 6

// Masked stands for a value of env in what people and reports get to see.
const Masked = "***"

// Veil hides the values of the scenario's declared environment variables in a text,
// their lines (a PEM file is shown line by line), and both as they stand in a URL. Of
// two that begin alike the longer one goes first.
func (s *Scenario) Veil() *strings.Replacer {
	var hidden []string
	for _, value := range s.Env {
		for _, part := range append(strings.Split(value, "\n"), value) {
			if part = strings.TrimSpace(part); len(part) >= secret {
				hidden = append(hidden, part, url.QueryEscape(part), url.PathEscape(part))
			}
		}
	}
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, part := range hidden {
		pairs = append(pairs, part, Masked)
	}
	return strings.NewReplacer(pairs...)
}

// hide veils what an outline says of steps.
func hide(veil *strings.Replacer, steps []StepOutline) {
	for i := range steps {
		for j, line := range steps[i].Does {
			steps[i].Does[j] = veil.Replace(line)
		}
		hide(veil, steps[i].During)
	}
}
