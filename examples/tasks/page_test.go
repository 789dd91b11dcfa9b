package tasks_test

// The pages whose code is in this folder are held to it. A block says where it is from:
//
//	```go examples/tasks/signin/main.go         the whole file
//	```go examples/tasks/which/which.go#totp    what is between "// docs: totp" and "// end"

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = "../../docs/tasks.md"

var block = regexp.MustCompile("(?m)^```go(?: examples/tasks/(\\S+))?\n((?s:.*?))^```$")

// Every file of a task is on the page, as it is.
func TestBlocks(t *testing.T) {
	want := map[string]string{}
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if folder := filepath.Dir(file); folder != "which" && folder != "push" { // which are of other pages
			want[filepath.ToSlash(file)] = read(t, file)
		}
	}
	got := map[string]string{}
	for _, m := range block.FindAllStringSubmatch(read(t, page), -1) {
		got[m[1]] = m[2]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the blocks of the page (-want +got):\n%s", diff)
	}
}

// Other pages show parts of files.
func TestCuts(t *testing.T) {
	for page, blocks := range map[string]int{"which.md": 9, "steps.md": 4} {
		got := block.FindAllStringSubmatch(read(t, "../../docs/"+page), -1)
		if len(got) != blocks {
			t.Errorf("%s has %d blocks of Go, want %d", page, len(got), blocks)
		}
		for _, m := range got {
			file, name, _ := strings.Cut(m[1], "#")
			if diff := cmp.Diff(cut(t, file, name), m[2]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", page, m[1], diff)
			}
		}
	}
}

// cut returns a part of a file, without its indentation.
func cut(t *testing.T, file, name string) string {
	t.Helper()
	if file == "" {
		t.Error("a block does not say where it is from")
		return ""
	}
	part := regexp.MustCompile(`(?ms)^(\t*)// docs: ` + name + `\n(.*?\n)\n?\t*// end$`).FindStringSubmatch(read(t, file))
	if part == nil {
		t.Errorf("%s has no part %q", file, name)
		return ""
	}
	return strings.ReplaceAll("\n"+part[2], "\n"+part[1], "\n")[1:]
}

// The first program is the one of the first screen.
func TestReadme(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "../../README.md"), "\n```go\n")
	first, _, _ := strings.Cut(rest, "```\n")
	if diff := cmp.Diff(read(t, "signin/main.go"), first); diff != "" {
		t.Errorf("the first program of README.md (-want +got):\n%s", diff)
	}
}

// The table says how many lines there are, and how many the first program has not.
func TestLines(t *testing.T) {
	counts := func(file string) string {
		all, first := lines(t, file), lines(t, "signin/main.go")
		fresh := 0
		for _, line := range all {
			if i := slices.Index(first, line); i >= 0 {
				first = slices.Delete(first, i, i+1)
				continue
			}
			fresh++
		}
		return fmt.Sprintf("%d | %d", len(all), fresh)
	}
	total := func(file string) string { return fmt.Sprint(len(lines(t, file))) }
	want := map[string]string{
		"Sign in with a code by SMS":          total("signin/main.go") + " | ",
		"A code by e-mail, in German":         counts("german/main.go"),
		"SMS or e-mail, as the user chooses":  counts("choice/main.go"),
		"Texts by Twilio":                     counts("twilio/main.go"),
		"DynamoDB and smsguard, by Terraform": "0 | 0",
		"… in a function of your own":         counts("deployed/main.go"),
		"Metrics":                             counts("metrics/main.go"),
		"A step of your own":                  counts("ownstep/main.go"),
		"Tests with limits and time":          total("limits/limits_test.go") + " | ",
	}
	got := map[string]string{}
	row := regexp.MustCompile(`(?m)^\| \[?([A-Z…][^\]|]*?)(?:\]\(#[^)]*\))? \| (\d+) \| (\d* ?)\| `)
	for _, m := range row.FindAllStringSubmatch(read(t, page), -1) {
		got[m[1]] = m[2] + " | " + strings.TrimSpace(m[3])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if part := "a test of " + total("ownstep/main_test.go") + " lines"; !strings.Contains(read(t, page), part) {
		t.Errorf("the page does not say %q", part)
	}
}

// lines are those of a file without blank ones and comments.
func lines(t *testing.T, file string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(read(t, file)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			all = append(all, line)
		}
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
