package main_test

// This file tests what the program refuses, and with which exit code.

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	program "github.com/cyber-eternal/customauth/cmd/cognitotest"
)

func TestRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	notBinary := write(t, "bootstrap", "not a program")
	crashing := write(t, "crashing", "#!/bin/sh\necho the reason why >&2\nexit 3\n")
	typescript := write(t, "index.ts", "")
	source := write(t, "main.go", "")
	badKey := write(t, "key.pem", "no key")
	badState := filepath.Join(filepath.Dir(write(t, "state.json", `{"Version": 7}`)), "")
	folder := t.TempDir()

	file := func(content string) []string { return []string{"--config", write(t, "pool.json", content)} }
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an unknown flag":        {[]string{"--lisen", "x"}, 2, "there is no flag --lisen (did you mean --listen?)"},
		"a word":                 {[]string{"start"}, 2, `"start" is no flag (a command to run comes after --; see --help)`},
		"a flag without a value": {[]string{"--config"}, 2, "flag needs an argument: -config"},
		"no port":                {[]string{"--listen", "localhost"}, 2, "--listen localhost: want HOST:PORT"},
		"everybody":              {[]string{"--listen", "0.0.0.0:0"}, 2, "say --insecure-remote too if you mean it"},
		"every interface":        {[]string{"--listen", ":0"}, 2, "say --insecure-remote too if you mean it"},
		"issuer":                 {[]string{"--issuer", "cognito"}, 2, "--issuer cognito: want self, service or a URL"},
		"tries":                  {[]string{"--trigger-tries", "4"}, 2, "TriggerTries is 4: want 1 to 3"},
		"pool ID":                {[]string{"--pool-id", "pool"}, 2, `pool ID "pool": want region_name`},
		"client ID":              {[]string{"--client-id", "a b"}, 2, `client ID "a b"`},
		"username attribute":     {[]string{"--username-attribute", "nickname"}, 2, `"nickname" cannot be a user name`},
		"trigger without a path": {[]string{"--trigger", "All"}, 2, "--trigger All: want NAME=PATH"},
		"an unknown trigger":     {[]string{"--trigger", "PreSignup=x"}, 2, "--trigger PreSignup: there is no such trigger here (did you mean PreSignUp?)"},
		"an unset variable":      {[]string{"--env", "NOT_SET_ANYWHERE"}, 2, "--env NOT_SET_ANYWHERE: it is not set"},
		"--print-env, free port": {[]string{"--print-env", "--listen", "127.0.0.1:0"}, 2, "port 0 of --listen is not known before the start"},

		"a port that is taken": {[]string{"--listen", taken.Addr().String()}, 3, "is taken: end what runs there, or choose another port with --listen"},

		"a trigger that is not there": {[]string{"--trigger", "All=/missing/bootstrap"}, 4, "the trigger CreateAuthChallenge: stat /missing/bootstrap: no such file"},
		"a script that is not there":  {[]string{"--trigger", "PreSignUp=/missing/index.mjs#f"}, 4, "the trigger PreSignUp: stat /missing/index.mjs: no such file"},
		"a folder":                    {[]string{"--trigger", "All=" + folder}, 4, "is a folder: name a file in it, for Go the binary"},
		"source":                      {[]string{"--trigger", "All=" + source}, 4, "want the binary itself, built for this machine"},
		"TypeScript":                  {[]string{"--trigger", "All=" + typescript}, 4, "compile TypeScript to JavaScript first"},
		"no binary":                   {[]string{"--trigger", "All=" + notBinary}, 4, "exec format error"},
		"a binary with a handler":     {[]string{"--trigger", "All=" + notBinary + "#define"}, 4, "a binary has no handler to choose (define)"},
		"a trigger that crashes":      {[]string{"--trigger", "All=" + crashing}, 4, "Runtime exited with error: exit status 3"},
		"and why":                     {[]string{"--trigger", "All=" + crashing}, 4, "the reason why"},

		"a bad key":      {[]string{"--key", badKey}, 1, "want an RSA private key in PEM"},
		"another's data": {[]string{"--data", badState}, 1, "version 7: want 1"},
		"no command":     {[]string{"--", "/missing/command"}, 1, "the command cannot be run"},

		"no file":            {[]string{"--config", "/missing/pool.json"}, 2, "open /missing/pool.json: no such file"},
		"an empty file":      {file(""), 2, "unexpected end of JSON input"},
		"a comma":            {file("{\n  \"UserPool\": {},\n}"), 2, "line 3, column 1: invalid character '}'"},
		"unknown property":   {file(`{"UserPool": {"UsernameAttribute": ["email"]}}`), 2, "UserPool.UsernameAttribute: there is no such property (did you mean UsernameAttributes?)"},
		"lower case":         {file(`{"userPool": {}}`), 2, "userPool: there is no such property (did you mean UserPool?)"},
		"in a client":        {file(`{"UserPoolClients": [{}, {"Secret": "x"}]}`), 2, "UserPoolClients[1].Secret: there is no such property"},
		"in units":           {file(`{"UserPoolClients": [{"TokenValidityUnits": {"IDToken": "hours"}}]}`), 2, "UserPoolClients[0].TokenValidityUnits.IDToken: there is no such property (did you mean IdToken?)"},
		"in a function":      {file(`{"Functions": {"auth": {"Runtime": "nodejs22.x", "Path": "x"}}}`), 2, "Functions.auth.Runtime: there is no such property"},
		"wrong type":         {file(`{"UserPoolClients": [{"AuthSessionValidity": "3"}]}`), 2, `UserPoolClients[0].AuthSessionValidity: "3" is no whole number`},
		"no list":            {file(`{"UserPoolClients": {}}`), 2, "UserPoolClients: want a list"},
		"no object":          {file(`[]`), 2, "want an object"},
		"MFA":                {file(`{"UserPool": {"MfaConfiguration": "OPTIONAL"}}`), 2, "UserPool.MfaConfiguration: there is no MFA"},
		"developer only":     {file(`{"UserPool": {"Schema": [{"Name": "a", "DeveloperOnlyAttribute": true}]}}`), 2, "UserPool.Schema[0].DeveloperOnlyAttribute"},
		"a schema":           {file(`{"UserPool": {"Schema": [{"Name": "plan", "AttributeDataType": "List"}]}}`), 2, "custom:plan"},
		"a policy":           {file(`{"UserPool": {"Policies": {"PasswordPolicy": {"MinimumLength": 3}}}}`), 2, "PasswordPolicy: MinimumLength is 3: want 6 to 99"},
		"verification":       {file(`{"UserPool": {"AutoVerifiedAttributes": ["name"]}}`), 2, "AutoVerifiedAttributes"},
		"an event's version": {file(`{"UserPool": {"LambdaConfig": {"PreTokenGenerationConfig": {"LambdaVersion": "V9"}}}}`), 2, "want V1_0, V2_0 or V3_0"},
		"an unused function": {file(`{"Functions": {"auth": {"Path": "/missing/x"}}}`), 4, "the function auth: stat /missing/x"},
		"units":              {file(`{"UserPoolClients": [{"TokenValidityUnits": {"IdToken": "weeks"}}]}`), 2, `TokenValidityUnits.IdToken: "weeks": want seconds, minutes, hours or days`},
		"a validity":         {file(`{"UserPoolClients": [{"ClientId": "web", "AuthSessionValidity": 60}]}`), 2, "client web: AuthSessionValidity is 1h0m0s: want 3m0s to 15m0s"},
		"rotation":           {file(`{"UserPoolClients": [{"RefreshTokenRotation": {"Feature": "on"}}]}`), 2, `RefreshTokenRotation.Feature: "on"`},
		"two clients":        {file(`{"UserPoolClients": [{"ClientId": "web"}, {"ClientId": "web"}]}`), 2, `two clients with ID "web"`},
		"a function nowhere": {file(`{"Functions": {"auth": {"Handler": "h"}}}`), 2, "Functions.auth.Path: it is missing"},
		"a function's time":  {file(`{"Functions": {"auth": {"Path": "x", "Timeout": 901}}}`), 2, "Functions.auth.Timeout: 901: want 1 to 900 seconds"},
		"a trigger":          {file(`{"UserPool": {"LambdaConfig": {"CustomSMSSender": "x"}}}`), 2, "UserPool.LambdaConfig.CustomSMSSender: there is no such property"},
		"a user":             {file(`{"Users": [{"Username": "a b"}]}`), 2, "Users[0]: InvalidParameterException"},
	} {
		t.Run(name, func(t *testing.T) {
			args := tt.args
			if !strings.Contains(strings.Join(args, " "), "--listen") {
				args = append([]string{"--listen", "127.0.0.1:0"}, args...)
			}
			cmd := command(t.Context(), args...)
			cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("stderr %q, want %q in it", stderr.String(), tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, flag := range []string{"--help", "-h"} {
		out, err := command(t.Context(), flag).Output()
		if err != nil || !strings.Contains(string(out), "--trigger NAME=PATH") {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
	if out, err := command(t.Context(), "--version").Output(); err != nil || !strings.HasPrefix(string(out), "cognitotest ") {
		t.Errorf("--version: %v %s", err, out)
	}
}

// TestRemote: the program listens to everybody when it is told so twice.
func TestRemote(t *testing.T) {
	r := run(t, "--insecure-remote", "--listen", "0.0.0.0:0")
	if !strings.HasPrefix(r.url, "http://localhost:") {
		t.Errorf("URL %s", r.url)
	}
	r.must("GET", "/health", "")
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"UserPool": {"UserPoolId": "eu-west-1_Shop1", "LambdaConfig": {"All": "x#y"}}, "UserPoolClients": [{"GenerateSecret": true}]}`))
	f.Add([]byte(`{"Functions": {"auth": {"Path": "x", "Environment": {"Variables": {"A": "b"}}}}, "Users": [{"UserAttributes": [{"Name": "a", "Value": "b"}]}]}`))
	f.Add([]byte(`{"Users": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := program.DecodeFile(data); err != nil && err.Error() == "" {
			t.Error("an error without a text")
		}
	})
}
