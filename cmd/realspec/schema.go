package main

import (
	"github.com/realspec/realspec/schemas"
)

// schemaCommand prints a schema of the language.
type schemaCommand struct {
	Name string `arg:"" optional:"" enum:"scenario,step,config" default:"scenario" help:"Which one: ${enum}."`
}

// Run is the command.
func (c *schemaCommand) Run(a *app) error {
	schema := schemas.Scenario
	switch c.Name {
	case "step":
		schema = schemas.Step
	case "config":
		schema = schemas.Config
	}
	_, err := a.stdout.Write(schema)
	return err
}
