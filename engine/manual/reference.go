package manual

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/engine/spec"
)

// Reference is schemas/reference.md: all of the manual in one file.
func (m *Manual) Reference() []byte {
	d := &document{}
	d.line("# realspec: reference")
	d.paragraph("<!-- made from engine/spec and engine/manual by: make generate -->")
	d.paragraph("Every field of a scenario, every name and function of its expressions, every outcome and every error. " +
		"The same is on the command line: `realspec explain`, `realspec explain measure.pods.from`, `realspec explain bad-duration`. " +
		"A test loads or evaluates every example.")
	at := len(d.lines)
	m.files(d)
	m.partsOf(d, "scenario.yaml", "What a scenario proves, what it needs, and how long it may take.", func(p *part) bool {
		return strings.HasPrefix(p.title(), "scenario")
	})
	m.partsOf(d, "Steps", "A numbered file holds one step, or several as YAML documents. A document with `apiVersion` and `kind` is a plain Kubernetes object instead: "+
		"it is applied, or, in a file named NN-assert… or NN-errors…, must or must not be there.", func(p *part) bool {
		return !strings.HasPrefix(p.title(), "scenario") && !isConfig(p) && !p.shared()
	})
	m.partsOf(d, "Parts of several fields", "", (*part).shared)
	m.partsOf(d, "The configuration: "+spec.ConfigFile, "It stands beside the scenarios, in the working directory or a folder above it, and goes for all of them.", isConfig)
	m.expressionsOf(d)
	m.results(d)
	codesOf(d)
	editors(d)
	toc := d.contents()
	d.lines = append(d.lines[:at:at], append(toc, d.lines[at:]...)...)
	return []byte(d.String())
}

// files says what a scenario's folder holds.
func (m *Manual) files(d *document) {
	d.head(2, "A scenario is a folder")
	d.paragraph("`scenario.yaml` says what is proved. Files whose names begin with a number are its steps; they run in the order of their numbers, then of their names. " +
		"`manifests/` holds plain Kubernetes manifests, `baselines/` what `realspec baseline record` has written. Every other file is reported, but for those that begin with README, LICENSE or a dot.")
	d.paragraph("In texts and manifests `${{ expr }}` stands for the value of an expression. Where a value is one `${{ expr }}` and nothing else, it keeps its type. Durations and numbers take one, too, over `vars` and `env`, since they must be known before the run: `rate: ${{ vars.rate }}` with `--set rate=200`. A `${X}` is left as it is.")
}

// partsOf is a chapter of parts.
func (m *Manual) partsOf(d *document, title, says string, belongs func(*part) bool) {
	d.head(2, title)
	d.paragraph(says)
	for _, p := range m.parts {
		if belongs(p) {
			m.partOf(d, p)
		}
	}
}

func isConfig(p *part) bool { return strings.HasPrefix(p.title(), "config") }

func (m *Manual) partOf(d *document, p *part) {
	d.head(3, p.title())
	if p.field != nil && !p.shared() {
		d.paragraph("*" + upper(word(p.field.Type)) + role(*p.field) + ".* " + code(p.field.Says))
		d.paragraph(code(m.about(*p.field, p)))
	} else {
		d.paragraph(code(m.docs[p.typ.Name()]))
	}
	if p.shared() {
		d.paragraph("At " + quoteAll(p.places) + ".")
	} else if p.field != nil {
		d.block("yaml", exampleOf(*p.field))
	}
	rows := [][]string{{"field", "type", "what", "default", "example"}}
	for _, f := range p.fields {
		rows = append(rows, []string{"`" + f.Name + "`", m.typeOf(f), what(f), defaultOf(f), inlineExample(f)})
	}
	d.table(rows)
}

// typeOf is the type of a field, with a link to what stands below it.
func (m *Manual) typeOf(f schema.Field) string {
	text := word(f.Type)
	if t := inner(f.Type); t != nil {
		if p := m.part(t); p != nil {
			text = "[" + text + "](#" + anchor(p.title()) + ")"
		}
	}
	if f.Required {
		text += ", required"
	}
	return text
}

