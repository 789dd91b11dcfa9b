// Command apiguard keeps the exported API of the modules of this tree in api/, one
// file for each, so that no change of it goes unnoticed. Run it in the root:
//
//	go run ./internal/apiguard            compares all modules with what is recorded
//	go run ./internal/apiguard . ses      the modules in these folders only
//	go run ./internal/apiguard -write     accepts what has changed
//
// It fails where the API is not as recorded, and says what was added, changed and
// removed. Where a module has a tagged version, it also says what has changed since
// the last one, as users will meet it; that alone is no failure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	write := flag.Bool("write", false, "record the API as it is")
	flag.Parse()
	ok, err := run(".", flag.Args(), *write, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apiguard:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether all is as recorded. Without dirs it looks at all modules.
func run(root string, dirs []string, write bool, out io.Writer) (ok bool, err error) {
	all := len(dirs) == 0
	if all {
		if dirs, err = modules(root); err != nil {
			return false, err
		}
	}
	ok = true
	records := []string{}
	for _, dir := range dirs {
		dir = filepath.ToSlash(filepath.Clean(dir))
		m, err := guard(root, dir, write, out)
		if err != nil {
			return false, fmt.Errorf("%s: %w", dir, err)
		}
		ok = ok && m.ok
		records = append(records, m.record)
	}
	if all {
		stale, err := stale(root, records, write, out)
		return ok && !stale, err
	}
	return ok, nil
}

// modules are the folders that have a go.mod.
func modules(root string) (dirs []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && skipped(d.Name()) {
			return fs.SkipDir
		}
		if d.Name() == "go.mod" {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			dirs = append(dirs, dir)
		}
		return nil
	})
	return dirs, err
}

// skipped reports whether a folder has no packages that others import. Examples are
// read, and not imported.
func skipped(name string) bool {
	return slices.Contains([]string{"examples", "testdata", "node_modules", "vendor", "cdk.out"}, name) || name[0] == '.' || name[0] == '_'
}

type guarded struct {
	ok     bool
	record string // the file
}

// guard compares one module with its record, and with its last version.
func guard(root, dir string, write bool, out io.Writer) (guarded, error) {
	g := guarded{ok: true, record: filepath.Join(root, "api", recordName(dir))}
	now, err := surface(filepath.Join(root, dir))
	if err != nil {
		return g, err
	}
	if tag := lastTag(root, dir); tag != "" {
		then, err := surfaceAt(root, dir, tag)
		if err != nil {
			return g, err
		}
		report(out, fmt.Sprintf("%s since %s", dir, tag), compare(then, now))
	}
	recorded, err := os.ReadFile(g.record)
	if errors.Is(err, fs.ErrNotExist) && len(now) == 0 {
		return g, nil // nothing to keep
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return g, err
	}
	var then []string
	if len(recorded) > 0 {
		then = strings.Split(strings.TrimSuffix(string(recorded), "\n"), "\n")
	}
	if slices.Equal(then, now) {
		return g, nil
	}
	if write {
		if err := os.MkdirAll(filepath.Dir(g.record), 0o755); err != nil {
			return g, err
		}
		return g, os.WriteFile(g.record, []byte(strings.Join(now, "\n")+"\n"), 0o644)
	}
	g.ok = false
	if then == nil {
		fmt.Fprintf(out, "%s: its API is not recorded; record it with: go run ./internal/apiguard -write %s\n", dir, dir)
		return g, nil
	}
	report(out, dir+" is not as recorded", compare(then, now))
	fmt.Fprintf(out, "  accept it with: go run ./internal/apiguard -write %s\n", dir)
	return g, nil
}

// recordName is the file of a module.
func recordName(dir string) string {
	if dir == "." {
		return "customauth.txt"
	}
	return strings.ReplaceAll(dir, "/", "-") + ".txt"
}

// stale finds records whose modules are gone.
func stale(root string, records []string, write bool, out io.Writer) (found bool, err error) {
	files, err := filepath.Glob(filepath.Join(root, "api", "*.txt"))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		if slices.Contains(records, file) {
			continue
		}
		if write {
			if err := os.Remove(file); err != nil {
				return false, err
			}
			continue
		}
		found = true
		fmt.Fprintf(out, "api/%s: its module is gone, and that breaks users; accept it with: go run ./internal/apiguard -write\n", filepath.Base(file))
	}
	return found, nil
}
