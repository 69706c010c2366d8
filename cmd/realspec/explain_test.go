package main

import (
	"bytes"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
)

func TestExplainCommand(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &bytes.Buffer{}, getenv: func(string) string { return "" }}
	g.Expect((&explainCommand{Topic: []string{"measure.pods.from"}}).Run(a)).To(Succeed())
	g.Expect(out.String()).To(And(HavePrefix("measure.pods.from: text\n"), ContainSubstring("stored, accepted, sent, due")))

	// Words with spaces between are as good as words with dots.
	dotted := out.String()
	out.Reset()
	g.Expect((&explainCommand{Topic: []string{"measure", "pods", "from"}}).Run(a)).To(Succeed())
	g.Expect(out.String()).To(Equal(dotted))

	out.Reset()
	err := (&explainCommand{Topic: []string{"wiat"}}).Run(a)
	var exit *exitError
	g.Expect(errors.As(err, &exit)).To(BeTrue())
	g.Expect(exit.code).To(Equal(exitUsage))
	g.Expect(exit.message).To(ContainSubstring(`did you mean "wait"?`))
	g.Expect(out.String()).To(BeEmpty())
}