// what is the sentence of a field with what goes with it.
func what(f schema.Field) string {
	says := code(f.Says)
	if len(f.Enum) > 0 {
		says += " One of " + quoteAll(f.Enum) + "."
	}
	if f.Unit != "" {
		says += " Unit: " + f.Unit + "."
	}
	return says
}

func defaultOf(f schema.Field) string {
	text := unquoted(f.Default)
	if text == "" || strings.Contains(text, " ") || text == "empty" {
		return code(text)
	}
	return "`" + text + "`"
}

// inlineExample is the example of a field, where it has one of its own.
func inlineExample(f schema.Field) string {
	if f.Example == "" {
		return ""
	}
	return "`" + f.Example + "`"
}

// expressionsOf is the chapter of expressions.
func (m *Manual) expressionsOf(d *document) {
	d.head(2, "Expressions")
	d.paragraph(code(celSays))
	d.paragraph("The examples are evaluated on a cluster of Kubernetes 1.37.2 with three nodes, of which one is cordoned, in a scenario with the variables `{replicas: 5, limit: 3m}`. Its let selects `pods`; its measures are `startup` (pods), `rollout` (elapsed), `binding` (objects), `reads` (api), `server` (apiserver), `errors` (prometheus), `web` (http), `net` (network), `used` (usage), `bench` (exec) and `load`; an http step before has `output: login`.")
	d.head(3, "Names")
	rows := [][]string{{"name", "what", "known in", "example", "gives"}}
	for _, v := range Variables() {
		rows = append(rows, []string{"`" + v.Name + "`", v.Says, v.Where, "`" + v.Expr + "`", "`" + v.Gives + "`"})
	}
	d.table(rows)
	for _, v := range Variables() {
		m.recordOf(d, "The variable "+v.Name, v.Type, v.fields)
	}
	m.measuredOf(d)
	for _, g := range Groups() {
		d.head(3, g.Title)
		d.paragraph(code(g.Says))
		rows := [][]string{{"function", "what", "example", "gives"}}
		for _, f := range g.Functions {
			rows = append(rows, []string{"`" + f.Name + "`", f.Says, "`" + f.Expr + "`", "`" + f.Gives + "`"})
		}
		d.table(rows)
	}
}

// recordOf lists the fields of a name, and those of the records in them.
func (m *Manual) recordOf(d *document, path string, t reflect.Type, given []schema.Field) {
	fields := m.fieldsOf(t, given)
	if len(fields) == 0 {
		return
	}
	d.head(4, path)
	rows := [][]string{{"field", "type", "what", "example"}}
	for _, f := range fields {
		rows = append(rows, []string{"`" + f.Name + "`", word(f.Type), what(f), inlineExample(f)})
	}
	d.table(rows)
	shown := map[reflect.Type]bool{reflect.TypeFor[spec.Series](): true}
	for _, f := range fields {
		if t := inner(f.Type); t != nil && !shown[t] {
			shown[t] = true
			m.recordOf(d, path+"."+f.Name, t, nil)
		}
	}
}

// measuredOf says what thresholds know of measures.
func (m *Manual) measuredOf(d *document) {
	d.head(3, "Measures in thresholds")
	rows := [][]string{{"kind", "what", "fields", "example", "gives"}}
	for _, k := range MeasuredKinds() {
		var names []string
		for _, f := range m.fieldsOf(k.Type, k.fields) {
			names = append(names, f.Name)
		}
		rows = append(rows, []string{"`" + k.Kind + "`", k.Says, quoteAll(names), "`" + k.Expr + "`", "`" + k.Gives + "`"})
	}
	d.table(rows)
	m.recordOf(d, "Phases of a pods measure", nil, phases())
	m.recordOf(d, "A series of durations", reflect.TypeFor[spec.Series](), nil)
	d.paragraph(code(m.docs["Series"]))
	m.recordOf(d, "Calls and loads", reflect.TypeFor[spec.Delivery](), nil)
	m.recordOf(d, "The API server's own figures", reflect.TypeFor[spec.ServerLatency](), nil)
	m.recordOf(d, "Numbers of a Prometheus, and throughput", reflect.TypeFor[spec.Values](), nil)
	m.recordOf(d, "Requests", reflect.TypeFor[spec.Requests](), nil)
	m.recordOf(d, "Round trips", reflect.TypeFor[spec.Network](), nil)
	m.recordOf(d, "Usage", reflect.TypeFor[spec.Usage](), nil)
	m.recordOf(d, "Commands", reflect.TypeFor[spec.ExecValues](), nil)
	d.head(4, "Official objectives")
	rows = [][]string{{"slo", "kind of measure", "what", "as an expression"}}
	for _, o := range spec.SLOs {
		rows = append(rows, []string{"`" + o.Name + "`", "`" + o.Kind + "`", upper(o.What) + ".", "`" + o.CEL + "`"})
	}
	d.table(rows)
}

