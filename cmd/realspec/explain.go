package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/realspec/realspec/engine/manual"
	"github.com/realspec/realspec/engine/schema"
	"github.com/realspec/realspec/schemas"
)

// explainCommand explains a part of the language.
type explainCommand struct {
	Topic []string `arg:"" optional:"" help:"A field such as measure.pods.from, cel, a function such as cel.quantity, outcomes, exit-codes, or the code of an error. Without one, the topics are listed."`
}

// Run is the command.
func (c *explainCommand) Run(a *app) error {
	var docs schema.Docs
	if err := json.Unmarshal(schemas.Comments, &docs); err != nil {
		return fmt.Errorf("the comments of this build cannot be read: %w", err)
	}
	m, err := manual.New(docs)
	if err != nil {
		return err
	}
	text, err := m.Explain(strings.Join(c.Topic, "."))
	if err != nil {
		return usage("%v", err)
	}
	_, err = io.WriteString(a.stdout, text)
	return err
}
