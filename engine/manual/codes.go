package manual

import (
	"cmp"
	"slices"
)

// Code is a word by which a diagnostic is known: what it means, what to do, and
// the smallest scenario that has it.
type Code struct {
	Name    string
	Cause   string // what was found
	Cure    string // what to do about it
	Warning bool   // it stops nothing
	// Files are the scenario. Where they have no scenario.yaml or no step, and
	// Bare is not set, a plain one stands beside them.
	Files []File
	Bare  bool
	Flag  string // what was given on the command line, with what it means for Files
}

// File is one file of a scenario, by its path in the scenario's folder. One
// whose name ends in / is a folder. Where What is set, it says what the file is
// instead of showing it.
type File struct{ Name, Text, What string }

// Codes are all codes of diagnostics, by name.
func Codes() []Code {
	all := slices.Concat(fileCodes(), textCodes(), valueCodes(), stepCodes(), measureCodes(), exprCodes(), imageCodes())
	slices.SortFunc(all, func(a, b Code) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// PlainScenario and PlainStep stand beside the files of a Code that has none.
const (
	PlainScenario = "apiVersion: realspec.dev/v1alpha1\nkind: Scenario\nmetadata: {name: bad}\n"
	PlainStep     = "wait: [{for: ready}]\n"
)

// in is a scenario of one file.
func in(name, text string) []File { return []File{{Name: name, Text: text}} }

// withSpec is a scenario.yaml whose spec is the text.
func withSpec(text string) []File {
	return in("scenario.yaml", PlainScenario+"spec:\n"+text)
}

// fileCodes are about folders and files.
func fileCodes() []Code {
	return []Code{
		{Name: "no-scenario", Cause: "A folder was named in which there is no scenario, nor in any folder below it.",
			Cure: "Name the folder that holds scenario.yaml, or one above it.", Bare: true,
			Files: in("README.md", "Nothing here yet.\n")},
		{Name: "not-a-folder", Cause: "A file was named where a scenario's folder is expected.",
			Cure: "Name the folder in which scenario.yaml stands.", Flag: "00-step.yaml",
			Files: in("00-step.yaml", PlainStep)},
		{Name: "not-a-file", Cause: "What has the name of a step or a manifest is a folder, or a special file such as a pipe.",
			Cure: "Give the folder another name; manifests go into manifests/.", Files: in("00-apply.yaml/", "")},
		{Name: "missing-file", Cause: "A file that is needed is not there.",
			Cure: "Correct the name. Paths are relative to the scenario's folder.", Files: in("00-apply.yaml", "apply: {files: [app.yaml]}\n")},
		{Name: "unreadable", Cause: "A file is there, and the operating system does not let it be read.",
			Cure:  "Give it the permission to be read, or mend the link.",
			Files: []File{{Name: "00-apply.yaml", What: "a symbolic link to itself"}}},
		{Name: "too-large", Cause: "A file is larger than 10 MB, or a folder holds more manifests than can be meant.",
			Cure: "Split the file, or name the folder that is meant.", Files: []File{{Name: "00-apply.yaml", What: "11 MB of YAML"}}},
		{Name: "encoding", Cause: "A file is not UTF-8 text.", Cure: "Save it as UTF-8.",
			Files: []File{{Name: "00-wait.yaml", Text: "name: caf\xe9\nwait: [{for: ready}]\n", What: "a text in ISO 8859-1"}}},
		{Name: "empty-file", Cause: "A file holds nothing, or only comments.", Cure: "Write the step, or delete the file.",
			Files: in("00-apply.yaml", "# to be written\n")},
		{Name: "empty-folder", Cause: "A folder that a step names holds no manifest.",
			Cure: "Put manifests into it. Their names end in .yaml, .yml or .json.", Files: []File{
				{Name: "00-apply.yaml", Text: "apply: {files: [manifests/]}\n"}, {Name: "manifests/"}}},
		{Name: "bad-path", Cause: "A path leads out of the language: it is absolute, an address, or the scenario itself.",
			Cure: "Write a path relative to the scenario's folder.", Files: in("00-apply.yaml", "apply: {files: [/srv/app.yaml]}\n")},
		{Name: "no-step", Cause: "A scenario has no numbered file.", Cure: "Add a step, such as 00-apply.yaml.", Bare: true,
			Files: in("scenario.yaml", PlainScenario)},
		{Name: "not-read", Warning: true, Cause: "Nothing reads this file.",
			Cure:  "Give it a number if it is a step, name it in a step if it is a manifest, or delete it.",
			Files: in("wait.yaml", PlainStep)},
		{Name: "two-scenarios", Cause: "scenario.yaml holds several documents.",
			Cure:  "Steps go into numbered files beside it.",
			Files: in("scenario.yaml", PlainScenario+"---\n"+PlainStep)},
	}
}

// imageCodes are about image maps.
func imageCodes() []Code {
	const flag = "--image-map images.yaml"
	return []Code{
		{Name: "image", Cause: "An image map holds what is no name of an image.", Cure: "Write it as in a manifest: nginx:1.29.3, or registry.example/web.",
			Flag: flag, Bare: true, Files: in("images.yaml", "map: {\"nginx latest\": web}\n")},
		{Name: "two-maps", Cause: "An image map has several documents.", Cure: "Write all images under one map.",
			Flag: flag, Bare: true, Files: in("images.yaml", "map: {nginx: registry.example/web}\n---\nmap: {redis: registry.example/cache}\n")},
	}
}

// textCodes are about YAML as such.
func textCodes() []Code {
	return []Code{
		{Name: "syntax", Cause: "The text is no YAML.", Cure: "Look at the place and at the line before it: quotes, brackets and indentation.",
			Files: in("00-wait.yaml", "wait: [{for: ready}\n")},
		{Name: "key", Cause: "The name of a field is a number, or anything else that is not a text.",
			Cure: "Put the name in quotes.", Files: in("00-apply.yaml",
				"apply:\n  objects:\n    - apiVersion: v1\n      kind: ConfigMap\n      metadata: {name: ports}\n      data: {80: http}\n")},
		{Name: "duplicate-key", Cause: "One mapping has the same field twice.", Cure: "Take one of them away.",
			Files: in("00-wait.yaml", "wait: [{for: ready}]\ntimeout: 1m\ntimeout: 2m\n")},
		{Name: "tag", Cause: "A value has a tag that realspec does not know.", Cure: "Leave the tag out.",
			Files: in("00-wait.yaml", "name: !secret rollout\nwait: [{for: ready}]\n")},
		{Name: "aliases", Cause: "An alias refers to itself or to another document, or the aliases of a document expand to far too much.",
			Cure: "Write the value out.", Files: in("00-wait.yaml", "wait: &all [*all]\n")},
		{Name: "unknown-field", Cause: "A field has a name that is not known at this place.",
			Cure: "Correct the name or its indentation; the message lists what is known here.", Files: in("00-wait.yaml", "wait: [{fro: ready}]\n")},
		{Name: "missing-field", Cause: "A field is missing, or another one that goes with it.",
			Cure: "Add the field that the message names.", Files: in("00-wait.yaml", "wait: [{cel: object.status.ready}]\n")},
		{Name: "no-value", Cause: "A field is written without a value.", Cure: "Write the value, or take the field away.",
			Files: in("00-wait.yaml", "wait: [{for: ready}]\ntimeout:\n")},
		{Name: "wrong-type", Cause: "A list stands where a text is expected, a number where a list is, and the like.",
			Cure: "Write what the message names; a number that is meant as a text needs quotes.", Files: in("00-wait.yaml", "wait: ready\n")},
		{Name: "too-many", Cause: "Two fields are written of which only one has a meaning.", Cure: "Take one of them away.",
			Files: in("00-wait.yaml", "wait: [{for: ready, on: {kind: Pod, name: web, selector: app=web}}]\n")},
		{Name: "no-place", Cause: "A field has no effect beside what else is written.", Cure: "Take it away, or write what it goes with.",
			Files: in("00-measure.yaml", "measure: [{name: net, network: {streams: 4}}]\n")},
		{Name: "half-object", Cause: "What looks like a Kubernetes object lacks apiVersion or kind.", Cure: "Add what is missing.",
			Files: in("00-apply.yaml", "kind: ConfigMap\nmetadata: {name: settings}\n")},
		{Name: "foreign", Cause: "The document belongs to another tool, or to another file.",
			Cure: "Write it as a step; a Scenario belongs in scenario.yaml.", Files: in("00-wait.yaml", "apiVersion: kuttl.dev/v1beta1\nkind: TestAssert\n")},
	}
}
