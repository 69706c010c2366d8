package manual

import "strings"

func codeOf(name string) (Code, bool) {
	for _, c := range Codes() {
		if c.Name == name {
			return c, true
		}
	}
	return Code{}, false
}

// kind is error or warning.
func (c Code) kind() string {
	if c.Warning {
		return "a warning"
	}
	return "an error"
}

func (c Code) explain(p *page) {
	p.line("%s: %s in a scenario", c.Name, c.kind())
	p.paragraph(c.Cause)
	p.rows("", [][]string{{"cure", c.Cure}})
	p.space()
	p.line("  for example")
	p.block(c.shown())
}

// shown is the example as a text: each file under its name.
func (c Code) shown() string {
	var out strings.Builder
	for _, f := range c.Files {
		switch {
		case f.What != "":
			out.WriteString("# " + f.Name + " is " + f.What + "\n")
		case strings.HasSuffix(f.Name, "/"):
			out.WriteString("# " + f.Name + " is a folder without manifests\n")
		default:
			out.WriteString("# " + f.Name + "\n" + f.Text)
		}
	}
	if c.Flag != "" {
		out.WriteString("# run with: " + c.Flag + "\n")
	}
	return out.String()
}

func codes(p *page) {
	p.line("codes: what diagnostics of scenarios are called")
	var rows [][]string
	for _, c := range Codes() {
		rows = append(rows, []string{c.Name, c.Cause})
	}
	p.rows("", rows)
}

func (m *Manual) outcomes(p *page) {
	p.line("outcomes: how a step, a scenario or a run ends, from best to worst")
	p.rows("", wordRows(Outcomes()))
	p.rows("reasons, as reports write them", wordRows(m.reasons()))
	p.paragraph("A scenario is as bad as the worst of its steps, a run as the worst of its scenarios. See also: realspec explain exit-codes")
}

func exits(p *page) {
	p.line("exit-codes: what realspec exits with; the first that fits")
	p.rows("", wordRows(Exits()))
}

func wordRows(words []Word) [][]string {
	var rows [][]string
	for _, w := range words {
		rows = append(rows, []string{w.Word, w.Means})
	}
	return rows
}
