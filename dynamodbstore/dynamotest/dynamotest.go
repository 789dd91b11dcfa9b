// Package dynamotest starts a server with DynamoDB's API on this machine, for
// tests. It is no part of the store, and needs nothing but Go's standard library.
//
// The server is the program dynoxide (MIT or Apache-2.0), locked in
// ../testserver. It is fetched with npm ci when it is missing. To use another
// server, DynamoDB Local for example, set CUSTOMAUTH_DYNAMODB_URL to its address.
package dynamotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// URL returns the address of a server. It is started once for the process, and
// ends with it. Without a server the test is skipped, or fails if the environment
// variable CI is "true".
func URL(t testing.TB) string {
	t.Helper()
	url, err := once()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Table makes an empty table for a dynamodbstore on the server of [URL], and
// returns its name.
func Table(t testing.TB) string {
	t.Helper()
	name := "limits-" + rand.Text()
	if err := CreateTable(t.Context(), URL(t), name); err != nil {
		t.Fatal(err)
	}
	return name
}

var once = sync.OnceValues(func() (string, error) {
	url, _, err := Start(context.Background())
	return url, err
})

// Start starts a server in memory on a free port of 127.0.0.1 and returns its
// address. The server ends when stop is called, and with this process, however
// that ends.
func Start(ctx context.Context) (url string, stop func(), err error) {
	if url := os.Getenv("CUSTOMAUTH_DYNAMODB_URL"); url != "" {
		return strings.TrimSuffix(url, "/"), func() {}, nil
	}
	program, err := program(ctx)
	if err != nil {
		return "", nil, err
	}
	for range 3 { // another process may take the port that was free
		if url, stop, err = start(ctx, program); err == nil {
			return url, stop, nil
		}
	}
	return "", nil, err
}

func start(ctx context.Context, program string) (url string, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	// The shell holds a pipe from this process, and ends the server when the pipe
	// closes: so no server is left behind by a test that is killed.
	cmd := exec.Command("/bin/sh", "-c", `"$0" --host 127.0.0.1 --port "$1" >/dev/null 2>&1 </dev/null & cat; kill $!`, program, strconv.Itoa(port))
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, fmt.Errorf("dynamotest: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("dynamotest: %w", err)
	}
	ended := make(chan struct{})
	go func() { // also holds on to the pipe, which would else be collected and closed
		cmd.Wait()
		close(ended)
	}()
	stop = func() {
		pipe.Close()
		<-ended
	}
	url = "http://127.0.0.1:" + strconv.Itoa(port)
	if err := ready(ctx, url); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("dynamotest: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ready waits until the server answers as DynamoDB does.
func ready(ctx context.Context, url string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		if err = Call(ctx, url, "ListTables", map[string]any{}, nil); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("dynamotest: the server did not start: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// CreateTable makes a table as a dynamodbstore needs it, and waits for it.
func CreateTable(ctx context.Context, url, name string) error {
	err := Call(ctx, url, "CreateTable", map[string]any{
		"TableName":            name,
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
		"BillingMode":          "PAY_PER_REQUEST",
	}, nil)
	if err != nil {
		return err
	}
	var out struct{ Table struct{ TableStatus string } }
	for out.Table.TableStatus != "ACTIVE" {
		if err := Call(ctx, url, "DescribeTable", map[string]any{"TableName": name}, &out); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// Call makes one request, with DynamoDB's JSON as it is on the wire, and reads the
// answer into out if that is not nil.
func Call(ctx context.Context, url, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	req.Header.Set("content-type", "application/x-amz-json-1.0")
	req.Header.Set("x-amz-target", "DynamoDB_20120810."+operation)
	// Servers for tests want a signature and do not check it.
	req.Header.Set("x-amz-date", time.Now().UTC().Format("20060102T150405Z"))
	req.Header.Set("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("dynamotest: %s: status %d: %s", operation, res.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("dynamotest: %s: %w", operation, err)
	}
	return nil
}

const inModules = "node_modules/@dynoxide/linux-x64/dynoxide"

// program returns the path of the server, which it fetches when it is missing.
func program(ctx context.Context) (string, error) {
	dir, err := find()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, inModules)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := fetch(ctx, dir); err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("dynamotest: npm ci did not bring the server; it is there for Linux on x64, elsewhere set CUSTOMAUTH_DYNAMODB_URL: %w", err)
	}
	return path, nil
}

// find looks for the folder testserver from here upwards: tests run in the folder
// of their package.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("dynamotest: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		at := filepath.Join(dir, "dynamodbstore", "testserver")
		if _, err := os.Stat(filepath.Join(at, "package-lock.json")); err == nil {
			return at, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("dynamotest: dynamodbstore/testserver was not found above the working directory")
		}
	}
}

// fetch installs the locked packages. Tests of several packages may do so at once,
// so each installs into a folder of its own, and the first one to finish wins.
func fetch(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("dynamotest: no DynamoDB server: npm is needed to fetch one: %w", err)
	}
	tmp, err := os.MkdirTemp(dir, "node_modules_")
	if err != nil {
		return fmt.Errorf("dynamotest: %w", err)
	}
	defer os.RemoveAll(tmp)
	for _, name := range []string{"package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("dynamotest: %w", err)
		}
		if err := os.WriteFile(filepath.Join(tmp, name), data, 0o644); err != nil {
			return fmt.Errorf("dynamotest: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("dynamotest: no DynamoDB server: npm ci: %w\n%s", err, out)
	}
	err = os.Rename(filepath.Join(tmp, "node_modules"), filepath.Join(dir, "node_modules"))
	if _, there := os.Stat(filepath.Join(dir, inModules)); there == nil {
		return nil
	}
	return err
}
