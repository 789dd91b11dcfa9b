package main

import (
	"context"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRun measures next to nothing and looks at what is written. It asserts no
// times: those of a busy machine say nothing.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds nine functions")
	}
	out := t.TempDir()
	path := filepath.Join(out, "benchmarks.md")
	if err := os.WriteFile(path, []byte("before\n"+beginMark+"\nstale\n"+endMark+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := settings{rounds: 1, warm: 1, benchtime: time.Millisecond, e2e: "..", progress: io.Discard}
	if err := run(context.Background(), s, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	if !strings.HasPrefix(doc, "before\n"+beginMark) || !strings.HasSuffix(doc, endMark+"\nafter\n") || strings.Contains(doc, "stale") {
		t.Errorf("the text around the results was not kept:\n%s", doc)
	}
	for _, v := range variants {
		tables := 2
		if v.after {
			tables = 1
		}
		if n := strings.Count(doc, "| "+v.label+" |"); n != tables && !(v.node && strings.Contains(doc, "JavaScript functions were not measured")) {
			t.Errorf("%s is in %d tables, not in %d", v.name, n, tables)
		}
	}
	for _, want := range []string{"| define first |", "| verify |", "CPU of a cold sign-in, `onelambda` ÷ floor", "zip of the challenges"} {
		if !strings.Contains(doc, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(doc, "NaN") || strings.Contains(doc, "+Inf") {
		t.Errorf("a ratio is no number:\n%s", doc)
	}
	checkPlot(t, filepath.Join(out, "images", "benchmarks.svg"))
}

// checkPlot checks that the plot is XML with a bar for every variant, and has
// colours for dark pages.
func checkPlot(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var bars int
	var style string
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			for _, a := range x.Attr {
				if x.Name.Local == "rect" && a.Name.Local == "class" && a.Value == "free" {
					bars++
				}
			}
		case xml.CharData:
			style += string(x)
		}
	}
	if bars < len(variants)-1 { // JavaScript may be missing
		t.Errorf("%d bars", bars)
	}
	if !strings.Contains(style, "prefers-color-scheme:dark") {
		t.Error("no colours for dark pages")
	}
}

// TestWriteTable: a document without the marks stays as it is.
func TestWriteTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(path, &results{}); err == nil {
		t.Error("no error")
	}
	if text, _ := os.ReadFile(path); string(text) != "no marks" {
		t.Errorf("the document is now %q", text)
	}
}
