package customauth_test

import (
	"os"
	"os/exec"
	"testing"
)

// The handlers are made, and refuse what is wrong, with what FIPS 140-3 allows: in that
// mode Go panics at anything else. The tests run in a process of their own, because the
// mode is chosen at start. Whole sign-ins in it are in examples/cdk/lambda.
func TestFIPS(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^(TestOptions|Example.*)$", "-test.count=1")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("with GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
