package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Docs are the comments of a package's types and of their fields, each paragraph
// on one line. The keys are Go names: Step, and Step.Timeout.
type Docs map[string]string

// ReadDocs reads the comments of the Go package in a folder.
func ReadDocs(dir string) (Docs, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	docs := Docs{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.GenDecl); ok && decl.Tok == token.TYPE {
				docs.types(decl)
			}
		}
	}
	return docs, nil
}

// types notes the comments of one type declaration.
func (d Docs) types(decl *ast.GenDecl) {
	for _, s := range decl.Specs {
		typ, ok := s.(*ast.TypeSpec)
		if !ok {
			continue
		}
		comment := typ.Doc
		if comment == nil && !decl.Lparen.IsValid() {
			comment = decl.Doc // without parentheses the comment stands before the word type
		}
		d.add(typ.Name.Name, comment)
		fields, ok := typ.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				d.add(typ.Name.Name+"."+name.Name, f.Doc)
			}
		}
	}
}

func (d Docs) add(key string, comment *ast.CommentGroup) {
	if text := unwrap(comment.Text()); text != "" {
		d[key] = text
	}
}

// unwrap joins the lines of each paragraph: where the Go source breaks them says
// nothing to the reader of an editor's hover.
func unwrap(comment string) string {
	var paragraphs []string
	for paragraph := range strings.SplitSeq(comment, "\n\n") {
		if text := strings.Join(strings.Fields(paragraph), " "); text != "" {
			paragraphs = append(paragraphs, text)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

var (
	defaultValue = regexp.MustCompile(`(?:^|\s)Default: (.+?)\.(?:\s|$)`)
	exampleValue = regexp.MustCompile(`(?:^|\s)Example: (.+?)\.(?:\s|$)`)
)

// annotate puts a comment into a node: the whole text as its description, and
// beside it the default and the example where they are values that a takes.
func annotate(n *node, text string, a accepts) {
	n.Description = text
	if m := defaultValue.FindStringSubmatch(text); m != nil {
		if value, ok := literal(m[1]); ok && a.scalar && a.value(value) {
			n.Default = value
		}
	}
	if m := exampleValue.FindStringSubmatch(text); m != nil {
		var value any
		if err := yaml.Unmarshal([]byte(m[1]), &value); err == nil && a.value(value) {
			n.Examples = []any{value}
		}
	}
}

// literal is the value of a default. Most defaults are said in words ("the
// scenario's own"), which are no value; "empty" is the empty text.
func literal(text string) (any, bool) {
	if text == "empty" {
		return "", true
	}
	if strings.ContainsAny(text, " \t") && !strings.HasPrefix(text, `"`) {
		return nil, false
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil || value == nil {
		return nil, false
	}
	return value, true
}
