package lambda_test

// This file runs the build commands of the documentation.

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented is the build command in the comment of a main, or in a README.
var documented = regexp.MustCompile(`(?m)^(?://\t|    )?(CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build .* -o )bootstrap( \./examples/\S+)$`)

// TestBuild builds every main with the command that its comment gives, and looks
// at what came out: a static binary for arm64 Linux.
func TestBuild(t *testing.T) {
	for _, name := range mains {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join(root, "examples", name, "main.go"))
			if err != nil {
				t.Fatal(err)
			}
			command := documented.FindStringSubmatch(string(source))
			if command == nil || command[2] != " ./examples/"+name {
				t.Fatalf("the comment of main.go has no build command for it: %q", command)
			}
			checkREADME(t, name, command[0])

			binary := filepath.Join(t.TempDir(), "bootstrap")
			cmd := exec.Command("sh", "-c", command[1]+`"$1"`+command[2], "sh", binary)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			f, err := elf.Open(binary)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Machine != elf.EM_AARCH64 {
				t.Errorf("built for %v", f.Machine)
			}
			if libraries, _ := f.ImportedLibraries(); len(libraries) > 0 {
				t.Errorf("needs the libraries %v", libraries)
			}
			if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
				t.Error("has symbols or debug information")
			}
			info, err := os.Stat(binary)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%.1f MB", float64(info.Size())/1e6)
		})
	}
}

// checkREADME checks that the README gives the command, for the three functions
// as a loop.
func checkREADME(t *testing.T, name, command string) {
	t.Helper()
	command = strings.TrimPrefix(command, "//\t")
	folder, part, isPart := strings.Cut(name, "/")
	if isPart {
		command = strings.Replace(command, name, folder+"/$f", 1)
	}
	readme, err := os.ReadFile(filepath.Join(root, "examples", folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), command) {
		t.Errorf("the README does not have the command %q", command)
	}
	if isPart && !regexp.MustCompile(`for f in [a-z ]*\b`+part+`\b`).Match(readme) {
		t.Errorf("the README does not build %s", part)
	}
}