// results is the chapter of outcomes and exit codes.
func (m *Manual) results(d *document) {
	d.head(2, "Outcomes and exit codes")
	d.paragraph("From best to worst. A scenario is as bad as the worst of its steps, a run as the worst of its scenarios.")
	d.words([]string{"outcome", "what"}, Outcomes())
	d.paragraph("The reasons, as reports write them:")
	d.words([]string{"reason", "what"}, m.reasons())
	d.paragraph("The exit code is the first of these that fits:")
	d.words([]string{"code", "what"}, Exits())
}

// codesOf is the chapter of diagnostics.
func codesOf(d *document) {
	d.head(2, "Errors in scenarios")
	d.paragraph("Each has a code, which `realspec validate --output json` and the reports show. The examples are the smallest scenarios that have them; where no `scenario.yaml` is shown, a plain one stands beside.")
	for _, c := range Codes() {
		d.head(3, c.Name)
		says := c.Cause + " **Cure:** " + code(c.Cure)
		if c.Warning {
			says = "A warning. " + says
		}
		d.paragraph(says)
		d.block("yaml", c.shown())
	}
}

// editors says how an editor gets to know the schemas.
func editors(d *document) {
	d.head(2, "Editors")
	d.paragraph("The JSON Schemas `schemas/scenario.schema.json`, `schemas/step.schema.json` and `schemas/config.schema.json` (draft-07) complete, explain and check every field. " +
		"`realspec schema scenario`, `realspec schema step` and `realspec schema config` print them, so that any project can have a copy. A scenario's files name them in their first line:")
	d.block("yaml", "# yaml-language-server: $schema=../../schemas/step.schema.json\nwait: [{for: ready}]\n")
	d.paragraph("**VS Code** reads this line with the extension YAML (redhat.vscode-yaml), and so does every editor that speaks to yaml-language-server. " +
		"Without the line, map the files in settings.json: `\"yaml.schemas\": {\"schemas/step.schema.json\": \"specs/*/[0-9]*.yaml\", \"schemas/scenario.schema.json\": \"specs/*/scenario.yaml\"}`. " +
		"Plain Kubernetes objects in numbered files fit the step's schema too.")
	d.paragraph("**JetBrains** IDEs read draft-07 schemas for YAML without a plugin. They take the file's schema from a comment of their own, `# $schema: ../../schemas/step.schema.json`, " +
		"which yaml-language-server reads since 2.0 as well; or for all files at once from Settings | Languages & Frameworks | Schemas and DTDs | JSON Schema Mappings: " +
		"add the schema file, choose *JSON Schema version 7*, and the file path pattern `specs/*/scenario.yaml`, or for the steps `specs/*/0*.yaml`, `specs/*/1*.yaml` and so on.")
}

func quoteAll(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, "`"+w+"`")
	}
	return strings.Join(out, ", ")
}

func upper(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// words writes a table of words.
func (d *document) words(head []string, words []Word) {
	rows := [][]string{head}
	for _, w := range words {
		rows = append(rows, []string{fmt.Sprintf("`%s`", w.Word), w.Means})
	}
	d.table(rows)
}
