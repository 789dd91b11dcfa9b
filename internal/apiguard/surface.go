package main

// This file reads the exported API out of source text: one line for each name that
// users can write down. It needs no types, so it reads an old version of a module
// without its dependencies.

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// surface is the exported API of the module in dir, sorted.
func surface(dir string) (lines []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != dir && (skipped(d.Name()) || d.Name() == "internal" || isModule(path)):
			return fs.SkipDir
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		more, err := packageSurface(path, filepath.ToSlash(name))
		lines = append(lines, more...)
		return err
	})
	slices.Sort(lines)
	return slices.Compact(lines), err
}

func isModule(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, "go.mod"))
	return len(found) > 0
}

// packageSurface has a line for each exported name of one package.
func packageSurface(dir, name string) ([]string, error) {
	platform := build.Default
	platform.GOOS, platform.GOARCH, platform.CgoEnabled = "linux", "amd64", false // where Lambda runs
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	found, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range found {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if ok, err := platform.MatchFile(dir, filepath.Base(path)); err != nil || !ok {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if f.Name.Name != "main" {
			files[path] = f
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	w := &writer{pkg: "pkg " + name + ", ", values: map[*ast.Ident]string{}}
	ordered := make([]*ast.File, 0, len(files))
	for _, path := range slices.Sorted(maps.Keys(files)) {
		ast.Inspect(files[path], w.prepare)
		ordered = append(ordered, files[path])
	}
	p, err := doc.NewFromFiles(fset, ordered, name)
	if err != nil {
		return nil, err
	}
	w.decls(p.Consts, p.Vars)
	w.funcs(p.Funcs)
	for _, t := range p.Types {
		w.decls(t.Consts, t.Vars)
		w.funcs(t.Funcs)
		w.funcs(t.Methods)
		w.typ(t)
	}
	return w.lines, nil
}

type writer struct {
	pkg    string
	values map[*ast.Ident]string // of constants: type and value
	lines  []string
}

// prepare looks at the source before go/doc takes out what is not exported, and takes
// out the names of parameters, which users do not write down.
func (w *writer) prepare(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncType:
		unname(n.Params)
		unname(n.Results)
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			w.consts(n)
		}
	}
	return true
}

func unname(list *ast.FieldList) {
	if list == nil {
		return
	}
	var fields []*ast.Field
	for _, f := range list.List {
		for range max(1, len(f.Names)) {
			fields = append(fields, &ast.Field{Type: f.Type})
		}
	}
	list.List = fields
}

// consts notes the values of constants: a program may have compiled them in, and with
// iota, their order is part of them.
func (w *writer) consts(d *ast.GenDecl) {
	var typ ast.Expr
	var values []ast.Expr
	for at, spec := range d.Specs {
		s := spec.(*ast.ValueSpec)
		if len(s.Values) > 0 {
			typ, values = s.Type, s.Values
		}
		for i, name := range s.Names {
			if i < len(values) {
				value := strings.ReplaceAll(text(values[i]), "iota", "iota("+strconv.Itoa(at)+")")
				w.values[name] = of(typ) + " = " + value
			}
		}
	}
}

func (w *writer) add(format string, args ...any) {
	w.lines = append(w.lines, w.pkg+fmt.Sprintf(format, args...))
}

func (w *writer) decls(consts, vars []*doc.Value) {
	for _, v := range slices.Concat(consts, vars) {
		for _, spec := range v.Decl.Specs {
			s := spec.(*ast.ValueSpec)
			if v.Decl.Tok == token.VAR {
				w.vars(s)
				continue
			}
			for _, name := range s.Names {
				if name.IsExported() {
					w.add("const %s%s", name.Name, w.values[name])
				}
			}
		}
	}
}

// vars writes variables with their types, or with what they begin as where the source
// does not name the type.
func (w *writer) vars(s *ast.ValueSpec) {
	for i, name := range s.Names {
		if !name.IsExported() {
			continue
		}
		began := ""
		if s.Type == nil && i < len(s.Values) {
			switch v := s.Values[i].(type) {
			case *ast.CallExpr:
				began = " = " + text(v.Fun) + "(…)"
			case *ast.CompositeLit:
				began = " = " + text(v.Type) + "{…}"
			default:
				began = " = " + text(v)
			}
		}
		w.add("var %s%s%s", name.Name, of(s.Type), began)
	}
}

// of is a type behind a name.
func of(typ ast.Expr) string {
	if typ == nil {
		return ""
	}
	return " " + text(typ)
}

func (w *writer) funcs(list []*doc.Func) {
	for _, f := range list {
		signature := f.Decl.Name.Name + params(f.Decl.Type.TypeParams) + signature(f.Decl.Type)
		if f.Recv == "" {
			w.add("func %s", signature)
		} else {
			w.add("method (%s) %s", f.Recv, signature)
		}
	}
}

func signature(f *ast.FuncType) string {
	s := "(" + types(f.Params) + ")"
	switch f.Results.NumFields() {
	case 0:
		return s
	case 1:
		return s + " " + types(f.Results)
	default:
		return s + " (" + types(f.Results) + ")"
	}
}

func types(list *ast.FieldList) string {
	var all []string
	for _, f := range list.List {
		all = append(all, text(f.Type))
	}
	return strings.Join(all, ", ")
}

// params are the type parameters, with their names: the rest refers to them.
func params(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var all []string
	for _, f := range list.List {
		for _, name := range f.Names {
			all = append(all, name.Name+" "+text(f.Type))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (w *writer) typ(t *doc.Type) {
	for _, spec := range t.Decl.Specs {
		s := spec.(*ast.TypeSpec)
		if s.Name.Name != t.Name {
			continue
		}
		name := s.Name.Name + params(s.TypeParams)
		switch v := s.Type.(type) {
		case *ast.StructType:
			w.add("type %s struct", name)
			w.fields(s.Name.Name, v)
		case *ast.InterfaceType:
			w.add("type %s interface", name)
			w.methods(s.Name.Name, v)
		default:
			equals := ""
			if s.Assign.IsValid() {
				equals = "= "
			}
			w.add("type %s %s%s", name, equals, text(v))
		}
	}
}

func (w *writer) fields(of string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		tag := ""
		if f.Tag != nil {
			tag = " " + f.Tag.Value
		}
		for _, name := range f.Names {
			if name.IsExported() {
				w.add("type %s struct, %s %s%s", of, name.Name, text(f.Type), tag)
			}
		}
		if len(f.Names) == 0 && ast.IsExported(last(f.Type)) {
			w.add("type %s struct, embedded %s%s", of, text(f.Type), tag)
		}
	}
}

// last is the name by which an embedded type can be selected.
func last(typ ast.Expr) string {
	name := strings.TrimPrefix(text(typ), "*")
	name, _, _ = strings.Cut(name, "[")
	return name[strings.LastIndex(name, ".")+1:]
}

func (w *writer) methods(of string, i *ast.InterfaceType) {
	for _, f := range i.Methods.List {
		for _, name := range f.Names {
			w.add("type %s interface, %s%s", of, name.Name, signature(f.Type.(*ast.FuncType)))
		}
		if len(f.Names) == 0 {
			w.add("type %s interface, embedded %s", of, text(f.Type))
		}
	}
	if i.Incomplete { // go/doc takes out what is not exported
		w.add("type %s interface, unexported methods", of)
	}
}

// text is the source text of a type or an expression, in one line.
func text(x ast.Expr) string {
	var b bytes.Buffer
	printer.Fprint(&b, token.NewFileSet(), x)
	var parts []string
	for line := range strings.Lines(b.String()) {
		parts = append(parts, strings.Join(strings.Fields(line), " "))
	}
	one := strings.Join(parts, "; ")
	return strings.NewReplacer("{; ", "{ ", "; }", " }", "(; ", "(").Replace(one)
}
