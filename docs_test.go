package customauth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityTable: each test that docs/security.md names exists. With
// CUSTOMAUTH_PASSED naming a list of the tests that passed, as ./test does, it
// must be among them too.
func TestSecurityTable(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var passed string
	if file := os.Getenv("CUSTOMAUTH_PASSED"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		passed = "\n" + string(b)
	}
	rows, named := 0, 0
	shown := false // the table at hand has a column "shown by"
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		if strings.HasPrefix(line, "| attack") || strings.HasPrefix(line, "| requirement") || strings.HasPrefix(line, "| fault") {
			shown = strings.Contains(line, "shown by")
			continue
		}
		rows++
		tests := testName.FindAllStringSubmatch(line, -1)
		if shown && len(tests) == 0 && !strings.Contains(line, "the deployer's") {
			t.Errorf("no test in the row %.80s", line)
		}
		for _, m := range tests {
			named++
			dir, name := strings.TrimSuffix(m[1], "."), m[2]
			if !declared(t, dir, name) {
				t.Errorf("%s: no test %s", filepath.Join(".", dir), name)
			}
			pkg := filepath.Join("github.com/cyber-eternal/customauth", dir)
			if passed != "" && !strings.Contains(passed, "\n"+pkg+" "+name+"\n") {
				t.Errorf("%s %s did not pass in this run", pkg, name)
			}
		}
	}
	if rows < 20 || named < 30 {
		t.Errorf("%d rows with %d tests: is the table still there?", rows, named)
	}
}

// testName matches `TestX` and `folder/of/package.TestX`.
var testName = regexp.MustCompile("`([a-z0-9/]+\\.)?((?:Test|Fuzz)[A-Za-z0-9]+)`")

func declared(t *testing.T, dir, name string) bool {
	files, err := filepath.Glob(filepath.Join(".", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
