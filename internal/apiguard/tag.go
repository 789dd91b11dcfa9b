package main

// This file finds the last tagged version of a module, and its source.

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// lastTag is the newest version of a module; empty if there is none, or no git.
func lastTag(root, dir string) string {
	prefix := ""
	if dir != "." {
		prefix = dir + "/"
	}
	out, err := exec.Command("git", "-C", root, "tag", "--list", "--sort=-version:refname", prefix+"v[0-9]*").Output()
	if err != nil {
		return ""
	}
	for tag := range strings.FieldsSeq(string(out)) {
		if version := strings.TrimPrefix(tag, prefix); !strings.ContainsAny(version, "-/") { // no pre-release
			return tag
		}
	}
	return ""
}

// surfaceAt is the exported API of a module as it was at a tag.
func surfaceAt(root, dir, tag string) (lines []string, err error) {
	tree, err := os.MkdirTemp("", "apiguard")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tree)
	out, err := exec.Command("git", "-C", root, "archive", "--format=tar", tag, "--", dir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, fmt.Errorf("the source of %s: %w", tag, err)
	}
	if err := extract(tar.NewReader(bytes.NewReader(out)), tree); err != nil {
		return nil, err
	}
	return surface(filepath.Join(tree, dir))
}

// extract writes the Go files of an archive down.
func extract(r *tar.Reader, tree string) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		base := filepath.Base(h.Name)
		if h.Typeflag != tar.TypeReg || filepath.Ext(base) != ".go" && base != "go.mod" || !filepath.IsLocal(h.Name) {
			continue
		}
		path := filepath.Join(tree, h.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
}
