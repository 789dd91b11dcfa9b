// Package consumer_test does what a user of the published modules does: fetch
// them from a module proxy into a new module outside of this tree, build the
// quick start of the README word for word, and sign in with it.
package consumer_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
)

func TestEveryModuleIsKnown(t *testing.T) {
	var got []string
	for _, name := range treeFiles(t, tree(t)) {
		if filepath.Base(name) == "go.mod" && !strings.Contains(name, "testdata/") {
			got = append(got, filepath.Dir(name))
		}
	}
	want := slices.Concat(published, unpublished)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules of the tree (-want +got):\n%s", diff)
	}
}

// A replace has no effect for users, so a published module must not need one:
// its require lines name the versions that are published with it.
func TestPublishedModulesNeedNoReplace(t *testing.T) {
	versions := versions(t, tree(t))
	for _, dir := range published {
		t.Run(dir, func(t *testing.T) {
			mod := readMod(t, filepath.Join(tree(t), dir))
			for _, r := range mod.Replace {
				if _, ours := versions[r.Old.Path]; !ours || !strings.HasPrefix(r.Old.Path, root) {
					t.Errorf("go.mod replaces %s, which users would not get", r.Old.Path)
				}
			}
			for _, r := range mod.Require {
				if want, ours := versions[r.Mod.Path]; ours && strings.HasPrefix(r.Mod.Path, root) && r.Mod.Version != want {
					t.Errorf("go.mod requires %s, but it is published at %s", r.Mod, want)
				}
			}
		})
	}
}

func TestFetchBuildAndSignIn(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches and builds modules")
	}
	tree := tree(t)
	u := newUser(t, tree)

	u.run("go", "mod", "init", "example.com/consumer")
	u.write("main.go", quickStart(t, tree))
	u.write("signin_test.go", read(t, "testdata/signin_test.go"))
	u.write("modules_test.go", read(t, "testdata/modules_test.go"))
	// Checksums of other people's modules, as the tree knows them: go get then
	// asks no checksum database, which a machine may not reach.
	u.write("go.sum", sums(t, tree))

	for _, m := range u.modules {
		u.run("go", "get", m.Path+"@"+m.Version.Version)
	}
	t.Run("no replace", func(t *testing.T) { checkRequires(t, u) })

	for _, m := range u.modules {
		t.Run(m.dir, func(t *testing.T) { u.in(t).run("go", "build", m.Path+"/...") })
	}

	binary := filepath.Join(t.TempDir(), "bootstrap")
	u.run("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, ".")
	out := u.with("BOOTSTRAP="+binary).run("go", "test", "-v", "-count=1", ".")
	if !strings.Contains(out, "--- PASS: TestSignIn ") {
		t.Errorf("no sign-in happened:\n%s", out)
	}
}

// checkRequires checks that the module got the packed versions from the proxy.
func checkRequires(t *testing.T, u *user) {
	mod, err := modfile.Parse("go.mod", []byte(read(t, filepath.Join(u.dir, "go.mod"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) != 0 {
		t.Errorf("go.mod has %d replace lines, want none", len(mod.Replace))
	}
	want, got := map[string]string{}, map[string]string{}
	for _, m := range u.modules {
		want[m.Path] = m.Version.Version
	}
	for _, r := range mod.Require {
		if strings.HasPrefix(r.Mod.Path, root) {
			got[r.Mod.Path] = r.Mod.Version
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules required (-want +got):\n%s", diff)
	}
}

// quickStart is the first Go block of the README.
func quickStart(t *testing.T, tree string) string {
	t.Helper()
	readme := read(t, filepath.Join(tree, "README.md"))
	block := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindStringSubmatch(readme)
	if block == nil || !strings.Contains(block[1], "package main\n") {
		t.Fatal("the first Go block of README.md is no program")
	}
	return block[1] + "\n"
}

// sums joins the go.sum files of the tree.
func sums(t *testing.T, tree string) string {
	t.Helper()
	lines := map[string]bool{}
	for _, dir := range slices.Concat(published, unpublished) {
		for line := range strings.Lines(read(t, filepath.Join(tree, dir, "go.sum"))) {
			if !strings.HasPrefix(line, root) {
				lines[line] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), "")
}

// A user has a folder outside of the tree, a module cache of their own, and a
// proxy that serves the tree's modules.
type user struct {
	t       *testing.T
	dir     string
	env     []string
	modules []packed
}

func newUser(t *testing.T, tree string) *user {
	t.Helper()
	dir, proxy := t.TempDir(), t.TempDir()
	modules := pack(t, tree, proxy)
	proxies := []string{"file://" + filepath.ToSlash(proxy)}
	// What this machine has fetched before is laid out as a proxy, too.
	proxies = append(proxies, "file://"+filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download")))
	proxies = append(proxies, goEnv(t, "GOPROXY"))
	return &user{t: t, dir: dir, modules: modules, env: append(os.Environ(),
		"GOPROXY="+strings.Join(proxies, ","),
		"GONOPROXY=",
		"GONOSUMDB=github.com/cyber-eternal/*",
		"GOPRIVATE=",
		"GOMODCACHE="+t.TempDir(), // or the packed modules would stay in the machine's
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOWORK=off",
	)}
}

func (u *user) in(t *testing.T) *user {
	other := *u
	other.t = t
	return &other
}

func (u *user) with(env ...string) *user {
	other := *u
	other.env = slices.Concat(u.env, env)
	return &other
}

// run runs a command in the user's folder and returns what it wrote.
func (u *user) run(name string, args ...string) string {
	u.t.Helper()
	cmd := exec.CommandContext(u.t.Context(), name, args...)
	cmd.Dir, cmd.Env = u.dir, u.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		u.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.Bytes())
	}
	return out.String()
}

func (u *user) write(name, text string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.dir, name), []byte(text), 0o644); err != nil {
		u.t.Fatal(err)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func tree(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
