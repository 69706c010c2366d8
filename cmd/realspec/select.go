package main

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/event"
	"github.com/realspec/realspec/engine/plan"
	"github.com/realspec/realspec/engine/run"
)

// choice are the flags that say which scenarios and steps of those on the command
// line run, and in which order.
type choice struct {
	Select  string   `help:"Run only the scenarios with these labels, as tier=production,type!=soak; the others are skipped." placeholder:"LABELS"`
	From    string   `help:"Begin with this step; those before it are skipped." placeholder:"STEP"`
	Only    []string `help:"Run only this step; may be repeated." placeholder:"STEP"`
	Shuffle shuffle  `help:"Run the scenarios in a random order. --shuffle=SEED runs them in the same one again." placeholder:"SEED"`
	Shard   shard    `help:"Run the I-th of N equal parts of the scenarios, the first is 1/N." placeholder:"I/N"`
	Retries int      `help:"Try a step that did not pass so many times again, unless it says more itself; 10 at most." placeholder:"N"`
}

// mostRetries is what a step may ask for too.
const mostRetries = 10

// check refuses flags that cannot be meant.
func (c *choice) check() error {
	switch {
	case c.From != "" && len(c.Only) > 0:
		return usage("--from and --only cannot be used together: --only names every step that runs")
	case c.Retries < 0 || c.Retries > mostRetries:
		return usage("--retries is %d: it should be a number from 0 to %d", c.Retries, mostRetries)
	}
	return nil
}

// chosen are the scenarios of a run.
type chosen struct {
	plans   []*plan.Scenario // to run, in this order
	skipped []skipped
	whole   map[string][]*plan.Step // all steps of the scenarios of which only some run, by folder
	why     string                  // why the others do not
	notices []string
}

// skipped is a scenario that was not selected.
type skipped struct {
	plan *plan.Scenario
	why  string
}

// tell says which order and part was chosen, and which scenarios were not.
func (c *chosen) tell(to event.Sink) {
	for _, text := range c.notices {
		to.Emit(event.Notice{Text: text})
	}
	for _, s := range c.skipped {
		to.Emit(run.Planned(s.plan))
		to.Emit(event.ScenarioEnded{Scenario: s.plan.Key, Outcome: event.Skipped, Reason: event.ReasonSelection, Message: s.why})
	}
}

// choose applies the flags. The selection comes before the shard, so that shards
// of a selection are of one size; a shard leaves the others out, because reports
// of all shards together have each scenario once.
func (c *choice) choose(plans []*plan.Scenario, repeat int) (*chosen, error) {
	out := &chosen{whole: map[string][]*plan.Step{}}
	selected, err := c.selected(plans, out)
	if err != nil {
		return nil, err
	}
	if selected, err = c.withSteps(selected, out); err != nil {
		return nil, err
	}
	if c.Shard.of > 0 {
		all := len(selected)
		selected, out.skipped = part(selected, c.Shard), part(out.skipped, c.Shard)
		out.notices = append(out.notices, fmt.Sprintf("shard %d of %d: %d of %s", c.Shard.number, c.Shard.of,
			len(selected), plural(all, "scenario", "scenarios")))
	}
	for _, p := range selected {
		for _, s := range p.Steps {
			s.Retries = max(s.Retries, c.Retries)
		}
	}
	out.plans = c.ordered(selected, repeat, out)
	return out, nil
}

// selected are the scenarios whose labels fit.
func (c *choice) selected(plans []*plan.Scenario, out *chosen) ([]*plan.Scenario, error) {
	selector, err := labels.Parse(c.Select)
	if err != nil {
		return nil, usage("--select %q is not a label selector: it should be like tier=production,type!=soak", c.Select)
	}
	var selected []*plan.Scenario
	for _, p := range plans {
		if selector.Matches(labels.Set(p.Spec.Metadata.Labels)) {
			selected = append(selected, p)
			continue
		}
		out.skipped = append(out.skipped, skipped{p, "not selected: its labels do not match --select " + c.Select})
	}
	return selected, nil
}

