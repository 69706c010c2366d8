package manual_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// codeWord is what a diagnostic code looks like.
var codeWord = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// collector finds the diagnostic codes in Go sources: what is handed to a
// parameter named code, what is put into a field named Code or code, and what
// is assigned to one.
type collector struct {
	takes map[string]int    // functions with a parameter named code, and which one it is
	named map[string]string // constants
	codes map[string]bool
}

// codesOf are the diagnostic codes that the packages in these folders give.
func codesOf(t *testing.T, dirs ...string) []string {
	t.Helper()
	c := &collector{named: map[string]string{}, codes: map[string]bool{}}
	for _, dir := range dirs {
		c.takes = map[string]int{"Add": 1} // of diag.List, which every package calls
		files := sources(t, dir)
		for _, f := range files {
			ast.Inspect(f, c.declared)
		}
		for _, f := range files {
			ast.Inspect(f, c.used)
		}
	}
	var out []string
	for code := range c.codes {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// declared notes functions that take a code, and constants.
func (c *collector) declared(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		c.function(n.Name.Name, n.Type)
	case *ast.AssignStmt:
		for i, right := range n.Rhs {
			if lit, ok := right.(*ast.FuncLit); ok && i < len(n.Lhs) {
				if name, ok := n.Lhs[i].(*ast.Ident); ok {
					c.function(name.Name, lit.Type)
				}
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				if text, ok := literal(n.Values[i]); ok {
					c.named[name.Name] = text
				}
			}
		}
	}
	return true
}

func (c *collector) function(name string, typ *ast.FuncType) {
	at := 0
	for _, field := range typ.Params.List {
		for _, p := range field.Names {
			if word, ok := field.Type.(*ast.Ident); ok && p.Name == "code" && word.Name == "string" {
				c.takes[name] = at
			}
			at++
		}
	}
}

// used notes the codes.
func (c *collector) used(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch fun := n.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		if at, ok := c.takes[name]; ok && at < len(n.Args) {
			c.note(n.Args[at])
		}
	case *ast.CompositeLit:
		word, _ := n.Type.(*ast.Ident)
		for i, e := range n.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "code") {
					c.note(pair.Value)
				}
			} else if i == 0 && word != nil && word.Name == "complaint" {
				c.note(e)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if field, ok := left.(*ast.SelectorExpr); ok && field.Sel.Name == "Code" && i < len(n.Rhs) {
				c.note(n.Rhs[i])
			}
		}
	}
	return true
}

func (c *collector) note(e ast.Expr) {
	text, ok := literal(e)
	if name, is := e.(*ast.Ident); is {
		text, ok = c.named[name.Name]
	}
	if ok && codeWord.MatchString(text) {
		c.codes[text] = true
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
