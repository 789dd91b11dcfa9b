package cognitotest

// This file runs functions written for Lambda's Node.js and Python runtimes. The
// folder runtimes has what stands for them.

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed runtimes/node.mjs
var runtimeNode string

//go:embed runtimes/python.py
var runtimePython string

// clockHeader tells a runtime how far the clock is ahead, in milliseconds.
const clockHeader = "Cognitotest-Clock-Offset-Ms"

// StartScript starts a function that is written in JavaScript (.js, .mjs, .cjs) or
// Python (.py), as [StartFunction] starts a binary. It runs with the node or the
// python3 in PATH, 20 and 3.9 or newer, in the folder of the file, with the
// packages that are installed there: it is not Lambda's image.
//
// The handler is the name of the exported function, by default "handler" for
// JavaScript and "lambda_handler" for Python.
//
// JavaScript handlers may be asynchronous or take a callback. Their answer counts
// at once, whatever else is still to do. The Clock of the options moves Date, and
// in Python time.time and datetime; an os-level clock stays as it is.
func StartScript(file, handler string, o FunctionOptions) (*Function, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: start %s: %w", file, err)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("cognitotest: start %s: %w", file, err)
	} else if info.IsDir() {
		return nil, fmt.Errorf("cognitotest: start %s: it is a folder: name the file in it", file)
	}

	var runtime, code, flag string
	switch ext := filepath.Ext(path); ext {
	case ".js", ".mjs", ".cjs":
		runtime, code, flag = "node", runtimeNode, "--input-type=module"
		handler = cmp.Or(handler, "handler")
	case ".py":
		runtime, code, flag = "python3", runtimePython, "-u"
		handler = cmp.Or(handler, "lambda_handler")
	case ".ts", ".mts", ".tsx":
		return nil, fmt.Errorf("cognitotest: start %s: compile TypeScript to JavaScript first, as for Lambda", file)
	default:
		return nil, fmt.Errorf("cognitotest: start %s: the ending %q is none of .js, .mjs, .cjs, .py", file, ext)
	}
	program, err := exec.LookPath(runtime)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: start %s: it needs %s in PATH: %w", file, runtime, err)
	}

	args := []string{flag, "-c", code, path}
	if runtime == "node" {
		args = []string{flag, "--eval", code, "--", path}
	}
	f := &Function{
		path:    program,
		args:    args,
		root:    filepath.Dir(path),
		handler: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + "." + handler,
	}
	return f.open(file, o)
}
