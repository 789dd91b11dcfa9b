package deploytest

import (
	"os"
	"path/filepath"
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
