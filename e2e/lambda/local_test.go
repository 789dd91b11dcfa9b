package lambda_test

// This file signs in through the program of examples/local, with the function
// that would be deployed behind it.

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLocal: a user signs in with the very bootstrap that will be deployed, which
// is killed in the middle of it.
func TestLocal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >> '%s'\nexec '%s'\n", pids, bootstrap("onelambda"))
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(dir, "local")
	build := exec.Command("go", "build", "-o", local, "./examples/local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page, client := startLocal(t, local, filepath.Join(dir, "bootstrap"))

	post := func(operation string, body any) (answer struct {
		Session              string
		ChallengeParameters  map[string]string
		AuthenticationResult *struct{ AccessToken string }
		UserConfirmed        bool
	}) {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ = io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s: %s", operation, res.Status, b)
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	type object map[string]any
	up := post("SignUp", object{"ClientId": client, "Username": phone, "Password": "Passw0rd!x",
		"UserAttributes": []object{{"Name": "phone_number", "Value": phone}, {"Name": "name", "Value": "Some One"}}})
	if !up.UserConfirmed {
		t.Error("the function's pre sign-up trigger did not confirm the user")
	}
	begun := post("InitiateAuth", object{"ClientId": client, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": phone}})
	code := newestCode(t, page)
	killLast(t, pids)
	again := post("RespondToAuthChallenge", object{"ClientId": client, "ChallengeName": "CUSTOM_CHALLENGE", "Session": begun.Session,
		"ChallengeResponses": object{"USERNAME": phone, "ANSWER": wrong(code)}})
	if got := again.ChallengeParameters["errorCode"]; got != "wrong_code" {
		t.Errorf("errorCode %q, want wrong_code", got)
	}
	killLast(t, pids)
	done := post("RespondToAuthChallenge", object{"ClientId": client, "ChallengeName": "CUSTOM_CHALLENGE", "Session": again.Session,
		"ChallengeResponses": object{"USERNAME": phone, "ANSWER": code}})
	if done.AuthenticationResult == nil || done.AuthenticationResult.AccessToken == "" {
		t.Error("no tokens after the right code")
	}
}

// startLocal starts the program and reads from its output where it listens.
func startLocal(t *testing.T, local, function string) (page, client string) {
	t.Helper()
	cmd := exec.Command(local, "-addr", "127.0.0.1:0", "-bootstrap", function)
	cmd.Env = append(os.Environ(), "CUSTOMAUTH_KEYS="+newKey())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for (page == "" || client == "") && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "  page "); ok {
			page = strings.TrimSpace(rest)
		}
		if _, rest, ok := strings.Cut(lines.Text(), "  client id "); ok {
			client = strings.TrimSpace(rest)
		}
	}
	if page == "" || client == "" {
		t.Fatalf("the program did not say where it listens: %v", lines.Err())
	}
	go io.Copy(io.Discard, out)
	return page, client
}

// newestCode is the code of the newest text in the inbox.
func newestCode(t *testing.T, page string) string {
	t.Helper()
	res, err := http.Get(page + "_local/messages?to=" + url.QueryEscape(phone))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var messages []struct{ Text string }
	if err := json.NewDecoder(res.Body).Decode(&messages); err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, want 1: %v", len(messages), err)
	}
	code, _, _ := strings.Cut(messages[0].Text, " ")
	return code
}

// killLast ends the process that was started last.
func killLast(t *testing.T, pids string) {
	t.Helper()
	if err := syscall.Kill(lastPID(t, pids), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
