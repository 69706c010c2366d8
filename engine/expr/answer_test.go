package expr

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/realspec/realspec/engine/spec"
)

func answers() (Scope, Values) {
	scope := Scope{
		Response: true, Result: true, Logs: true,
		Outputs: map[string]OutputKind{"login": OutputResponse, "rows": OutputResult, "told": OutputLogs, "never": OutputResponse},
	}
	answer := spec.Response{
		Status: 200, Headers: map[string]string{"content-type": "application/json"}, Body: `{"items":[{"n":1}]}`,
		JSON: map[string]any{"items": []any{map[string]any{"n": int64(1)}}}, Took: 20 * time.Millisecond,
	}
	return scope, Values{
		"response": answer,
		"result":   &spec.CommandResult{ExitCode: 3, Stdout: "no", Took: time.Second},
		"logs":     spec.LogLines{Lines: []string{"a ready", "b"}, Text: "a ready\nb", Pods: map[string][]string{"p": {"a ready", "b"}}},
		"outputs": map[string]any{
			"login": &answer, "rows": spec.CommandResult{Stdout: "2"}, "told": &spec.LogLines{Lines: []string{"x"}},
		},
	}
}

// TestWhatStepsSaw reads every field of what a step sees, by value and by pointer,
// and as the output of an earlier step.
func TestWhatStepsSaw(t *testing.T) {
	scope, values := answers()
	env := newEnv(t, scope)
	for text, want := range map[string]any{
		"response.status": int64(200),
		"response.headers['content-type'].startsWith('a')":  true,
		"response.headers.?location.orValue('none')":        "none",
		"response.body.size() > 5":                          true,
		"response.json.items[0].n == 1":                     true,
		"has(response.json) && !has(result.json)":           true,
		"response.took < duration('1s')":                    true,
		"response.error == ''":                              true,
		"result.exitCode == 3 && result.stdout == 'no'":     true,
		"result.stderr + '!'":                               "!",
		"result.took":                                       time.Second,
		"logs.lines.exists(l, l.contains('ready'))":         true,
		"logs.text.matches('ready') && logs.pods.size()==1": true,
		"logs.pods['p'].size()":                             int64(2),
		"outputs.login.json.items.size()":                   int64(1),
		"int(outputs.rows.stdout) + 1":                      int64(3),
		"outputs.told.lines[0]":                             "x",
		"has(outputs.login) && !has(outputs.never)":         true,
		"dyn(outputs.login).status":                         int64(200),
	} {
		g := NewWithT(t)
		p, diags := env.Compile(expression(text), Any)
		g.Expect(diags).To(BeEmpty(), text)
		g.Expect(p.Eval(context.Background(), values)).To(Equal(want), text)
	}
}

// TestWhatNobodySaw says why there is no value. No JSON means not yet, because the
// next answer may be one; a step that did not run will not run later.
func TestWhatNobodySaw(t *testing.T) {
	scope, values := answers()
	env := newEnv(t, scope)
	values["response"] = &spec.Response{Status: 503, Body: "<html>"}
	for text, want := range map[string]struct {
		says  string
		later bool
	}{
		"response.json.items.size() == 1":      {"response.json: the body is not JSON", true},
		"result.json.ok == true":               {"result.json: what the command wrote to stdout is not JSON", true},
		"outputs.rows.json.ok == true":         {"outputs.rows.json: what the command wrote to stdout is not JSON", true},
		"dyn(response).json.ok == true":        {"the body is not JSON", true},
		"response.headers['location'] != ''":   {`there is no field "location"`, true},
		"outputs.never.status == 200":          {"outputs.never: there is no output, because its step did not run", false},
		"outputs.never.json.items.size() == 1": {"outputs.never: there is no output, because its step did not run", false},
	} {
		g := NewWithT(t)
		p, diags := env.Compile(expression(text), Bool)
		g.Expect(diags).To(BeEmpty(), text)
		_, err := p.Bool(context.Background(), values)
		g.Expect(err).To(MatchError(ContainSubstring(want.says)), text)
		var missing *MissingError
		g.Expect(errors.As(err, &missing)).To(Equal(want.later), text)
	}
}

func TestMistakesAboutWhatStepsSaw(t *testing.T) {
	scope, _ := answers()
	for text, says := range map[string]string{
		"response.staus == 200":       `did you mean "status"?`,
		"response.status == '200'":    "string",
		"outputs.logn.status == 200":  `no step before this one has the output "logn"`,
		"outputs.told.status == 200":  `what containers wrote has no field "status"`,
		"logs.size() > 0":             "what containers wrote",
		"result == 0":                 "cannot compare the result of a command with an int",
		"response.body.status == 200": "",
	} {
		_, diags := newEnv(t, scope).Compile(expression(text), Bool)
		g := NewWithT(t)
		g.Expect(diags).To(HaveLen(1), text)
		g.Expect(diags[0].Message+" "+diags[0].Help).To(ContainSubstring(says), text)
	}
	for text, says := range map[string]string{
		"response.status == 200":     "response is known in the checks of http",
		"result.exitCode == 0":       "result is known in the checks of exec and run",
		"logs.lines.size() > 0":      "logs is known in the checks of logs",
		"outputs.login.status == 20": "there is none here",
	} {
		_, diags := newEnv(t, Scope{}).Compile(expression(text), Bool)
		NewWithT(t).Expect(diags).To(HaveLen(1), text)
		NewWithT(t).Expect(diags[0].Help).To(ContainSubstring(says), text)
	}
	for _, name := range []string{"response", "result", "logs", "outputs"} {
		NewWithT(t).Expect(CheckName(name)).To(MatchError(ContainSubstring("is taken")))
	}
}
