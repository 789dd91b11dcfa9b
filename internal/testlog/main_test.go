package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	const pass = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	const covered = `{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"coverage: 96.9% of statements\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\tcoverage: 96.9% of statements\n"}
{"Action":"pass","Package":"p"}
`
	const skip = `{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: no browser\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
`
	const fail = `{"Action":"output","Package":"p","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:1: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p"}
`
	const build = `{"ImportPath":"p","Action":"build-output","Output":"a.go:1: undefined\n"}
{"ImportPath":"p","Action":"build-fail"}
`
	tests := []struct {
		name, in     string
		strict       bool
		out, passed  string
		wantNoErrors bool
	}{
		{"passed", pass, true, "ok  \tp\t0.1s\n", "p TestA\n", true},
		{"covered", covered, false, "ok  \tp\t0.1s\tcoverage: 96.9% of statements\n", "", true},
		{"skipped", skip, false, "SKIP p TestB: b_test.go:1: no browser\n", "", true},
		{"skipped under CI", skip, true, "SKIP p TestB: b_test.go:1: no browser\n", "", false},
		{"failed", pass + fail, false, "ok  \tp\t0.1s\n    c_test.go:1: got 1, want 2\n", "p TestA\n", false},
		{"not built", build, false, "a.go:1: undefined\n", "", false},
		{"no JSON", "go: no packages\n", false, "go: no packages\n", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, passed strings.Builder
			ok := read(strings.NewReader(tt.in), &out, &passed, tt.strict)
			if diff := cmp.Diff([]any{tt.out, tt.passed, tt.wantNoErrors}, []any{out.String(), passed.String(), ok}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
