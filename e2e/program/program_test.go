// Package program_test runs test suites in other languages against the program
// cognitotest alone, as a team that writes no Go would run them in a CI job.
//
//	go test ./program                                        in the folder e2e
//
// The folder node has a suite for Playwright, one for Node's own test runner, and
// triggers in JavaScript: a code by SMS, a link by e-mail, a passkey. The folder
// python has a suite with boto3 and triggers in Python.
//
// What is not on the machine (Node, Chromium, boto3) skips its tests with a line
// that says so, and with CI=true fails them.
package program_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

var binary string // of the program

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	folder, err := os.MkdirTemp("", "cognitotest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	binary = filepath.Join(folder, "cognitotest")
	cmd := exec.Command("go", "build", "-o", binary, "github.com/cyber-eternal/customauth/cmd/cognitotest")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		return 1
	}
	return m.Run()
}

// need skips the test for a reason; with CI=true it fails.
func need(t *testing.T, why string) {
	t.Helper()
	if why == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
}

// node has the packages of the lock file installed.
var node = sync.OnceValue(func() (why string) {
	if _, err := exec.LookPath("node"); err != nil {
		return "the suite needs Node 20 or newer, and there is no node in PATH"
	}
	lock, err := os.Stat(filepath.Join("node", "package-lock.json"))
	if err != nil {
		return err.Error()
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join("node", "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "the suite cannot be installed: npm ci: " + err.Error() + "\n" + string(out)
	}
	return ""
})

// python is a Python with boto3: the one in PATH, or Debian's.
var python = sync.OnceValues(func() (path, why string) {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.Command(path, "-c", "import boto3").Run() == nil {
			return path, ""
		}
	}
	return "", "the suite needs Python with boto3 (apt-get install python3-boto3)"
})

// suite runs a command in the folder and wants it to succeed.
func suite(t *testing.T, folder string, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if testing.Verbose() {
		t.Log(out.String())
	}
}

// TestNode: a suite of Node's test runner as the command of the program.
func TestNode(t *testing.T) {
	need(t, node())
	for _, name := range []string{"sms", "link", "fido2"} {
		t.Run(name, func(t *testing.T) {
			suite(t, "node", nil, binary, "--quiet", "--listen", "127.0.0.1:0", "--config", name+".json", "--", "node", "--test", name+".test.mjs")
		})
	}
}

// TestNodeTLS: the same over TLS, with a test authority that Node is told of.
func TestNodeTLS(t *testing.T) {
	need(t, node())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	suite(t, "node", nil, binary, "--quiet", "--listen", "127.0.0.1:0", "--tls-ca", ca, "--config", "sms.json", "--", "node", "--test", "sms.test.mjs")
}

// TestFailingSuite: the exit code of a suite that fails is the program's.
func TestFailingSuite(t *testing.T) {
	need(t, node())
	cmd := exec.CommandContext(t.Context(), binary, "--quiet", "--listen", "127.0.0.1:0", "--", "node", "-e", "process.exit(3)")
	if cmd.Run(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("exit code %d, want 3", cmd.ProcessState.ExitCode())
	}
}

// TestPlaywright: Playwright starts the program, and a browser signs in.
func TestPlaywright(t *testing.T) {
	need(t, node())
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		need(t, "the suite needs Chromium, and there is none in PATH")
	}
	suite(t, "node", []string{
		"COGNITOTEST=" + binary, "POOL_PORT=" + freePort(t), "APP_PORT=" + freePort(t), "CHROMIUM=" + chromium, "OUTPUT=" + t.TempDir(),
	}, "node", "node_modules/@playwright/test/cli.js", "test", "--reporter=list")
}

func TestPython(t *testing.T) {
	path, why := python()
	need(t, why)
	// The functions run with the python3 in PATH.
	env := "PATH=" + filepath.Dir(path) + string(filepath.ListSeparator) + os.Getenv("PATH")
	suite(t, "python", []string{env, "PYTHONDONTWRITEBYTECODE=1"}, binary, "--quiet", "--listen", "127.0.0.1:0",
		"--env", "PYTHONDONTWRITEBYTECODE", "--config", "pool.json", "--", path, "-m", "unittest", "test_pool")
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// TestGoBinary: a compiled function is a trigger, and its texts arrive.
func TestGoBinary(t *testing.T) {
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-o", bootstrap, "github.com/cyber-eternal/customauth/examples/onelambda")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	need(t, node())
	suite(t, "node", nil, binary, "--quiet", "--listen", "127.0.0.1:0", "--username-attribute", "phone_number",
		"--trigger", "All="+bootstrap, "--env", "CUSTOMAUTH_KEYS=YSBrZXkgdGhhdCBpcyBtYWRlIG9mIDMyIGxldHRlcnM=", "--", "node", "--test", "binary.test.mjs")
}
