package model_test

// This file changes one function of the package at a place that is named by what it
// is (the condition that leads to a word, the third comparison, the assignment to a
// field), not by how it is written. So a refactoring that keeps a function keeps its
// mutants.

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// An edit changes a function. It reports what it did not find.
type edit func(*ast.FuncDecl) error

// source is one function and the file that it is in.
type source struct {
	set  *token.FileSet
	path string
	file *ast.File
	fn   *ast.FuncDecl
}

// find looks for a function, or a method as Type.Method, in the package of a folder.
func find(dir, name string) (*source, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && nameOf(fn) == name {
				return &source{set, path, file, fn}, nil
			}
		}
	}
	return nil, fmt.Errorf("%s has no function %s", dir, name)
}

func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return t.(*ast.Ident).Name + "." + fn.Name.Name
}

func (s *source) text() ([]byte, error) {
	var b bytes.Buffer
	err := format.Node(&b, s.set, s.file)
	return b.Bytes(), err
}

// expr parses Go; it is part of the catalogue, so it is right.
func expr(text string) ast.Expr {
	e, err := parser.ParseExpr(text)
	if err != nil {
		panic(err)
	}
	return e
}

func neverSo(x ast.Expr) ast.Expr {
	return &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.LAND, Y: ast.NewIdent("false")}
}

func alwaysSo(x ast.Expr) ast.Expr {
	return &ast.ParenExpr{X: &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.LOR, Y: ast.NewIdent("true")}}
}

// mentions reports whether a word is in some statements: as a name, or in a literal.
func mentions(list []ast.Stmt, word string) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				found = found || n.Name == word
			case *ast.BasicLit:
				found = found || n.Value == word || n.Kind == token.STRING && strings.Contains(n.Value, word)
			}
			return !found
		})
	}
	return found
}

// guards are the conditions whose own statements, and no inner guard's, have a word.
func guards(fn *ast.FuncDecl, word string) (list []*[]ast.Expr) {
	ast.Inspect(fn, func(n ast.Node) bool {
		var body []ast.Stmt
		var conds *[]ast.Expr
		switch n := n.(type) {
		case *ast.IfStmt:
			body, conds = n.Body.List, nil
			if mentions(body, word) && !inner(body, word) {
				list = append(list, &[]ast.Expr{n.Cond})
				box := list[len(list)-1]
				n.Cond = &ast.ParenExpr{X: n.Cond}
				(*box)[0] = n.Cond
			}
			return true
		case *ast.CaseClause:
			body, conds = n.Body, &n.List
		default:
			return true
		}
		if len(*conds) > 0 && mentions(body, word) && !inner(body, word) {
			list = append(list, conds)
		}
		return true
	})
	return list
}

func inner(body []ast.Stmt, word string) (found bool) {
	for _, s := range body {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt:
				found = found || mentions(n.Body.List, word)
			case *ast.CaseClause:
				found = found || len(n.List) > 0 && mentions(n.Body, word)
			}
			return !found
		})
	}
	return found
}

// never and always change the n-th condition that leads to a word.
func never(word string, n ...int) edit  { return guard(word, n, neverSo) }
func always(word string, n ...int) edit { return guard(word, n, alwaysSo) }

func guard(word string, n []int, change func(ast.Expr) ast.Expr) edit {
	return func(fn *ast.FuncDecl) error {
		list, at := guards(fn, word), first(n)
		if at >= len(list) {
			return fmt.Errorf("condition %d that leads to %q is not there", at, word)
		}
		for i, c := range *list[at] {
			if p, ok := c.(*ast.ParenExpr); ok {
				p.X = change(p.X)
			} else {
				(*list[at])[i] = change(c)
			}
		}
		return nil
	}
}

func first(n []int) int {
	if len(n) == 0 {
		return 0
	}
	return n[0]
}

// without takes the n-th operand out of the conditions with && and ||, from the left.
func without(n int) edit {
	return func(fn *ast.FuncDecl) error {
		at := 0
		done := false
		var look func(x *ast.Expr, op token.Token)
		look = func(x *ast.Expr, op token.Token) {
			if b, ok := (*x).(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
				look(&b.X, b.Op)
				look(&b.Y, b.Op)
				return
			}
			if at == n {
				done = true
				if *x = neverSo(*x); op == token.LAND {
					*x = alwaysSo((*x).(*ast.BinaryExpr).X)
				}
			}
			at++
		}
		ast.Inspect(fn, func(node ast.Node) bool {
			if b, ok := node.(*ast.BinaryExpr); ok && !done && (b.Op == token.LAND || b.Op == token.LOR) {
				look(&b.X, b.Op)
				look(&b.Y, b.Op)
				return false
			}
			return !done
		})
		if !done {
			return fmt.Errorf("operand %d is not there", n)
		}
		return nil
	}
}

// compares gives the n-th comparison with a name another operator.
func compares(name string, op token.Token, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn, func(node ast.Node) bool {
			b, ok := node.(*ast.BinaryExpr)
			if !ok || b.Op.Precedence() != token.EQL.Precedence() || !mentions([]ast.Stmt{&ast.ExprStmt{X: b}}, name) {
				return true
			}
			if at == first(n) {
				b.Op, done = op, true
			}
			at++
			return true
		})
		if !done {
			return fmt.Errorf("comparison %d with %s is not there", first(n), name)
		}
		return nil
	}
}

