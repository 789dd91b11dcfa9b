package magiclink_test

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

// TestWeb runs the tests of the page's script, where Node is installed.
func TestWeb(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "--test", "magiclink.test.mjs")
	cmd.Dir = "web"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
