package cognitotest_test

// This file sends every kind of violation of the service's model. What must come
// back stands in testdata/violations.txt, which testdata/violations.py makes by a
// reading of its own, botocore's.

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

const violationsFile = "testdata/violations.txt"

var update = flag.Bool("update", false, "write "+violationsFile+" anew, with the botocore that python3 has")

func TestViolations(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	var operation string
	var base object
	var seen []string
	sent, failed := 0, 0
	for line := range strings.Lines(readViolations(t)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case fields[0] == "operation":
			operation, base = fields[1], decode(expand(fields[2]))
			seen = append(seen, operation)
			if _, answer := post(t, pool, operation, base); violation(answer) {
				t.Errorf("%s: a request that breaks nothing: %v", operation, answer)
			}
			continue
		}
		request := maps.Clone(base)
		for name, value := range decode(expand(fields[0])) {
			if value == nil {
				delete(request, name)
			} else {
				request[name] = value
			}
		}
		want := expand(fields[1])
		got, message, _ := strings.Cut(refused(t, pool, operation, request), ": ")
		if got == "InvalidParameterException" {
			got = message
		}
		sent++
		if got != want {
			failed++
			if failed <= 10 {
				t.Errorf("%s with %.200s:\n got %.300s\nwant %.300s", operation, fields[0], got, want)
			}
		}
	}
	if failed > 10 {
		t.Errorf("%d of %d violations are answered otherwise", failed, sent)
	}
	slices.Sort(seen)
	if diff := cmp.Diff(cognitotest.Operations(), seen); diff != "" {
		t.Errorf("operations of the pool and of %s, which go test -run TestViolationsFile -update makes anew (-pool +file):\n%s", violationsFile, diff)
	}
}

func violation(answer object) bool {
	message, _ := answer["message"].(string)
	return answer["__type"] == "SerializationException" || strings.Contains(message, "validation error")
}

func readViolations(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(violationsFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var repeated = regexp.MustCompile(`~(.)\*(\d+)~`)

// expand writes out what the file shortens.
func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			panic(err)
		}
		return strings.Repeat(parts[1], n)
	})
}

// TestViolationsFile: the file is what the script makes, and model.txt what the
// generator makes, where python3 has a botocore with the model that they were made
// of. TestViolations does not need it: so where it is missing, or of another
// version, nothing is lost but this comparison, and CI goes on.
func TestViolationsFile(t *testing.T) {
	file := readViolations(t)
	script := func(operations ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "python3", append([]string{"testdata/violations.py"}, operations...)...).Output()
		return string(out), err
	}
	if *update {
		made, err := script(cognitotest.Operations()...)
		if err == nil {
			err = os.WriteFile(violationsFile, []byte(made), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	digest := func(file string) string {
		header, _, _ := strings.Cut(file, "\n")
		return header[strings.LastIndex(header, " ")+1:]
	}
	made, err := script()
	if err != nil || digest(made) != digest(file) {
		const why = "python3 has no botocore with the model that " + violationsFile + " was made of, so they are not compared"
		if os.Getenv("CI") == "true" {
			t.Log(why)
			return
		}
		t.Skip(why)
	}
	if made, err = script(cognitotest.Operations()...); err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(made, "\n")
	if _, got, _ := strings.Cut(file, "\n"); got != want {
		t.Errorf("%s is not what the script makes: run go test -run TestViolationsFile -update", violationsFile)
	}

	table := filepath.Join(t.TempDir(), "model.txt")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "./internal/genmodel", "-o", table).CombinedOutput(); err != nil {
		t.Fatalf("genmodel: %v\n%s", err, out)
	}
	for _, path := range []string{table, "model.txt"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if path == table {
			want = string(data)
		} else if string(data) != want {
			t.Error("model.txt is not what internal/genmodel makes: run go generate")
		}
	}
}

// TestRequestMembers: what an operation does not have is not looked at, and
// names count as they are written.
func TestRequestMembers(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	signUp := func(name, attributes string) string {
		return fmt.Sprintf(`{"ClientId":%q,"Username":%q,"username":"x","New":[{}],"UserAttributes":%s}`, clientID, name, attributes)
	}
	call(t, pool, "SignUp", signUp("alice", `[{"Name":"email","Value":"alice@example.com","value":"x@example.com"}]`))
	if got := pool.Attributes("alice")["email"]; got != "alice@example.com" {
		t.Errorf("email is %q", got)
	}
	got := refused(t, pool, "SignUp", signUp("bob", `[{"name":"email","Value":"x"}]`))
	if want := "InvalidParameterException: 1 validation error detected: Value null at 'userAttributes.1.member.name' failed to satisfy constraint: Member must not be null"; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}

// TestViolationValues: a value is shown, a huge one in part.
func TestViolationValues(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(new(fake))})
	got := refused(t, pool, "AdminGetUser", object{"UserPoolId": strings.Repeat("x", 100_000), "Username": "alice"})
	want := "InvalidParameterException: 2 validation errors detected: Value '" + strings.Repeat("x", 256) + "...' at 'userPoolId' failed to satisfy constraint: " +
		`Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+; Value '` + strings.Repeat("x", 256) + "...' at 'userPoolId' failed to satisfy constraint: Member must have length less than or equal to 55"
	if got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}
