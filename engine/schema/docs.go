package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Docs are the comments of a package's types and of their fields, each paragraph
// on one line. The keys are Go names: Step, and Step.Timeout. Those of constants
// are the name of their type and their value: Reason.timeout.
type Docs map[string]string

// ReadDocs reads the comments of the Go package in a folder.
func ReadDocs(dir string) (Docs, error) {
	files, err := parse(dir)
	if err != nil {
		return nil, err
	}
	docs := Docs{}
	for _, file := range files {
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
		d.nameless(typ.Name.Name)
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

// nameless takes the name of a type, which no tester knows, off the beginning of
// its comment: Local is the shape of … becomes The shape of …
func (d Docs) nameless(name string) {
	text, ok := strings.CutPrefix(d[name], name+" ")
	if !ok {
		return
	}
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	first, size := utf8.DecodeRuneInString(text)
	d[name] = string(unicode.ToUpper(first)) + text[size:]
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

// AddConstants adds the comments of the text constants of a type, which stand
// behind or above them, of the Go package in a folder.
func (d Docs) AddConstants(dir, typ string) error {
	files, err := parse(dir)
	if err != nil {
		return err
	}
	before := len(d)
	for _, file := range files {
		for _, decl := range file.Decls {
			if decl, ok := decl.(*ast.GenDecl); ok && decl.Tok == token.CONST {
				d.constants(decl, typ)
			}
		}
	}
	if len(d) == before {
		return fmt.Errorf("no constants of type %s in %s", typ, dir)
	}
	return nil
}

func (d Docs) constants(decl *ast.GenDecl, typ string) {
	for _, s := range decl.Specs {
		value, ok := s.(*ast.ValueSpec)
		if !ok || len(value.Values) != 1 {
			continue
		}
		name, _ := value.Type.(*ast.Ident)
		literal, _ := value.Values[0].(*ast.BasicLit)
		if name == nil || name.Name != typ || literal == nil {
			continue
		}
		comment := value.Comment
		if comment == nil {
			comment = value.Doc
		}
		word, err := strconv.Unquote(literal.Value)
		if err == nil {
			d.add(typ+"."+word, comment)
		}
	}
}

// parse reads the Go files of a folder, without its tests.
func parse(dir string) ([]*ast.File, error) {
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
