package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/realspec/realspec/engine/cluster"
	"github.com/realspec/realspec/engine/diag"
	"github.com/realspec/realspec/engine/expr"
	"github.com/realspec/realspec/engine/spec"
)

// evalCommand tries an expression on what is on the cluster now.
type evalCommand struct {
	Expression string            `arg:"" help:"A CEL expression, as in a scenario: object.status.readyReplicas == 3."`
	Object     string            `arg:"" optional:"" help:"The object, as KIND/NAME. The expression sees it as object." placeholder:"KIND/NAME"`
	Namespace  string            `short:"n" help:"The namespace. Default: the context's." placeholder:"NAME"`
	Let        map[string]string `help:"A list of objects, by its name in the expression: pods=pod or pods=pod:app=web." placeholder:"NAME=KIND[:LABELS]" mapsep:"none"`
	Set        map[string]string `help:"A value that the expression sees as vars.NAME; may be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Output     string            `enum:"text,json" default:"text" help:"How to show it: ${enum}."`
	kubeFlags
}

// Run is the command. It answers with 1 when the expression has no value here (a
// field is missing), 2 when it is not valid, and 3 when the cluster cannot be
// asked or does not have the object.
func (c *evalCommand) Run(a *app) error {
	vars := map[string]any{}
	for name, text := range c.Set {
		vars[name] = typedText(text)
	}
	scope := expr.Scope{Vars: vars, Facts: true, Object: c.Object != "", Let: map[string]expr.LetKind{}}
	for name := range c.Let {
		scope.Let[name] = expr.Many
	}
	env, err := expr.New(scope)
	if err != nil {
		return usage("--let: %v", err)
	}
	program, diags := env.Compile(expressionOf(c.Expression), expr.Any)
	if diags.HasErrors() {
		diag.Render(a.stderr, diags, func(string) []byte { return []byte(c.Expression) }, a.color(a.stderr))
		return &exitError{code: exitUsage}
	}
	values, err := c.values(a, vars)
	if err != nil {
		return asUsage(err)
	}
	got, err := program.Eval(a.first, values)
	parts := program.Explain(a.first, values)
	if err != nil {
		c.showParts(a, parts)
		return &exitError{exitFailed, err.Error() + whatIsThere(a.first, env, values, err)}
	}
	return c.show(a, got, parts)
}

// expressionName stands in the place of a file.
const expressionName = "expression"

// expressionOf gives an expression of the command line positions as in a file.
func expressionOf(text string) spec.Expr {
	source := spec.Source{Text: text, At: spec.Pos{File: expressionName, Line: 1, Column: 1}}
	line, offset := 1, 0
	for part := range strings.Lines(text) {
		source.Spans = append(source.Spans, spec.Span{
			Offset: offset, At: spec.Pos{File: expressionName, Line: line, Column: 1},
		})
		line, offset = line+1, offset+len(part)
	}
	return spec.Expr{Source: source}
}

// typedText is a value as it would be read from YAML.
func typedText(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}

// clusterRead tells whether an expression may read the variables cluster or
// nodes: asking the cluster about itself takes requests that others can spare.
var clusterRead = regexp.MustCompile(`\b(cluster|nodes)\b`)

func (c *evalCommand) values(a *app, vars map[string]any) (expr.Values, error) {
	values := expr.Values{"vars": vars, "env": map[string]string{}}
	facts := clusterRead.MatchString(c.Expression)
	if c.Object == "" && len(c.Let) == 0 && !facts {
		return values, nil // there is nothing to ask a cluster for
	}
	client, err := c.open(a.first, a, c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	namespace := cmp.Or(c.Namespace, cluster.Namespace(c.options(a)))
	if c.Object != "" {
		o, err := findObject(a.first, client, c.Object, namespace)
		if err != nil {
			return nil, err
		}
		values["object"] = o.Object
	}
	for _, name := range slices.Sorted(maps.Keys(c.Let)) {
		if values[name], err = listOf(a.first, client, c.Let[name], namespace); err != nil {
			return nil, asKindUsage(fmt.Errorf("--let %s: %w", name, err))
		}
	}
	if facts {
		found, err := client.Survey(a.first)
		if err != nil {
			return nil, err
		}
		if why := found.Cluster.Unknown["nodes"]; why != "" && strings.Contains(c.Expression, "nodes") {
			return nil, fmt.Errorf("nodes is not known: %s", why)
		}
		values["facts"] = found
	}
	return values, nil
}

// findObject reads the object of KIND/NAME, by any of kubectl's names of the kind.
func findObject(ctx context.Context, client *cluster.Client, text, namespace string) (*unstructured.Unstructured, error) {
	kind, name, ok := strings.Cut(text, "/")
	if !ok || kind == "" || name == "" || strings.Contains(name, "/") {
		return nil, usage("%q names no object: write KIND/NAME, as deployment/web", text)
	}
	r, err := client.Named(ctx, kind)
	if err != nil {
		return nil, asKindUsage(err)
	}
	if !r.Namespaced {
		namespace = ""
	}
	return client.Get(ctx, r, namespace, name)
}

// asKindUsage makes a kind that is not there, or a label selector that the server
// cannot read, a mistake of the command line.
func asKindUsage(err error) error {
	var unknown *cluster.UnknownKindError
	var ambiguous *cluster.AmbiguousNameError
	var refused *cluster.Refused
	if errors.As(err, &unknown) || errors.As(err, &ambiguous) ||
		errors.As(err, &refused) && refused.Code == http.StatusBadRequest {
		return usage("%v", err)
	}
	return err
}

// listOf reads the objects of KIND or KIND:LABELS.
func listOf(ctx context.Context, client *cluster.Client, text, namespace string) ([]any, error) {
	kind, labels, _ := strings.Cut(text, ":")
	r, err := client.Named(ctx, kind)
	if err != nil {
		return nil, err
	}
	if !r.Namespaced {
		namespace = ""
	}
	found, err := client.List(ctx, r, namespace, cluster.ListOptions{Selector: labels})
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, o := range found {
		out = append(out, o.Object)
	}
	return out, nil
}

// whatIsThere lists the fields beside the one that is missing.
func whatIsThere(ctx context.Context, env *expr.Env, values expr.Values, err error) string {
	var missing *expr.MissingError
	if !errors.As(err, &missing) {
		return ""
	}
	parent := strings.TrimSuffix(strings.TrimSuffix(missing.Part, missing.Field), ".")
	if parent == missing.Part || parent == "" {
		return ""
	}
	program, diags := env.Compile(expressionOf(parent), expr.Any)
	if diags.HasErrors() {
		return ""
	}
	got, failed := program.Eval(ctx, values)
	fields, ok := got.(map[string]any)
	if failed != nil || !ok {
		return ""
	}
	known := slices.Sorted(maps.Keys(fields))
	if len(known) == 0 {
		return "\n  " + parent + " is empty"
	}
	if near := diag.Nearest(missing.Field, known); near != "" {
		return fmt.Sprintf("\n  did you mean %q?  there is: %s", near, strings.Join(known, ", "))
	}
	return "\n  there is: " + strings.Join(known, ", ")
}

func (c *evalCommand) show(a *app, got any, parts []expr.Part) error {
	if c.Output == "json" {
		if parts == nil {
			parts = []expr.Part{}
		}
		return a.printJSON(struct {
			Value any         `json:"value"`
			Parts []expr.Part `json:"parts"`
		}{plainValue(got), parts})
	}
	text, err := valueText(got)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, text)
	c.showParts(a, parts)
	return nil
}

func (c *evalCommand) showParts(a *app, parts []expr.Part) {
	if c.Output == "text" {
		for _, p := range parts {
			fmt.Fprintf(a.stdout, "  %s = %s\n", diag.Visible(p.Expr), p.Value)
		}
	}
}

// valueText is a value for people: scalars as they are, all else as YAML.
func valueText(v any) (string, error) {
	switch v := plainValue(v).(type) {
	case string:
		return v, nil
	case nil:
		return "null", nil
	default:
		text, err := yaml.Marshal(v)
		return strings.TrimRight(string(text), "\n"), err
	}
}

// plainValue writes durations, times and quantities as a scenario does.
func plainValue(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.String()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case *resource.Quantity:
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = plainValue(v[key])
		}
		return out
	}
	return v
}
