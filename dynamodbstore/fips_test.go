package dynamodbstore_test

import (
	"os"
	"os/exec"
	"testing"
)

// Everything is done with what FIPS 140-3 allows: in that mode Go panics at anything
// else. The suite runs in a process of its own, because the mode is chosen at start.
func TestFIPS(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^(TestStore|TestStoreBuckets|TestStoreSplit|TestStoredItem|TestNewFromEnvironment)$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("with GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
