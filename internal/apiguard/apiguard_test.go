package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSurface(t *testing.T) {
	got, err := surface("testdata/before")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`pkg ., const High Level = iota(2)`,
		`pkg ., const Low Level = iota(0)`,
		`pkg ., func New(string, string, ...func(*Shop) error) (*Shop, error)`,
		`pkg ., func Swap[T any](T, T) (T, T)`,
		`pkg ., method (*Shop) Close()`,
		`pkg ., method (Pair[K, V]) First() K`,
		`pkg ., method (Shop) Count() int`,
		`pkg ., type Door interface`,
		`pkg ., type Door interface, Open(context.Context, int) (bool, error)`,
		`pkg ., type Level int`,
		`pkg ., type List[E any] = []E`,
		`pkg ., type Lock interface`,
		`pkg ., type Lock interface, embedded Door`,
		`pkg ., type Lock interface, unexported methods`,
		`pkg ., type Pair struct, Key K`,
		`pkg ., type Pair[K comparable, V any] struct`,
		`pkg ., type Shop struct`,
		`pkg ., type Shop struct, Client interface { Buy(context.Context, string) error }`,
		"pkg ., type Shop struct, Name string `json:\",omitempty\"`",
		"pkg ., type Shop struct, Place string `json:\",omitempty\"`",
		`pkg ., type Shop struct, embedded Door`,
		`pkg ., var ErrClosed = errors.New(…)`,
		`pkg ., var Limit int`,
		`pkg ., var Names = map[string]int{…}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("surface (-want +got):\n%s", diff)
	}
}

// TestCompare: testdata/changes.txt is what is said of testdata/before and after.
func TestCompare(t *testing.T) {
	before, err := surface("testdata/before")
	if err != nil {
		t.Fatal(err)
	}
	after, err := surface("testdata/after")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report(&out, "shop", compare(before, after))
	want, err := os.ReadFile("testdata/changes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	out.Reset()
	if report(&out, "shop", compare(after, after)); out.Len() > 0 {
		t.Errorf("without a change: %s", out.String())
	}
}

// TestRun goes through the life of a repository with two modules.
func TestRun(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, accept, want bool, says ...string) {
		t.Helper()
		var out bytes.Buffer
		ok, err := run(root, nil, accept, &out)
		if err != nil {
			t.Fatal(err)
		}
		if ok != want {
			t.Errorf("%s: %t, want %t\n%s", what, ok, want, out.String())
		}
		for _, s := range says {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%s: it does not say %q:\n%s", what, s, out.String())
			}
		}
		if len(says) == 0 && out.Len() > 0 {
			t.Errorf("%s: it says %s", what, out.String())
		}
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", root, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write("go.mod", "module example.com/a\n")
	write("a.go", "package a\n\nfunc A() {}\n")
	write("sub/go.mod", "module example.com/a/sub\n")
	write("sub/b.go", "package sub\n\nfunc B() {}\n")
	write("tool/go.mod", "module example.com/a/tool\n")
	write("tool/main.go", "package main\n\nfunc main() {}\n\nfunc Exported() {}\n")
	write("sub/testdata/go.mod", "module ignored\n")

	check("nothing recorded", false, false, ".: its API is not recorded", "sub: its API is not recorded")
	check("accepting", true, true)
	check("recorded", false, true)
	if _, err := os.Stat(filepath.Join(root, "api", "tool.txt")); err == nil {
		t.Error("a command has a record")
	}

	write("sub/b.go", "package sub\n\nfunc B(int) {}\n\nfunc C() {}\n")
	check("changed", false, false, "sub is not as recorded: 2 changes, 1 of them breaking", "- pkg ., func B()\n    + pkg ., func B(int)", "added: pkg ., func C()", "-write sub")

	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	write("sub/b.go", "package sub\n\nfunc B() {}\n")
	git("init", "-q")
	git("add", "-A")
	git("commit", "-qm", "one")
	for _, tag := range []string{"v0.9.0", "v0.10.0-rc.1", "sub/v0.2.0", "sub/v0.10.0"} {
		git("tag", tag)
	}
	check("tagged", false, true)
	write("sub/b.go", "package sub\n\nfunc C() {}\n")
	check("removed since the tag", false, false, "sub since sub/v0.10.0: 2 changes", "removed (breaks users): pkg ., func B()", "sub is not as recorded")
	check("accepting that", true, true, "sub since sub/v0.10.0")
	check("it is accepted, and said all the same", false, true, "sub since sub/v0.10.0: 2 changes, 1 of them breaking")

	if err := os.RemoveAll(filepath.Join(root, "sub")); err != nil {
		t.Fatal(err)
	}
	check("the module is gone", false, false, "api/sub.txt: its module is gone")
	check("accepting that too", true, true)
	check("accepted", false, true)
}

// TestBroken: source that is no Go is an error, and no empty API.
func TestBroken(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module a\n", "a.go": "package a\n\nfunc {"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(root, nil, true, new(bytes.Buffer)); err == nil {
		t.Error("accepted")
	}
}
