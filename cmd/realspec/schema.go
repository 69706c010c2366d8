package main

import (
	"github.com/realspec/realspec/schemas"
)

// schemaCommand prints a schema of the language.
type schemaCommand struct {
	Name string `arg:"" optional:"" enum:"scenario,step" default:"scenario" help:"Which one: ${enum}."`
}

// Run is the command.
func (c *schemaCommand) Run(a *app) error {
	schema := schemas.Scenario
	if c.Name == "step" {
		schema = schemas.Step
	}
	_, err := a.stdout.Write(schema)
	return err
}
