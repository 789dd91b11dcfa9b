//go:build !unix

package cognitotest

// This file is for systems without process groups: only the process itself is
// ended.

import (
	"os"
	"os/exec"
)

func functionOwnGroup(*exec.Cmd) {}

func functionKill(p *os.Process) {
	p.Kill()
}
