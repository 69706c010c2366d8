// Package expr is the language of expressions: CEL with Kubernetes' functions,
// over the variables that are known at the place where an expression stands.
//
// Every expression is compiled before the cluster is touched. What is wrong with
// it comes back as diagnostics with positions in the YAML file; a compiled
// Program is evaluated as often as needed, from several goroutines at once.
//
// This is the only room that knows cel-go.
package expr

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apiserver/pkg/cel/library"
)

// baseEnv is what all environments share: the functions, and the types of
// package spec. Making it takes milliseconds, extending it microseconds.
var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	env, err := cel.NewEnv(baseOptions()...)
	if err != nil {
		return nil, err
	}
	return env.Extend(withTypes(specTypes()))
})

// baseOptions composes the libraries as the API server does in
// k8s.io/apiserver/pkg/cel/environment/base.go at 1.37 (which is not imported: it
// costs 2.3 MB), so that an expression of a ValidatingAdmissionPolicy means the
// same here. Beyond it: backtick fields, cel.bind, math, encoders and the newest
// strings. Authorizer functions are left out, because there is no request.
func baseOptions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.EnableIdentifierEscapeSyntax(),
		cel.OptionalTypes(),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(),
			cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(),
			quantityLiterals{},
		),
		ext.Strings(),
		ext.Sets(),
		ext.Lists(ext.ListsVersion(3)),
		ext.Math(),
		ext.Encoders(),
		ext.Bindings(),
		ext.TwoVarComprehensions(),
		library.URLs(),
		library.Regex(),
		library.Lists(library.ListsVersion(1)),
		library.Quantity(),
		library.IP(),
		library.CIDR(),
		library.Format(),
		library.SemverLib(library.SemverVersion(1)),
	}
}

// quantityLiterals finds texts that are no quantities before the run, as cel-go
// does it for durations.
type quantityLiterals struct{}

// Name implements cel.ASTValidator.
func (quantityLiterals) Name() string { return "realspec.quantity" }

// Validate implements cel.ASTValidator.
func (quantityLiterals) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "quantity" || len(e.AsCall().Args()) != 1 {
			return
		}
		arg := e.AsCall().Args()[0]
		if arg.Kind() != ast.LiteralKind {
			return
		}
		text, ok := arg.AsLiteral().(types.String)
		if _, err := resource.ParseQuantity(string(text)); ok && err != nil {
			issues.ReportErrorAtID(arg.ID(), "invalid quantity argument")
		}
	}))
}
