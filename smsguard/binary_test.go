package smsguard_test

// This file looks at a program that uses a guard: what is in it, and what it does
// before main.

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const program = `package main

import (
	"os"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/smsguard"
)

func main() {
	_, err := smsguard.New(smsguard.Options{Store: customauth.NewMemoryStore(), Allow: []string{"GB"}})
	if err != nil {
		os.Exit(1)
	}
}
`

// The phone library that the table was made of is no part of the program, nor is
// anything else of that size, and there is nothing to initialise.
func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/nyaruka/phonenumbers", "google.golang.org/protobuf", "golang.org/x/text":
			t.Errorf("%s is part of the program", m.Path)
		}
	}
	if len(info.Deps) == 0 {
		t.Error("the program names no modules")
	}

	run := exec.Command(binary)
	run.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, trace)
	}
	if !strings.Contains(string(trace), "init runtime") {
		t.Fatalf("no trace of inits:\n%s", trace)
	}
	if strings.Contains(string(trace), "customauth/smsguard") {
		t.Errorf("the guard has something to initialise:\n%s", trace)
	}
}
