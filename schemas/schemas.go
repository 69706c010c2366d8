// Package schemas holds the JSON Schemas (draft-07) of the language, for editors
// and for `realspec schema`, and its reference. They are made from the Go types of
// engine/spec and their comments, and from engine/manual, by `make generate`; do
// not edit them by hand.
package schemas

import _ "embed"

// Scenario is the schema of scenario.yaml.
//
//go:embed scenario.schema.json
var Scenario []byte

// Step is the schema of one YAML document of a numbered step file.
//
//go:embed step.schema.json
var Step []byte

// Config is the schema of .realspec.yaml.
//
//go:embed config.schema.json
var Config []byte

// Comments are the comments of the language's types and fields by their names, as
// JSON: what `realspec explain` says of them.
//
//go:embed comments.json
var Comments []byte

// Reference is the reference of the language, in Markdown.
//
//go:embed reference.md
var Reference []byte
