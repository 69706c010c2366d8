package plan

// The flags without which a run skips scenarios that do what they allow.
const (
	FlagCommands   = "--allow-commands"
	FlagDisruption = "--allow-disruption"
)

// Flags are those of realspec run without which the scenario is skipped.
func (s *Scenario) Flags() []string {
	var commands, disruption bool
	for _, step := range s.Steps {
		step.each(func(s *Step) {
			commands = commands || s.Run != nil
			disruption = disruption || s.Disrupt != nil
		})
	}
	var out []string
	if commands {
		out = append(out, FlagCommands)
	}
	if disruption {
		out = append(out, FlagDisruption)
	}
	return out
}
