package apps_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const docsDir = "../../docs"

// Every program comes to its end.
func TestSnippets(t *testing.T) {
	for _, script := range []string{"client.mjs", "amplify.mjs", "identity-js.mjs", "react.mjs", "backend.mjs"} {
		t.Run(script, func(t *testing.T) { run(t, newService(t), "snippets/"+script) })
	}
	t.Run("http.sh", func(t *testing.T) {
		for _, tool := range []string{"bash", "curl", "jq", "openssl"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Skip("skipped: there is no " + tool + " in PATH")
			}
		}
		s := newService(t)
		runWith(t, s, "bash", "snippets/http.sh")
	})
}

// snippetMark stands before a code block of the pages: where it is cut from.
var (
	snippetMark = regexp.MustCompile("<!-- e2e/apps/snippets/([^# ]+)#([a-z]+) -->\n```[a-z]+\n((?s:.*?))```")
	ranBlock    = regexp.MustCompile("(?m)^```(js|jsx|javascript|mjs|sh)$")
)

// What the pages show is what was run.
func TestSnippetsInDocs(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(docsDir, "apps", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range append(pages, filepath.Join(docsDir, "apps.md"), filepath.Join(docsDir, "ways.md")) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			marks := snippetMark.FindAllSubmatch(text, -1)
			marked := 0 // blocks of Go may be fragments
			for _, m := range marks {
				if filepath.Ext(string(m[1])) != ".go" {
					marked++
				}
			}
			if n := len(ranBlock.FindAll(text, -1)); n != marked {
				t.Errorf("%d blocks of JavaScript or shell, of which %d say where they are cut from", n, marked)
			}
			for _, m := range marks {
				if diff := cmp.Diff(snippet(t, string(m[1]), string(m[2])), string(m[3])); diff != "" {
					t.Errorf("%s#%s (-want +got):\n%s", m[1], m[2], diff)
				}
			}
		})
	}
}

// snippet cuts what is between "docs: name" and "end" out of a file.
func snippet(t *testing.T, file, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("snippets", file))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := bytes.Cut(text, []byte(" docs: "+name+"\n"))
	cut, _, ended := strings.Cut(string(rest), " end\n")
	if !found || !ended {
		t.Fatalf("%s has no snippet %q", file, name)
	}
	return strings.TrimRight(cut[:strings.LastIndex(cut, "\n")], "\n") + "\n"
}

// The hash that the page computes is the one of Google's documentation: the first 11
// characters, in base64, of the SHA-256 of package name and certificate.
func TestAndroidHash(t *testing.T) {
	for _, tool := range []string{"bash", "keytool", "openssl", "od"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("skipped: there is no " + tool + " in PATH")
		}
	}
	store := filepath.Join(t.TempDir(), "keystore")
	key := []string{"-keystore", store, "-alias", "release", "-storepass", "made-up-1"}
	outputOf(t, nil, "keytool", append([]string{"-genkeypair", "-keyalg", "RSA", "-dname", "CN=example"}, key...)...)
	certificate := outputOf(t, nil, "keytool", append([]string{"-exportcert"}, key...)...)
	sum := sha256.Sum256([]byte("com.example.app " + hex.EncodeToString(certificate)))
	want := base64.StdEncoding.EncodeToString(sum[:])[:11]
	got := outputOf(t, []string{"KEYSTORE=" + store, "ALIAS=release", "STOREPASS=made-up-1", "PACKAGE=com.example.app"}, "bash", "snippets/android-hash.sh")
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
