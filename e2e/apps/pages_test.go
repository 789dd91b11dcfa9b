package apps_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^()\s#:]+)(?:#[^()\s]*)?\)`)

// Every page of docs is found from its index, by links.
func TestEveryPageIsFound(t *testing.T) {
	tree := os.DirFS("../..")
	found := map[string]bool{}
	var visit func(page string)
	visit = func(page string) {
		if info, err := fs.Stat(tree, page); err == nil && info.IsDir() {
			page = path.Join(page, "README.md")
		}
		text, err := fs.ReadFile(tree, page)
		if err != nil || found[page] || !strings.HasSuffix(page, ".md") {
			return
		}
		found[page] = true
		if !strings.HasPrefix(page, "docs/") {
			return // a page of a module leads back by itself
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			visit(path.Join(path.Dir(page), m[1]))
		}
	}
	visit("docs/README.md")
	pages := 0
	err := fs.WalkDir(tree, "docs", func(page string, _ fs.DirEntry, err error) error {
		if filepath.Ext(page) == ".md" {
			pages++
			if !found[page] {
				t.Errorf("docs/README.md does not lead to %s", page)
			}
		}
		return err
	})
	if err != nil || pages < 20 {
		t.Errorf("%d pages: %v", pages, err)
	}
	// What has a folder of its own is in the table of the README.
	readme, err := fs.ReadFile(tree, "README.md")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := fs.Glob(tree, "*/README.md")
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d folders: %v", len(folders), err)
	}
	for _, readmeOf := range folders {
		folder := path.Dir(readmeOf)
		if folder != "e2e" && !strings.Contains(string(readme), "]("+folder) {
			t.Errorf("README.md does not lead to %s", folder)
		}
	}
}

// Every module and every lock file is looked after.
func TestDependabot(t *testing.T) {
	const root = "../.."
	watched, err := os.ReadFile(filepath.Join(root, ".github/dependabot.yml"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || entry.Name() == "cdk.out" || entry.Name() == ".git"):
			return fs.SkipDir
		case entry.Name() == "go.mod", entry.Name() == "package-lock.json":
			found++
			folder := path.Join("/", path.Dir(name))
			if !strings.Contains(string(watched), `- "`+folder+`"`) {
				t.Errorf(".github/dependabot.yml has no %s, for its %s", folder, entry.Name())
			}
		}
		return nil
	})
	if err != nil || found < 15 {
		t.Errorf("%d files: %v", found, err)
	}
}
