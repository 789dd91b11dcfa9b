//go:build unix

package cognitotest

// This file keeps a function's process in a group of its own, so that what it
// starts ends with it.

import (
	"os"
	"os/exec"
	"syscall"
)

func functionOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// functionKill kills the group of the process; one that is gone is no error.
func functionKill(p *os.Process) {
	syscall.Kill(-p.Pid, syscall.SIGKILL)
}
