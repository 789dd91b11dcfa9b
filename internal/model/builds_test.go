package model_test

// This file builds the faults of mutants_test.go.

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsBuild checks the types of each function with a fault, without running it:
// a fault that does not build shows nothing.
func TestMutantsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it builds all that the package needs")
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	set := token.NewFileSet()
	imports := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, m := range mutants {
		path, text, err := m.plant(top)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		var files []*ast.File
		all, _ := filepath.Glob(filepath.Join(top, m.dir, "*.go"))
		for _, name := range all {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			var src any
			if name == path {
				src = text
			}
			file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
			if err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			files = append(files, file)
		}
		conf := types.Config{Importer: imports}
		if _, err := conf.Check("p", set, files, nil); err != nil {
			t.Errorf("%s does not build: %v", m.name, err)
		}
	}
}
