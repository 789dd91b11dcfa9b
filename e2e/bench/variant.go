package main

// This file says what is compared, and builds it.

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The triggers of a sign-in, in the order in which they are called.
var triggers = []string{"define", "create", "verify"}

// A variant is one way to write the triggers.
type variant struct {
	name  string
	label string // for people

	// Where the code is, for Go: one package for all triggers or one for each.
	packages []string

	module string // of the packages, by folder; default: the root, or this one

	// For JavaScript: one file for each trigger.
	node bool

	// It comes after a sign-in of the variant before it: PostAuthentication.
	after bool

	commands []command // one, or one for each trigger
	binary   int64     // bytes of all its executables; 0 for JavaScript
	zipped   int64     // bytes of all its packages as they are uploaded
}

var variants = []*variant{
	{name: "floor", label: "empty aws-lambda-go function", packages: []string{"./bench/floor"}},
	{name: "standard", label: "hand-written Go, standard library alone", packages: []string{"./bench/standard"}},
	{name: "onelambda", label: "customauth, one function", packages: []string{"../examples/onelambda"}},
	{name: "threelambdas", label: "customauth, three functions", packages: []string{
		"../examples/threelambdas/define", "../examples/threelambdas/create", "../examples/threelambdas/verify"}},
	{name: "challenges", label: "as deployed, the challenges", packages: []string{"."}, module: "examples/cdk/lambda"},
	{name: "postauth", label: "as deployed, after the sign-in", packages: []string{"./postauth"}, module: "examples/cdk/lambda", after: true},
	{name: "bare", label: "hand-written Go", packages: []string{"./bench/bare"}},
	{name: "config", label: "hand-written Go with the SDK's config", packages: []string{"./bench/config"}},
	{name: "node", label: "JavaScript, three functions", node: true},
}

// build compiles a variant into dir, or installs it, and measures its size. env is
// what its processes get.
func (v *variant) build(e2e, dir string, env []string) error {
	if v.node {
		return v.install(e2e, dir, env)
	}
	for i, pkg := range v.packages {
		home := filepath.Join(dir, fmt.Sprint(v.name, i))
		binary := filepath.Join(home, "bootstrap")
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, pkg)
		// Packages of the root module are built there: with its go.mod, as a user does.
		cmd.Dir = e2e
		if v.module != "" {
			cmd.Dir = filepath.Join(filepath.Dir(e2e), v.module)
		} else if rest, ok := strings.CutPrefix(pkg, "../"); ok {
			cmd.Dir = filepath.Dir(e2e)
			cmd.Args[len(cmd.Args)-1] = "./" + rest
		}
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		v.binary += info.Size()
		if err := v.pack(home); err != nil {
			return err
		}
		v.commands = append(v.commands, command{args: []string{binary}, env: env, log: filepath.Join(home, "log")})
	}
	return nil
}

// install copies the JavaScript functions, each with its dependencies.
func (v *variant) install(e2e, dir string, env []string) error {
	node, err := exec.LookPath("node")
	if err != nil {
		return err
	}
	source := filepath.Join(e2e, "bench", "node")
	cmd := exec.Command("npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	for _, trigger := range triggers {
		home := filepath.Join(dir, v.name+"-"+trigger)
		if err := os.Mkdir(home, 0o755); err != nil {
			return err
		}
		file := trigger + ".mjs"
		if err := copyFile(filepath.Join(source, file), filepath.Join(home, file)); err != nil {
			return err
		}
		if trigger == "create" {
			if err := os.CopyFS(filepath.Join(home, "node_modules"), os.DirFS(filepath.Join(source, "node_modules"))); err != nil {
				return err
			}
		}
		if err := v.pack(home); err != nil {
			return err
		}
		// The runtime is Lambda's own there, so it is not in the package.
		if err := copyFile(filepath.Join(source, "runtime.mjs"), filepath.Join(home, "runtime.mjs")); err != nil {
			return err
		}
		v.commands = append(v.commands, command{
			args: []string{node, filepath.Join(home, "runtime.mjs"), "./" + file}, env: env, log: filepath.Join(home, "log")})
	}
	return nil
}

// pack adds what a folder weighs when it is zipped.
func (v *variant) pack(dir string) error {
	var size counter
	w := zip.NewWriter(&size)
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		defer f.Close()
		entry, err := w.Create(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, f)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	v.zipped += int64(size)
	return nil
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
