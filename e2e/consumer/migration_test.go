package consumer_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/migration.md promises holes closed, by naming fields and tests. What it
// names must exist.
func TestMigrationPageNamesWhatExists(t *testing.T) {
	tree := tree(t)
	page := read(t, filepath.Join(tree, "docs", "migration.md"))
	fields, tests := declared(t, tree)

	named := regexp.MustCompile(`\b(?:Options|OTP|Limits|Issued)\.[A-Z]\w+`).FindAllString(page, -1)
	if len(named) < 10 {
		t.Fatalf("found %d fields on the page, want many", len(named))
	}
	for _, name := range named {
		if !fields[name] {
			t.Errorf("the page names %s, which does not exist", name)
		}
	}
	named = regexp.MustCompile(`\bTest[A-Z]\w+\b`).FindAllString(page, -1)
	if len(named) < 10 {
		t.Fatalf("found %d tests on the page, want many", len(named))
	}
	for _, name := range named {
		if !tests[name] && !fields["OTP."+name] { // OTP.TestCodes is a field
			t.Errorf("the page names %s, which does not exist", name)
		}
	}
}

// declared collects the fields of the root package's structs ("OTP.TTL") and the
// tests of the tree.
func declared(t *testing.T, tree string) (fields, tests map[string]bool) {
	t.Helper()
	fields, tests = map[string]bool{}, map[string]bool{}
	for _, name := range treeFiles(t, tree) {
		test := strings.HasSuffix(name, "_test.go")
		if !strings.HasSuffix(name, ".go") || !test && filepath.Dir(name) != "." {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(tree, name), nil, parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since the last commit
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				tests[d.Name.Name] = test || tests[d.Name.Name]
			case *ast.GenDecl:
				addFields(fields, d)
			}
		}
	}
	return fields, tests
}

func addFields(fields map[string]bool, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		typ, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		str, ok := typ.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range str.Fields.List {
			for _, name := range f.Names {
				fields[typ.Name.Name+"."+name.Name] = true
			}
		}
	}
}