// withSteps takes the steps that were not chosen out of the plans. A step that no
// scenario has is a mistake; a scenario without any chosen step is skipped.
func (c *choice) withSteps(plans []*plan.Scenario, out *chosen) ([]*plan.Scenario, error) {
	wanted, flag := c.Only, "--only"
	if c.From != "" {
		wanted, flag = []string{c.From}, "--from"
	}
	if len(wanted) == 0 {
		return plans, nil
	}
	if err := known(plans, wanted, flag); err != nil {
		return nil, err
	}
	out.why = "not selected: " + flag + " " + strings.Join(wanted, ", ")
	var with []*plan.Scenario
	for _, p := range plans {
		steps := c.steps(p.Steps)
		if len(steps) == 0 {
			out.skipped = append(out.skipped, skipped{p, fmt.Sprintf("not selected: it has no step %s (%s)", strings.Join(wanted, " or "), flag)})
			continue
		}
		some := *p
		some.Steps = steps
		out.whole[p.Dir] = p.Steps
		with = append(with, &some)
	}
	return with, nil
}

func (c *choice) steps(all []*plan.Step) []*plan.Step {
	for i, s := range all {
		if c.From != "" && s.ID == c.From {
			return all[i:]
		}
	}
	var steps []*plan.Step
	for _, s := range all {
		if slices.Contains(c.Only, s.ID) {
			steps = append(steps, s)
		}
	}
	return steps
}

func known(plans []*plan.Scenario, wanted []string, flag string) error {
	var ids []string
	for _, p := range plans {
		for _, s := range p.Steps {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range wanted {
		if len(ids) > 0 && !slices.Contains(ids, id) {
			return usage("%s: no scenario has a step %q\n  %s", flag, id, diag.DidYouMean(id, ids))
		}
	}
	return nil
}

// ordered are the rounds of all scenarios, each round in an order of its own when
// they are shuffled.
func (c *choice) ordered(plans []*plan.Scenario, repeat int, out *chosen) []*plan.Scenario {
	all := &loaded{plans: plans}
	all.repeat(repeat)
	if !c.Shuffle.on || len(plans) == 0 {
		return all.plans
	}
	random := rand.New(rand.NewPCG(c.Shuffle.seed, 0))
	for round := range slices.Chunk(all.plans, len(plans)) {
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
	}
	out.notices = append(out.notices, fmt.Sprintf("shuffled; the same order again: --shuffle=%d", c.Shuffle.seed))
	return all.plans
}

// args are the flags for the report.
func (c *choice) args() []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	add("--select", c.Select)
	add("--from", c.From)
	for _, id := range c.Only {
		add("--only", id)
	}
	if c.Shuffle.on {
		args = append(args, fmt.Sprintf("--shuffle=%d", c.Shuffle.seed))
	}
	if c.Shard.of > 0 {
		add("--shard", fmt.Sprintf("%d/%d", c.Shard.number, c.Shard.of))
	}
	if c.Retries > 0 {
		add("--retries", strconv.Itoa(c.Retries))
	}
	return args
}

// part deals a list out to the shards like cards, so that neighbours, which are
// often alike, come to different ones.
func part[T any](all []T, s shard) []T {
	var out []T
	for i := s.number - 1; i < len(all); i += s.of {
		out = append(out, all[i])
	}
	return out
}

// shard is one part of several: 2/3 is the second of three.
type shard struct{ number, of int }

var _ encoding.TextUnmarshaler = (*shard)(nil)

// UnmarshalText reads a shard.
func (s *shard) UnmarshalText(text []byte) error {
	number, of, ok := strings.Cut(string(text), "/")
	i, err := strconv.Atoi(number)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || i < 1 || i > n {
		return fmt.Errorf("%q is not a part: it should be like 1/3, the first of three", text)
	}
	*s = shard{i, n}
	return nil
}

// shuffle is the seed of a random order. It may be left out, as in --shuffle; a
// new one is taken then.
type shuffle struct {
	on   bool
	seed uint64
}

// IsBool tells kong that the flag needs no value.
func (*shuffle) IsBool() bool { return true }

// Decode reads --shuffle, --shuffle=SEED and --shuffle SEED.
func (s *shuffle) Decode(ctx *kong.DecodeContext) error {
	const largest = 1_000_000 // of a new seed, so that it is easily typed
	*s = shuffle{on: true, seed: rand.Uint64N(largest)}
	next := ctx.Scan.Peek()
	text, _ := next.Value.(string)
	seed, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err == nil && (next.Type == kong.FlagValueToken || next.Type == kong.UntypedToken):
		ctx.Scan.Pop()
		s.seed = seed
	case next.Type == kong.FlagValueToken:
		return fmt.Errorf("%q is not a seed: it should be a whole number", text)
	}
	return nil
}
