package deploytest

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
)

const (
	tree = "../.."
	ours = "github.com/cyber-eternal/customauth"
)

// A listed module is a row of the table in docs/releasing.md.
var listed = regexp.MustCompile("(?m)^\\| `[^`]*` \\| `([^`]*)/` \\| (`([^`]*)`|never tagged) \\| (.*) \\|$")

// TestReleasing holds docs/releasing.md to the go.mod files of the tree: each module is
// there, by the tag that the go command looks for, says what it requires, and comes after
// that.
func TestReleasing(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(tree, "docs", "releasing.md"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	before := map[string]bool{}
	for _, row := range listed.FindAllStringSubmatch(string(page), -1) {
		folder, tag, requires := row[1], row[3], row[4]
		if tag != "" && tag != path.Join(folder, "v0.1.0") {
			t.Errorf("%s: the tag is %s", folder, tag)
		}
		mod := readMod(t, folder)
		var want []string
		for _, r := range mod.Require {
			required, ok := strings.CutPrefix(r.Mod.Path, ours)
			if !ok || r.Indirect {
				continue
			}
			required = strings.TrimPrefix(required, "/")
			if !before[required] {
				t.Errorf("%s comes before %s, which it requires", folder, required)
			}
			want = append(want, named(required))
		}
		words := strings.Split(requires, ", ")
		if folder == "" {
			want = []string{"nothing of this repository"}
		}
		slices.Sort(words)
		slices.Sort(want)
		if diff := cmp.Diff(want, words); diff != "" {
			t.Errorf("%s requires (-want +got):\n%s", folder, diff)
		}
		got, before[folder] = append(got, folder), true
	}
	want := folders(t)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

func named(folder string) string {
	if folder == "" {
		return "the root"
	}
	return "`" + folder + "`"
}

// Each module has its licence: what is fetched of it is its folder alone.
func TestLicences(t *testing.T) {
	root, err := os.ReadFile(filepath.Join(tree, "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders(t) {
		if licence, err := os.ReadFile(filepath.Join(tree, folder, "LICENSE")); err != nil || string(licence) != string(root) {
			t.Errorf("%s has not the licence of the root: %v", folder, err)
		}
	}
}

// folders are those with a go.mod, "" being the root.
func folders(t *testing.T) []string {
	t.Helper()
	var list []string
	err := fs.WalkDir(os.DirFS(tree), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{"node_modules", "testdata", "cdk.out", ".git"}, d.Name()) {
			return fs.SkipDir
		}
		if d.Name() == "go.mod" {
			list = append(list, strings.TrimPrefix(path.Dir(name), "."))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func readMod(t *testing.T, folder string) *modfile.File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tree, folder, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.ParseLax(folder, text, nil) // lax: newer directives do not matter
	if err != nil {
		t.Fatal(err)
	}
	return mod
}
