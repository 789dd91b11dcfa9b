package apps_test

// This file is about examples/local/web/client.js.

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const webDir = "../../examples/local/web"

// A whole life of an account, at a pool.
func TestClient(t *testing.T) {
	s := newService(t)
	run(t, s, "client.mjs")
	if n := len(s.inbox.Messages("+12065550199")); n != 0 {
		t.Errorf("%d texts to somebody unknown", n)
	}
}

// Every error has the code that is documented, with the challenge or without.
func TestClientErrors(t *testing.T) { run(t, newService(t), "client-errors.mjs") }

// What is published is small, and its types are those of the comments.
func TestClientPackage(t *testing.T) {
	node(t)
	t.Run("size", func(t *testing.T) {
		small := output(t, nil, "node_modules/terser/bin/terser", "--module", "--compress", "--mangle", "--", filepath.Join(webDir, "client.js"))
		t.Logf("%d bytes minified", len(small))
		if len(small) >= 10_000 {
			t.Errorf("%d bytes minified, want less than 10,000", len(small))
		}
	})
	t.Run("types", func(t *testing.T) {
		dir := t.TempDir()
		output(t, nil, "node_modules/typescript/bin/tsc", "--project", ".", "--outDir", dir)
		want, err := os.ReadFile(filepath.Join(dir, "client.d.ts"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(webDir, "client.d.ts"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("client.d.ts is not what client.js says; in e2e/apps: npm run types (-want +got):\n%s", diff)
		}
	})
}
