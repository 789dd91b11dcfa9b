package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn      string `yaml:"runs-on"`
		Timeout     int    `yaml:"timeout-minutes"`
		Permissions map[string]string
		Steps       []struct {
			Uses, Run string
			With      map[string]any
		}
	}
}

// A tag of an action can be moved, a commit cannot. The comment behind it is for people,
// and for Dependabot.
var pinned = regexp.MustCompile(`(?m)^\s*(?:- )?uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

// TestWorkflows holds the workflows to what keeps others out of them: actions and tools
// are of one version, the token may read, and no step keeps it.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(tree, ".github", "workflows", "*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("workflows: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if used, good := strings.Count(string(text), "uses: "), len(pinned.FindAll(text, -1)); used == 0 || used != good {
				t.Errorf("%d of %d actions are pinned by a commit", good, used)
			}
			if strings.Contains(string(text), "@latest") {
				t.Error("a tool is the latest one, whatever that is")
			}
			var w workflow
			if err := yaml.Unmarshal(text, &w); err != nil {
				t.Fatal(err)
			}
			if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
				t.Errorf("permissions %v, want to read alone", w.Permissions)
			}
			for name, job := range w.Jobs {
				if job.Timeout == 0 {
					t.Errorf("%s may run for ever", name)
				}
				for _, s := range job.Steps {
					if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != false {
						t.Errorf("%s keeps the token", name)
					}
				}
			}
		})
	}
}

// TestWorkflowSteps is what each workflow is there for.
func TestWorkflowSteps(t *testing.T) {
	want := map[string][]string{
		"test.yml test":            {".ci/run"},
		"test.yml arm64":           {"go test ./...", "examples/build.sh dist"},
		"test.yml vulnerabilities": {"/govulncheck@v", `git ls-files 'go.mod' '*/go.mod'`},
		"release.yml release": {
			".ci/run", "/gorelease@v", "/cyclonedx-gomod@v", "actions/attest-build-provenance@", `gh release create "$TAG" --draft --verify-tag`,
		},
	}
	for at, steps := range want {
		file, name, _ := strings.Cut(at, " ")
		text, err := os.ReadFile(filepath.Join(tree, ".github", "workflows", file))
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatal(err)
		}
		job := w.Jobs[name]
		var all []string
		for _, s := range job.Steps {
			all = append(all, s.Uses+s.Run)
		}
		last := -1
		for _, step := range steps {
			i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, step) })
			if i < last || i < 0 {
				t.Errorf("%s: %s is not there, or in another order", at, step)
			}
			last = i
		}
		if name == "arm64" && !strings.HasSuffix(job.RunsOn, "-arm") {
			t.Errorf("arm64 runs on %s", job.RunsOn)
		}
		if name == "release" && (job.Permissions["id-token"] != "write" || job.Permissions["attestations"] != "write") {
			t.Errorf("no statement can be signed with %v", job.Permissions)
		}
	}
}

// The version of govulncheck is one, here and there.
func TestGovulncheckVersion(t *testing.T) {
	version := regexp.MustCompile(`golang\.org/x/vuln/cmd/govulncheck@(v[0-9.]+)`)
	var found []string
	for _, file := range []string{"test", ".github/workflows/test.yml"} {
		text, err := os.ReadFile(filepath.Join(tree, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range version.FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
	}
	if slices.Sort(found); len(found) != 2 || found[0] != found[1] {
		t.Errorf("versions %v, want one in each of two files", found)
	}
}
