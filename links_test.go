package customauth_test

// This file checks the documentation of the whole tree: links and anchors, the
// programs in it, and what every module must have.

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestLinks: every link and image of every page leads to something that is there.
// Only addresses of other sites are not followed.
func TestLinks(t *testing.T) {
	tree := repository(t)
	pages := find(t, tree, ".md")
	if len(pages) < 40 {
		t.Fatalf("%d pages: is the tree still there?", len(pages))
	}
	for _, page := range pages {
		for _, broken := range brokenLinks(t, tree, page) {
			t.Error(broken)
		}
	}
}

// TestBrokenLinks shows that the check finds what is broken, and nothing else.
func TestBrokenLinks(t *testing.T) {
	tree := fstest.MapFS{
		"docs/a.md": {Data: []byte("# One `two`, three!\n\n## Again\n\n## Again\n\n```sh\n# no heading\n```\n<a id=\"by-hand\"></a>\n")},
		"b.png":     {},
	}
	tests := []struct{ name, text, want string }{
		{"page", "[a](a.md)", ""},
		{"page that is not there", "[a](z.md)", "docs/page.md: z.md: not there"},
		{"folder", "[a](../docs/)", ""},
		{"image", "![a](../b.png)", ""},
		{"image that is not there", "![a](b.png)", "docs/page.md: b.png: not there"},
		{"image that leads somewhere", "[![a](../b.png)](z.md)", "docs/page.md: z.md: not there"},
		{"image as HTML", `<img alt="" src="b.png">`, "docs/page.md: b.png: not there"},
		{"with a title", `[a](z.md "title")`, "docs/page.md: z.md: not there"},
		{"by reference", "[a][1]\n\n[1]: z.md", "docs/page.md: z.md: not there"},
		{"from the root", "[a](/docs/a.md)", ""},
		{"outside", "[a](../../x)", "docs/page.md: ../../x: outside of the tree"},
		{"anchor", "[a](a.md#one-two-three)", ""},
		{"anchor of the second of two", "[a](a.md#again-1)", ""},
		{"anchor by hand", "[a](a.md#by-hand)", ""},
		{"anchor in code", "[a](a.md#no-heading)", "docs/page.md: a.md#no-heading: no such heading"},
		{"anchor of this page", "# Here\n[a](#here) [b](#there)", "docs/page.md: #there: no such heading"},
		{"own file at GitHub", "[a](https://github.com/cyber-eternal/customauth/blob/main/docs/z.md)", "docs/page.md: https://github.com/cyber-eternal/customauth/blob/main/docs/z.md: not there"},
		{"another site", "[a](https://example.com/z.md) [b](mailto:a@example.com)", ""},
		{"in a code block", "```md\n[a](z.md)\n```", ""},
		{"in code", "`[a](z.md)` and `` `[b](z.md) ``", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree["docs/page.md"] = &fstest.MapFile{Data: []byte(tt.text)}
			got := strings.Join(brokenLinks(t, tree, "docs/page.md"), "\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("broken (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPrograms: every Go block of a page that is a whole file compiles, in the module
// that the page is in.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	tree := repository(t)
	programs := 0
	for _, page := range find(t, tree, ".md") {
		for i, block := range goBlocks(read(t, tree, page)) {
			if !strings.HasPrefix(block, "package ") {
				continue
			}
			programs++
			t.Run(fmt.Sprintf("%s/%d", page, i+1), func(t *testing.T) {
				name := "main.go"
				if strings.Contains(block, "*testing.") {
					name = "main_test.go"
				}
				file := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
					t.Fatal(err)
				}
				vet := exec.CommandContext(t.Context(), "go", "vet", file)
				vet.Dir = module(tree, page)
				if out, err := vet.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
	if programs == 0 {
		t.Error("no program in any page: README had one")
	}
}

// TestModules: who finds a module by itself, as the index of packages shows it, finds
// what it is and on what terms.
func TestModules(t *testing.T) {
	tree := repository(t)
	license := read(t, tree, "LICENSE")
	modules := find(t, tree, "go.mod")
	if len(modules) < 10 {
		t.Fatalf("%d modules: is the tree still there?", len(modules))
	}
	for _, file := range modules {
		folder := path.Dir(file)
		for _, name := range []string{"README.md", "LICENSE"} {
			if !exists(tree, path.Join(folder, name)) {
				t.Errorf("%s has no %s", folder, name)
				continue
			}
			if name == "LICENSE" && read(t, tree, path.Join(folder, name)) != license {
				t.Errorf("the LICENSE of %s is not the root's", folder)
			}
		}
	}
}

// repository is the whole tree. Who has the root module alone, from a proxy, has not
// what its pages lead to.
func repository(t *testing.T) fs.FS {
	t.Helper()
	if _, err := os.Stat("e2e/go.mod"); err != nil {
		t.Skip("this is not the repository")
	}
	return os.DirFS(".")
}

// find returns the files whose names end like this, but those that are not ours.
func find(t *testing.T, tree fs.FS, end string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "node_modules", "cdk.out", "dist"}, d.Name()):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(d.Name(), end):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, tree fs.FS, name string) string {
	t.Helper()
	b, err := fs.ReadFile(tree, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// module is the folder of the go.mod that is next above a page.
func module(tree fs.FS, page string) string {
	folder := path.Dir(page)
	for folder != "." && !exists(tree, path.Join(folder, "go.mod")) {
		folder = path.Dir(folder)
	}
	return folder
}

var (
	inlineLink = regexp.MustCompile(`\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)`)
	reference  = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s+<?([^\s<>]+)>?`)
	htmlLink   = regexp.MustCompile(`(?i)<[a-z]+\s[^>]*?(?:src|href)="([^"]+)"`)
	htmlAnchor = regexp.MustCompile(`(?i)<[a-z]+\s[^>]*?(?:id|name)="([^"]+)"`)
	codeSpan   = regexp.MustCompile("``[^\n]*?``|`[^`\n]*`")
	heading    = regexp.MustCompile(`(?m)^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$`)
	linkText   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// own is how a page says where a file of this tree is at GitHub.
const own = "https://github.com/cyber-eternal/customauth/"

// brokenLinks says which links of a page lead nowhere, in the page's order by kind.
func brokenLinks(t *testing.T, tree fs.FS, page string) []string {
	t.Helper()
	text := codeSpan.ReplaceAllString(withoutBlocks(read(t, tree, page)), "")
	var broken []string
	for _, kind := range []*regexp.Regexp{inlineLink, reference, htmlLink} {
		for _, m := range kind.FindAllStringSubmatch(text, -1) {
			if why := follow(t, tree, page, m[1]); why != "" {
				broken = append(broken, page+": "+m[1]+": "+why)
			}
		}
	}
	return broken
}

// follow says why a link leads nowhere, or "".
func follow(t *testing.T, tree fs.FS, page, link string) string {
	t.Helper()
	if rest, ok := strings.CutPrefix(link, own); ok {
		for _, kind := range []string{"blob/main/", "tree/main/"} {
			if file, ok := strings.CutPrefix(rest, kind); ok {
				return follow(t, tree, page, "/"+file)
			}
		}
	}
	u, err := url.Parse(link)
	if err != nil {
		return "no address"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	file := page
	switch {
	case strings.HasPrefix(u.Path, "/"):
		file = path.Clean(strings.TrimPrefix(u.Path, "/"))
	case u.Path != "":
		file = path.Join(path.Dir(page), u.Path)
	}
	switch {
	case !fs.ValidPath(file):
		return "outside of the tree"
	case !exists(tree, file):
		return "not there"
	case u.Fragment != "" && strings.HasSuffix(file, ".md") && !slices.Contains(anchors(read(t, tree, file)), u.Fragment):
		return "no such heading"
	}
	return ""
}

// anchors are what GitHub makes of the headings of a page, and those made by hand.
func anchors(text string) []string {
	text = withoutBlocks(text)
	var all []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(linkText.ReplaceAllString(m[1], "$1")) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.M, r):
				b.WriteRune(r)
			}
		}
		slug := b.String()
		n := seen[slug]
		seen[slug]++
		if n > 0 {
			slug = fmt.Sprintf("%s-%d", slug, n)
		}
		all = append(all, slug)
	}
	for _, m := range htmlAnchor.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// fences calls out for each line of a page, with the fence that it is in, "```go" for
// example, or "". The lines of fences are left out.
func fences(text string, out func(fence, line string)) {
	fence, mark := "", ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case mark == "" && (strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~")):
			mark = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, trimmed[:1]))]
			fence = trimmed
		case mark != "" && strings.HasPrefix(trimmed, mark) && strings.Trim(trimmed, mark[:1]) == "":
			fence, mark = "", ""
			out("", "\n") // so that two blocks are not one
		default:
			out(fence, line)
		}
	}
}

func withoutBlocks(text string) string {
	var b strings.Builder
	fences(text, func(fence, line string) {
		if fence == "" {
			b.WriteString(line)
		}
	})
	return b.String()
}

// goBlocks are the blocks of Go of a page.
func goBlocks(text string) []string {
	var blocks []string
	var b bytes.Buffer
	fences(text, func(fence, line string) {
		switch {
		case fence == "```go":
			b.WriteString(line)
		case b.Len() > 0:
			blocks = append(blocks, b.String())
			b.Reset()
		}
	})
	if b.Len() > 0 {
		blocks = append(blocks, b.String())
	}
	return blocks
}
