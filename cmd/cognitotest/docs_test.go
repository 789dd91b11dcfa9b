package main_test

// This file holds docs/cognitotest.md to what the program does.

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	program "github.com/cyber-eternal/customauth/cmd/cognitotest"
)

func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/cognitotest.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)

	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(example) != 1 {
		t.Fatalf("%d examples of the file, want 1", len(example))
	}
	if err := program.DecodeFile([]byte(example[0][1])); err != nil {
		t.Errorf("the example of the file: %v", err)
	}

	help, err := command(t.Context(), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)--[a-z][a-z-]+`)
	known := append(flags.FindAllString(string(help), -1), "--env-file") // Docker's
	for _, flag := range flags.FindAllString(page, -1) {
		if !slices.Contains(known, flag) {
			t.Errorf("the page has %s, which the program has not", flag)
		}
	}

	requests := regexp.MustCompile(`(GET|POST|DELETE) +(/_test/[a-z]+)`)
	var missing []string
	for _, m := range requests.FindAllStringSubmatch(program.Usage, -1) {
		if !strings.Contains(page, m[2]) {
			missing = append(missing, m[2])
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Errorf("not in the page (-want +got):\n%s", diff)
	}
}

// TestHelpIsComplete: each flag has a line, and each line a flag.
func TestHelpIsComplete(t *testing.T) {
	help, err := command(t.Context(), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+)|, --(help)$`).FindAllStringSubmatch(string(help), -1) {
		described = append(described, m[1]+m[2])
	}
	slices.Sort(described)
	want := program.FlagNames()
	if diff := cmp.Diff(want, described); diff != "" {
		t.Errorf("(-flags +help):\n%s", diff)
	}
}
