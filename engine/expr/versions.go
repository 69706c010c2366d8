package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

const versionHelp = "compare versions with semver(a, true).compareTo(semver('1.24.0')) >= 0"

// versions refuses to compare versions as texts: "1.9" would be above "1.24".
func (d *doctor) versions(checked *cel.Ast) {
	tree := checked.NativeRep()
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		switch e.AsCall().FunctionName() {
		case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		default:
			return
		}
		for _, arg := range e.AsCall().Args() {
			if !isVersion(arg) || tree.GetType(arg.ID()).Kind() != types.StringKind {
				continue
			}
			span, _ := tree.SourceInfo().GetOffsetRange(e.ID())
			_, t := d.code.tokenAt(d.original(byteOffset(d.fixed(), int(span.Start))))
			d.on(t, codeType, "%q compares texts letter by letter, and this is a version", t.text).Help = versionHelp
			return
		}
	}))
}

// isVersion tells whether an expression is a version of the cluster or a node.
func isVersion(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind {
		return false
	}
	field := e.AsSelect().FieldName()
	return field == "version" || field == "kubeletVersion"
}
