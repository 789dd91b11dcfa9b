package customauth_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublicNames keeps the package small, and its names explained.
func TestPublicNames(t *testing.T) {
	fset := token.NewFileSet()
	var files []*ast.File
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/cyber-eternal/customauth")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	inBlocks := 0
	blocks := 0 // of constants or variables: each counts once
	values := func(list []*doc.Value) {
		for _, v := range list {
			blocks++
			for _, spec := range v.Decl.Specs {
				spec := spec.(*ast.ValueSpec)
				for _, name := range spec.Names {
					if name.IsExported() {
						names[name.Name] = v.Doc + spec.Doc.Text()
						inBlocks++
					}
				}
			}
		}
	}
	funcs := func(list []*doc.Func) {
		for _, f := range list {
			names[f.Name] = f.Doc
		}
	}
	values(p.Consts)
	values(p.Vars)
	funcs(p.Funcs)
	for _, typ := range p.Types {
		names[typ.Name] = typ.Doc
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		for _, m := range typ.Methods {
			if m.Doc == "" {
				t.Errorf("%s.%s has no comment", typ.Name, m.Name)
			}
		}
	}
	count := len(names) - inBlocks + blocks
	if count > 50 || count < 30 {
		t.Errorf("%d exported names, want 50 or fewer", count)
	}
	for name, comment := range names {
		if comment == "" {
			t.Errorf("%s has no comment", name)
		}
	}
	t.Logf("%d exported names", count)
}
