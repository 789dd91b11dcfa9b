package cognitotest_test

// This file tests what StartScript refuses. That scripts run is tested in
// e2e/program, for which Node and Python are needed.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestStartScriptRefuses(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"index.ts", "index.rb", "index.mjs"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct{ file, path, want string }{
		"not there":  {"missing.mjs", "", "missing.mjs: no such file or directory"},
		"a folder":   {"", "", "it is a folder: name the file in it"},
		"TypeScript": {"index.ts", "", "compile TypeScript to JavaScript first"},
		"Ruby":       {"index.rb", "", `the ending ".rb" is none of .js, .mjs, .cjs, .py`},
		"no Node":    {"index.mjs", folder, "it needs node in PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.path != "" {
				t.Setenv("PATH", tt.path)
			}
			f, err := cognitotest.StartScript(filepath.Join(folder, tt.file), "", cognitotest.FunctionOptions{})
			if err == nil {
				f.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
		})
	}
}
