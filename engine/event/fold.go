package event

import (
	"fmt"
	"time"
)

// SchemaVersion is the version of the Result's JSON.
const SchemaVersion = 1

// Fold is the result of a run's events. Events that end too early fold to a
// result that says so and is never green.
func Fold(events []Stamped) *Result {
	var f Folder
	for _, s := range events {
		f.Add(s)
	}
	return f.Result()
}

// Folder folds events one at a time. The zero Folder is ready; it is not safe
// for concurrent use, a Bus hands it one event at a time.
type Folder struct {
	run     RunStarted
	first   Stamped // the first event
	last    Stamped // the latest event
	end     *RunEnded
	cluster Cluster // of the whole run
	notices []string
	order   []*story
	byPath  map[string]*story
}

// story is what was told of one scenario so far.
type story struct {
	planned ScenarioPlanned
	invalid *ScenarioInvalid
	cluster *Cluster
	started *Stamped
	name    string // of the namespace
	ended   *ScenarioEnded
	until   time.Duration
	cleanup *CleanupEnded
	notices []string
	steps   []*act
}

// act is what was told of one step so far.
type act struct {
	plan     PlannedStep
	started  *Stamped
	ended    bool
	until    time.Duration
	progress string
	attempts []Attempt
	measures []Measured
}

// Handle is Add: a Folder can listen on a Bus.
func (f *Folder) Handle(s Stamped) { f.Add(s) }

// Add takes the next event. An event about a scenario or step that was not
// planned adds it, so that nothing which happened is hidden.
func (f *Folder) Add(s Stamped) {
	if f.first.Event == nil {
		f.first = s
	}
	f.last = s
	switch e := s.Event.(type) {
	case RunStarted:
		f.run = e
	case ScenarioPlanned:
		f.plan(e)
	case ScenarioInvalid:
		st := f.story(e.Scenario)
		st.invalid = &e
		if st.planned.Name == "" {
			st.planned.Name = e.Name
		}
	case ClusterReady:
		f.addCluster(e)
	case Notice:
		f.addNotice(e)
	case RunEnded:
		f.end = &e
	case Truncated:
		f.notices = append(f.notices, "the events file ends in the middle of a line")
	case ScenarioStarted, ScenarioEnded, CleanupEnded:
		f.addScenario(s)
	case StepStarted, StepProgress, AttemptEnded, StepEnded:
		f.addStep(s)
	default:
		f.notices = append(f.notices, fmt.Sprintf(
			"an event of the unknown kind %q was left out: it comes from a newer realspec", s.Event.Kind()))
	}
}

func (f *Folder) addScenario(s Stamped) {
	switch e := s.Event.(type) {
	case ScenarioStarted:
		st := f.story(e.Scenario)
		if st.started == nil {
			st.started = &s
		}
		st.name = e.Namespace
	case ScenarioEnded:
		st := f.story(e.Scenario)
		st.ended, st.until = &e, s.Since
	case CleanupEnded:
		f.story(e.Scenario).cleanup = &e
	}
}

func (f *Folder) addStep(s Stamped) {
	switch e := s.Event.(type) {
	case StepStarted:
		if a := f.act(e.Scenario, e.Step); a.started == nil {
			a.started = &s
		}
	case StepProgress:
		f.act(e.Scenario, e.Step).progress = e.Text
	case AttemptEnded:
		f.act(e.Scenario, e.Step).add(e.Attempt)
	case StepEnded:
		a := f.act(e.Scenario, e.Step)
		a.add(e.Attempt)
		a.ended, a.until = true, s.Since
		a.measures = append(a.measures, e.Measures...)
	}
}

func (a *act) add(t Attempt) {
	if t.Number == 0 {
		t.Number = len(a.attempts) + 1
	}
	a.attempts = append(a.attempts, t)
}

// plan takes the first announcement of a scenario; it may come after an event
// that had to make the scenario up.
func (f *Folder) plan(e ScenarioPlanned) {
	st := f.story(e.Scenario)
	if st.planned.Steps != nil {
		return
	}
	st.planned = e
	made := st.steps
	st.steps = nil
	for _, p := range e.Steps {
		st.act(p.ID).plan = p
	}
	for _, a := range made {
		if planned := st.act(a.plan.ID); planned.started == nil {
			a.plan = planned.plan
			*planned = *a
		}
	}
}

func (f *Folder) addCluster(e ClusterReady) {
	if e.Scenario == "" {
		f.cluster = e.Cluster
		return
	}
	f.story(e.Scenario).cluster = &e.Cluster
}

func (f *Folder) addNotice(e Notice) {
	if e.Scenario == "" {
		f.notices = append(f.notices, e.Text)
		return
	}
	st := f.story(e.Scenario)
	st.notices = append(st.notices, e.Text)
}

func (f *Folder) story(path string) *story {
	if st, ok := f.byPath[path]; ok {
		return st
	}
	if f.byPath == nil {
		f.byPath = map[string]*story{}
	}
	st := &story{planned: ScenarioPlanned{Scenario: path}}
	f.byPath[path] = st
	f.order = append(f.order, st)
	return st
}

func (f *Folder) act(scenario, step string) *act { return f.story(scenario).act(step) }

func (st *story) act(id string) *act {
	for _, a := range st.steps {
		if a.plan.ID == id {
			return a
		}
	}
	a := &act{plan: PlannedStep{ID: id, Name: id}}
	st.steps = append(st.steps, a)
	return a
}

// Result is the result so far. While the run has not ended, it is the result
// that a crash at this moment would have. Results share no memory that a later
// Add changes.
func (f *Folder) Result() *Result {
	r := &Result{
		SchemaVersion: SchemaVersion,
		RunID:         f.run.RunID,
		Version:       f.run.Version,
		Args:          append([]string{}, f.run.Args...),
		Started:       f.first.At,
		Seconds:       (f.last.Since - f.first.Since).Seconds(),
		Strict:        f.run.Strict,
		Notices:       append([]string(nil), f.notices...),
		Scenarios:     []*Scenario{},
		Account:       Account{Requests: map[string]int64{}},
	}
	f.addEnd(r)
	for _, st := range f.order {
		r.Scenarios = append(r.Scenarios, f.scenario(st))
	}
	f.settleNotBegun(r)
	r.Matrix = matrix(r.Scenarios)
	r.ExitCode = r.exitCode()
	r.Outcome = r.outcome()
	return r
}

func (f *Folder) addEnd(r *Result) {
	if f.end == nil {
		r.Error = "the run ended without saying so: it was killed, or its events were cut off"
		return
	}
	r.Interrupted = f.end.Interrupted
	r.Error, r.Misused = f.end.Error, f.end.Misused
	r.Account = f.end.Account
	if r.Account.Requests == nil {
		r.Account.Requests = map[string]int64{}
	}
}

// Scenario is one scenario of the result so far, or nil when no event named it.
// A console asks for it when a step has ended.
func (f *Folder) Scenario(path string) *Scenario {
	st, ok := f.byPath[path]
	if !ok {
		return nil
	}
	return f.scenario(st)
}
