package cognitotest_test

// This file sends random requests that are well-formed JSON to every operation.

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// A maker makes requests of what the model's operations take: it starts from one
// that breaks nothing, with real names and tokens in it, and changes some of it.
type maker struct {
	operations []string
	base       map[string]object
	changes    map[string][]object // what breaks the model, which has every member
	words      []string            // texts that may mean something
	random     *rand.Rand
}

func newMaker(t testing.TB, seed1, seed2 uint64, words []string) *maker {
	data, err := os.ReadFile(violationsFile)
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{base: map[string]object{}, changes: map[string][]object{}, words: words, random: rand.New(rand.NewPCG(seed1, seed2))}
	operation := ""
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case fields[0] == "operation":
			operation = fields[1]
			m.operations = append(m.operations, operation)
			m.base[operation] = decode(fields[2])
		case !strings.Contains(fields[0], "*"): // nothing long
			m.changes[operation] = append(m.changes[operation], decode(fields[0]))
		}
	}
	return m
}

func (m *maker) request(operation string) []byte {
	request := object{}
	for name, value := range m.base[operation] {
		request[name] = m.vary(value, 8)
	}
	for range m.random.IntN(4) {
		list := m.changes[operation]
		for name, value := range list[m.random.IntN(len(list))] {
			request[name] = m.vary(value, 2)
		}
	}
	body, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return body
}

// vary changes a value, one time in odds to something else altogether.
func (m *maker) vary(value any, odds int) any {
	if m.random.IntN(odds) == 0 {
		return m.any(3)
	}
	switch value := value.(type) {
	case object:
		o := object{}
		for name, inner := range value {
			o[name] = m.vary(inner, odds+2)
		}
		return o
	case []any:
		list := []any{}
		for _, inner := range value {
			list = append(list, m.vary(inner, odds+2))
		}
		return list
	case string:
		return m.words[m.random.IntN(len(m.words))]
	default:
		return value
	}
}

func (m *maker) any(depth int) any {
	kinds := 9
	if depth == 0 {
		kinds = 6
	}
	switch m.random.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return m.random.IntN(2) == 0
	case 2:
		return m.random.IntN(100) - 10
	case 3:
		return m.random.NormFloat64() * 1e20
	case 4, 5:
		return m.words[m.random.IntN(len(m.words))]
	case 6:
		list := []any{}
		for range m.random.IntN(4) {
			list = append(list, m.any(depth-1))
		}
		return list
	default:
		o := object{}
		for range m.random.IntN(4) {
			names := []string{"Name", "Value", "USERNAME", "PASSWORD", "ANSWER", "SRP_A", "REFRESH_TOKEN", "", "NEW_PASSWORD", "PasswordPolicy", "LambdaArn", "x"}
			o[names[m.random.IntN(len(names))]] = m.any(depth - 1)
		}
		return o
	}
}

// randomPool is a pool with something in it for the operations to find.
func randomPool(t testing.TB) (*cognitotest.Pool, []string) {
	pool := newPool(t, cognitotest.Config{
		Clients:                []cognitotest.Client{{ExplicitAuthFlows: everyFlow}},
		AutoVerifiedAttributes: []string{"email", "phone_number"},
		AliasAttributes:        []string{"email"},
		Inbox:                  new(cognitotest.Inbox),
		Triggers:               every(new(fake)),
	})
	if err := pool.AddUser("alice", map[string]string{"email": email, "email_verified": "true", "phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	if err := pool.SetPassword("alice", oldPass); err != nil {
		t.Fatal(err)
	}
	call(t, pool, "CreateGroup", inPool(object{"GroupName": "staff"}))
	tokens := signIn(t, pool, "alice")
	first := call(t, pool, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "alice"}})
	call(t, pool, "AdminCreateUser", inPool(object{"Username": "bob"}))
	return pool, []string{
		poolID, poolID, poolID, clientID, clientID, "alice", "alice", "bob", "nobody", "staff", email, phone, oldPass, newPass, "123456", "true", "false", "",
		tokens["AccessToken"].(string), tokens["AccessToken"].(string), tokens["IdToken"].(string), tokens["RefreshToken"].(string), first["Session"].(string),
		"CUSTOM_AUTH", "CUSTOM_CHALLENGE", "NEW_PASSWORD_REQUIRED", "PASSWORD_VERIFIER", "USER_SRP_AUTH", "USER_PASSWORD_AUTH", "SRP_A", "ENABLED", "ACTIVE", "OFF",
		"email", "phone_number", "email_verified", "sub", "custom:x", "name", "String", "Number", "days", "seconds", "RESEND", "SUPPRESS",
		`email = "x"`, `name ^= "`, "arn:aws:lambda:us-east-1:000000000000:function:PreSignUp", "arn:aws:lambda:us-east-1:000000000000:function:", "V2_0",
		"\x00", "\u2028", "💥", "a b", "2", "ff", "%s%d", "../..",
	}
}

// sendRandom sends a request and checks what every answer must be.
func sendRandom(t *testing.T, pool *cognitotest.Pool, operation string, body []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
	r.Header["X-Amz-Target"] = []string{"AWSCognitoIdentityProviderService." + operation}
	w := httptest.NewRecorder()
	pool.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s with %s: answer %q: %v", operation, body, w.Body, err)
	}
	kind, _ := answer["__type"].(string)
	if w.Code != http.StatusOK && (w.Code != http.StatusBadRequest || kind == "") || kind == "InternalErrorException" {
		t.Errorf("%s with %s: status %d, %s", operation, body, w.Code, w.Body)
	}
}

// TestRandomRequests: whatever well-formed JSON comes, the answer is the
// operation's or an error of the service.
func TestRandomRequests(t *testing.T) {
	const rounds = 100
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	pool, words := randomPool(t)
	m := newMaker(t, seed, 0, words)
	if diff := cmp.Diff(cognitotest.Operations(), slices.Sorted(slices.Values(m.operations))); diff != "" {
		t.Fatalf("operations (-pool +file):\n%s", diff)
	}
	for range rounds {
		for _, operation := range m.operations {
			sendRandom(t, pool, operation, m.request(operation))
		}
	}
}

// FuzzOperations is the same with seeds from the fuzzer, in short sequences.
func FuzzOperations(f *testing.F) {
	f.Add(uint64(0), uint64(0))
	f.Add(uint64(1), ^uint64(0))
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		pool, words := randomPool(t)
		m := newMaker(t, seed1, seed2, words)
		for range 50 {
			operation := m.operations[m.random.IntN(len(m.operations))]
			sendRandom(t, pool, operation, m.request(operation))
		}
	})
}
