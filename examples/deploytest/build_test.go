package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each way to build the functions builds them alike.
func TestSameBuild(t *testing.T) {
	for _, file := range []string{"build.sh", "cdk/build.ts", "cdk/lambda/Dockerfile"} {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		words := strings.NewReplacer("'", "", `"`, "", ",", "", "\n", " ", "\t", " ").Replace(string(text))
		words = strings.Join(strings.Fields(words), " ")
		for _, want := range []string{"build -trimpath -buildvcs=false -tags lambda.norpc -ldflags -s -w", "GOOS", "linux", "CGO_ENABLED"} {
			if !strings.Contains(words, want) {
				t.Errorf("%s does not have %q", file, want)
			}
		}
	}
}

// TestDockerfile reads the recipe as a builder does: where it works is in the tree, by a
// Go that is new enough, and what it builds is what the image runs.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "cdk", "lambda", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	find := func(expression string) string {
		t.Helper()
		m := regexp.MustCompile(`(?m)` + expression).FindSubmatch(text)
		if m == nil {
			t.Fatalf("no line like %s", expression)
		}
		return string(m[1])
	}
	folder := find(`^WORKDIR /src/(\S+)$`)
	if got, want := find(`^FROM --platform=\$BUILDPLATFORM golang:(\S+) AS build$`), readMod(t, folder).Go.Version; got != want {
		t.Errorf("it builds with Go %s, and the module wants %s", got, want)
	}
	for _, command := range strings.FieldsFunc(find(`^# COMMAND is (.*)\. Lambda takes`), func(r rune) bool { return strings.ContainsRune(`", `, r) }) {
		if command == "or" {
			continue
		}
		if _, err := os.Stat(filepath.Join(tree, folder, command, "main.go")); err != nil {
			t.Errorf("COMMAND %s: %v", command, err)
		}
	}
	built, run := find(`-o (\S+) "\$COMMAND"$`), find(`^ENTRYPOINT \["(\S+)"\]$`)
	if got := find(`^COPY --from=build (.*)$`); got != built+" "+run {
		t.Errorf("it builds %s, copies %s, and runs %s", built, got, run)
	}
	find(`^(FROM public\.ecr\.aws/lambda/provided:al2023)$`)
	find(`^(LABEL com\.amazonaws\.lambda\.feature\.snapstart="Allow")$`)
}
