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

// TestReasonsAreExplained: docs/observing.md says of each reason what it means, and the
// package documentation and docs/apps.md say what an app does about those that it sees.
func TestReasonsAreExplained(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	observing, apps, godoc := read("docs/observing.md"), read("docs/apps.md"), read("doc.go")
	_, list, _ := strings.Cut(read("events.go"), "// The reasons.")
	list, _, _ = strings.Cut(list, "\n)\n")
	words, shown := regexp.MustCompile(`Reason\s+=\s+"(\w+)"`).FindAllStringSubmatchIndex(list, -1), 0
	for _, at := range words {
		word := list[at[2]:at[3]]
		if !strings.Contains(observing, "`"+word+"`") {
			t.Errorf("docs/observing.md does not say what %s is", word)
		}
		if strings.Contains(list[:at[0]], "\n\n") {
			continue // only the first group reaches the app
		}
		shown++
		if !strings.Contains(apps, "`"+word+"`") || !strings.Contains(godoc, "\n//\t"+word+" ") {
			t.Errorf("an app is not told what to do about %s", word)
		}
	}
	if len(words) < 20 || shown < 9 {
		t.Errorf("%d reasons, %d of them for the app: is the list still there?", len(words), shown)
	}
}
