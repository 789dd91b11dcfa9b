// Command testlog makes the output of go test -json readable, and keeps account
// of which tests passed:
//
//	go test -json ./... | testlog passed.txt
//
// It prints what go test prints without -v, and the tests that were skipped with
// their reasons; with CI=true a skipped test is a failure. To the file it appends
// a line "package test" for each test that passed. It fails if a test did.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ./... | testlog FILE")
		os.Exit(2)
	}
	file, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(2)
	}
	ok := read(os.Stdin, os.Stdout, file, os.Getenv("CI") == "true")
	if err := file.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		ok = false
	}
	if !ok {
		os.Exit(1)
	}
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build output
}

func read(from io.Reader, to, passed io.Writer, strict bool) (ok bool) {
	ok = true
	outputs := map[[2]string][]string{} // what each test said so far
	lines := bufio.NewReaderSize(from, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(to, "%s", line) // not from a test
			} else if !e.tell(to, passed, outputs, strict) {
				ok = false
			}
		}
		if err != nil {
			return ok && err == io.EOF
		}
	}
}

func (e event) tell(to, passed io.Writer, outputs map[[2]string][]string, strict bool) bool {
	at := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(to, e.Output)
	case "output":
		if e.Test == "" && e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "coverage: ") { // "ok" says it too
			fmt.Fprint(to, e.Output)
		}
		outputs[at] = append(outputs[at], e.Output)
	case "pass":
		if e.Test != "" {
			fmt.Fprintln(passed, e.Package, e.Test)
		}
		delete(outputs, at)
	case "skip":
		if e.Test == "" {
			return true // a package without tests
		}
		fmt.Fprintf(to, "SKIP %s %s: %s\n", e.Package, e.Test, reason(outputs[at]))
		return !strict
	case "fail", "build-fail":
		for _, line := range outputs[at] {
			if e.Test != "" && !strings.HasPrefix(line, "=== ") {
				fmt.Fprint(to, line)
			}
		}
		return false
	}
	return true
}

// reason is what a skipped test said, in one line.
func reason(output []string) string {
	var words []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}
