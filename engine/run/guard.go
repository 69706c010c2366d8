package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/event"
)

// refusedError is what the configuration forbids: the scenario is not valid here,
// whatever the cluster would say.
type refusedError struct{ why []string }

func (e *refusedError) Error() string { return strings.Join(e.why, "\n") }

// guard holds the scenario against the configuration, before anything is written.
func (s *scenario) guard() error {
	own := s.cluster.Facts.Cluster.Local
	if why := s.plan.Refused(s.cluster.Config, s.cluster.Facts, own); len(why) > 0 {
		return &refusedError{why}
	}
	if s.cluster.Config == nil || !s.cluster.Config.Caps.At.IsValid() {
		return nil
	}
	for _, what := range s.plan.Most(s.cluster.Facts).Unknown {
		s.notice("not counted for caps: " + what)
	}
	return nil
}

// missingError are permissions that the scenario needs and that are not there.
type missingError struct{ what []string }

func (e *missingError) Error() string {
	return "needs permissions that it does not have: it may not " + strings.Join(e.what, "; not ")
}

// permitted asks the API server for the permissions of all steps, before the first
// of them: a scenario that fails half way for want of a right tells nothing of the
// system under test. realspec's own clusters allow everything.
func (s *scenario) permitted(ctx context.Context) error {
	if s.cluster.Facts.Cluster.Local {
		return nil
	}
	all, err := Permissions(ctx, s.cluster.Client, s.plan, s.namespace)
	switch {
	case cluster.IsRefused(err):
		s.notice(fmt.Sprintf("whether its permissions are there cannot be asked (%v): it goes on without", err))
		return nil
	case err != nil:
		return err
	}
	if missing := s.lacking(all, false); len(missing) > 0 {
		return &missingError{missing}
	}
	if missing := s.lacking(all, true); len(missing) > 0 {
		s.notice("runs without some evidence of failures or error bars: it may not " + strings.Join(missing, "; not "))
	}
	return nil
}

// lacking are the permissions that are not there, those of a resource together:
// create, delete pods in its own namespace.
func (s *scenario) lacking(all []Permission, optional bool) []string {
	var out, verbs []string
	for i, p := range all {
		if !p.Allowed && p.Optional == optional {
			verbs = append(verbs, p.Verb)
		}
		if i+1 < len(all) && object(all[i+1]) == object(p) {
			continue
		}
		if len(verbs) > 0 {
			out = append(out, strings.Join(verbs, ", ")+" "+p.Text()+s.where(p))
		}
		verbs = nil
	}
	return out
}

// object is what permissions are for that are told together.
func object(p Permission) [2]string { return [2]string{p.Text(), p.Namespace} }

func (s *scenario) where(p Permission) string {
	switch p.Namespace {
	case "":
		return ""
	case s.namespace:
		return " in its own namespace"
	}
	return " in " + p.Namespace
}

func (s *scenario) notice(text string) {
	s.Sink.Emit(event.Notice{Scenario: s.plan.Key, Text: text})
}