// last is the name of what is assigned to or called.
func last(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// unset leaves out the n-th assignment to a name.
func unset(name string, n ...int) edit { return assigns(name, "", n...) }

// assigns assigns something else.
func assigns(name, value string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn, func(node ast.Node) bool {
			switch s := node.(type) {
			case *ast.AssignStmt:
				for i, l := range s.Lhs {
					if last(l) != name {
						continue
					}
					if at == first(n) {
						done = true
						switch {
						case value != "":
							s.Rhs[i] = expr(value)
						case s.Tok != token.ASSIGN && s.Tok != token.DEFINE:
							s.Tok = token.ASSIGN
							fallthrough
						default:
							s.Lhs[i] = ast.NewIdent("_")
						}
					}
					at++
				}
			case *ast.IncDecStmt:
				if last(s.X) == name {
					if at == first(n) {
						done = true
						s.X = expr("new([1]int)[0]")
					}
					at++
				}
			}
			return true
		})
		if !done {
			return fmt.Errorf("assignment %d to %s is not there", first(n), name)
		}
		return nil
	}
}

// calls puts something else in the place of the n-th call of a name. $1 is its first
// argument, and so on.
func callsTo(name, instead string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		replaceExprs(fn, func(x ast.Expr) ast.Expr {
			c, ok := x.(*ast.CallExpr)
			if !ok || last(c.Fun) != name || done {
				return nil
			}
			if at++; at-1 != first(n) {
				return nil
			}
			done = true
			text := instead
			for i, a := range c.Args {
				var b bytes.Buffer
				format.Node(&b, token.NewFileSet(), a)
				text = strings.ReplaceAll(text, "$"+strconv.Itoa(i+1), b.String())
			}
			return expr(text)
		})
		if !done {
			return fmt.Errorf("call %d of %s is not there", first(n), name)
		}
		return nil
	}
}

// names puts another name, or anything, in the place of the n-th mention of a name.
func names(name, instead string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn.Body, func(node ast.Node) bool {
			if id, ok := node.(*ast.Ident); ok && id.Name == name {
				if at == first(n) {
					id.Name, done = instead, true
				}
				at++
			}
			return true
		})
		if !done {
			return fmt.Errorf("mention %d of %s is not there", first(n), name)
		}
		return nil
	}
}

// returns returns something else at the n-th return.
func returns(value string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn.Body, func(node ast.Node) bool {
			if r, ok := node.(*ast.ReturnStmt); ok {
				if at == first(n) {
					var b bytes.Buffer
					format.Node(&b, token.NewFileSet(), r.Results[0])
					r.Results[0], done = expr(strings.ReplaceAll(value, "$", b.String())), true
				}
				at++
			}
			return true
		})
		if !done {
			return fmt.Errorf("return %d is not there", first(n))
		}
		return nil
	}
}

// field gives a field of a composite literal another value.
func field(name, value string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn.Body, func(node ast.Node) bool {
			if kv, ok := node.(*ast.KeyValueExpr); ok && last(kv.Key) == name {
				if at == first(n) {
					kv.Value, done = expr(value), true
				}
				at++
			}
			return true
		})
		if !done {
			return fmt.Errorf("field %d named %s is not there", first(n), name)
		}
		return nil
	}
}

// skips leaves out the n-th statement that is a call of a name.
func skips(name string, n ...int) edit {
	return func(fn *ast.FuncDecl) error {
		at, done := 0, false
		ast.Inspect(fn.Body, func(node ast.Node) bool {
			s, ok := node.(*ast.ExprStmt)
			if !ok {
				return true
			}
			c, ok := s.X.(*ast.CallExpr)
			if !ok || last(c.Fun) != name {
				return true
			}
			if at == first(n) {
				c.Fun, done = expr("func(...any) {}"), true
			}
			at++
			return true
		})
		if !done {
			return fmt.Errorf("statement %d that calls %s is not there", first(n), name)
		}
		return nil
	}
}

// replaceExprs replaces expressions in the places where the catalogue needs it.
func replaceExprs(fn *ast.FuncDecl, f func(ast.Expr) ast.Expr) {
	in := func(x *ast.Expr) {
		if *x != nil {
			if y := f(*x); y != nil {
				*x = y
			}
		}
	}
	all := func(list []ast.Expr) {
		for i := range list {
			in(&list[i])
		}
	}
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			all(n.Rhs)
		case *ast.ReturnStmt:
			all(n.Results)
		case *ast.CallExpr:
			all(n.Args)
		case *ast.BinaryExpr:
			in(&n.X)
			in(&n.Y)
		case *ast.IfStmt:
			in(&n.Cond)
		case *ast.UnaryExpr:
			in(&n.X)
		case *ast.KeyValueExpr:
			in(&n.Value)
		case *ast.CompositeLit:
			all(n.Elts)
		case *ast.SliceExpr:
			in(&n.X)
		case *ast.CaseClause:
			all(n.List)
		}
		return true
	})
}
