package consumer_test

// This file packs the modules of the tree as a module proxy serves them, from
// the files that a commit of the tree would have.

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const root = "github.com/cyber-eternal/customauth"

// published are the modules that users fetch, by folder. The other nested
// modules, e2e and examples/cdk/lambda, are never tagged.
var published = []string{".", "account", "client", "dynamodbstore", "endusermessaging", "otelcustomauth", "passkey", "postauth", "secretskeys", "ses", "smsguard", "texts", "totp"}

var unpublished = []string{"e2e", "examples/account", "examples/cdk/account", "examples/cdk/lambda", "examples/deploytest", "examples/tasks", "examples/ways", "smsguard/gen"}

// A packed module is one that the proxy serves.
type packed struct {
	module.Version
	dir string        // below the tree
	mod *modfile.File // its go.mod
}

// pack writes every published module into a file-system proxy
// (https://go.dev/ref/mod#goproxy-protocol) and returns the modules.
func pack(t *testing.T, tree, proxy string) []packed {
	t.Helper()
	files := treeFiles(t, tree)
	versions := versions(t, tree)
	var modules []packed
	for _, dir := range published {
		mod := readMod(t, filepath.Join(tree, dir))
		path := mod.Module.Mod.Path
		version, ok := versions[path]
		if !ok {
			t.Fatalf("%s requires no version of %s", versionsFrom, path)
		}
		m := packed{module.Version{Path: path, Version: version}, dir, mod}
		if err := write(proxy, tree, m, files); err != nil {
			t.Fatalf("packing %s: %v", m.Version, err)
		}
		modules = append(modules, m)
	}
	return modules
}

// versionsFrom is a module that requires some of the others, and so says which version
// they are at. The rest are at the version of the root.
const versionsFrom = "examples/cdk/lambda/go.mod"

func versions(t *testing.T, tree string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, r := range readMod(t, filepath.Join(tree, filepath.Dir(versionsFrom))).Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	for _, dir := range published {
		if path := readMod(t, filepath.Join(tree, dir)).Module.Mod.Path; versions[path] == "" {
			versions[path] = versions[root]
		}
	}
	return versions
}

func readMod(t *testing.T, dir string) *modfile.File {
	t.Helper()
	name := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse(name, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return mod
}

// treeFiles lists the files of the tree that are committed or could be: not what
// .gitignore names, such as node_modules.
func treeFiles(t *testing.T, tree string) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = tree
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}

// write adds one module to the proxy: @v/list, .info, .mod and .zip.
func write(proxy, tree string, m packed, files []string) error {
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": m.Version.Version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(tree, m.dir, "go.mod"))
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"list":                      []byte(m.Version.Version + "\n"),
		m.Version.Version + ".info": info,
		m.Version.Version + ".mod":  mod,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	out, err := os.Create(filepath.Join(dir, m.Version.Version+".zip"))
	if err != nil {
		return err
	}
	defer out.Close()
	// Create leaves out what lies in nested modules.
	if err := zip.Create(out, m.Version, zipFiles(tree, m.dir, files)); err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	return out.Close()
}

func zipFiles(tree, dir string, files []string) []zip.File {
	var found []zip.File
	for _, name := range files {
		inside, ok := name, true
		if dir != "." {
			inside, ok = strings.CutPrefix(name, dir+"/")
		}
		if _, err := os.Lstat(filepath.Join(tree, name)); ok && err == nil { // not deleted since the last commit
			found = append(found, file{inside, filepath.Join(tree, name)})
		}
	}
	return found
}

// file implements zip.File.
type file struct{ path, source string }

func (f file) Path() string                 { return f.path }
func (f file) Lstat() (os.FileInfo, error)  { return os.Lstat(f.source) }
func (f file) Open() (io.ReadCloser, error) { return os.Open(f.source) }
