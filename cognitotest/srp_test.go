package cognitotest_test

// This file tests SRP: against what a public client computes, and from the
// outside what a client may send.

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// midnight is when every bubble of synctest begins, as TIMESTAMP.
const midnight = "Sat Jan 1 00:00:00 UTC 2000"

// TestSRPVectors compares with a public client; see testdata/srp.json.
func TestSRPVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct{ Name, A, Salt, B, SecretBlock, Signature string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 3 {
		t.Fatalf("%d vectors, want 3", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			private, _ := new(big.Int).SetString(v.A, 16)
			got, err := cognitotest.NewSRPClient(private).Answer(map[string]string{
				"USERNAME": "alice", "USER_ID_FOR_SRP": "alice", "SALT": v.Salt, "SRP_B": v.B, "SECRET_BLOCK": v.SecretBlock,
			}, poolID, "correct horse", midnight) // the vectors' password
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{
				"USERNAME":                    "alice",
				"PASSWORD_CLAIM_SECRET_BLOCK": v.SecretBlock,
				"PASSWORD_CLAIM_SIGNATURE":    v.Signature,
				"TIMESTAMP":                   midnight,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("responses (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSRPGroup: a digit that is wrong in N would not show in a round trip.
func TestSRPGroup(t *testing.T) {
	n := cognitotest.SRPModulus()
	half := new(big.Int).Rsh(n, 1)
	if n.BitLen() != 3072 || !n.ProbablyPrime(1) || !half.ProbablyPrime(1) {
		t.Error("N is not a safe prime of 3,072 bits")
	}
}

// passwordFirst is a Define that wants the password, then a custom challenge.
func passwordFirst(e object) (any, error) {
	session := e["request"].(object)["session"].([]any)
	next := "CUSTOM_CHALLENGE"
	if len(session) == 1 && session[0].(object)["challengeName"] == "SRP_A" {
		next = "PASSWORD_VERIFIER"
	}
	if len(session) > 0 && session[len(session)-1].(object)["challengeName"] == "CUSTOM_CHALLENGE" {
		return defaults["DefineAuthChallenge"](e)
	}
	return object{"challengeName": next, "issueTokens": false, "failAuthentication": false}, nil
}

func passwordPool(t testing.TB) (*cognitotest.Pool, *fake) {
	t.Helper()
	f := &fake{respond: map[string]func(object) (any, error){"DefineAuthChallenge": passwordFirst}}
	pool := newPool(t, cognitotest.Config{AliasAttributes: []string{"email"}, Triggers: every(f)})
	for _, name := range []string{"alice", "bob", "carol"} {
		if err := pool.AddUser(name, map[string]string{"email": name + "@example.com", "email_verified": "true"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"alice", "bob"} { // carol has no password
		if err := pool.SetPassword(name, "Correct-Horse-9"); err != nil {
			t.Fatal(err)
		}
	}
	return pool, f
}

// TestSignInSRP signs in often enough for numbers of every length to come up.
func TestSignInSRP(t *testing.T) {
	pool, f := passwordPool(t)
	for range 16 {
		s, err := pool.SignInSRP(t.Context(), "Alice@example.com", "Correct-Horse-9")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Answer(t.Context(), "right", nil); err != nil || !s.Done() {
			t.Fatalf("error: %v, done: %v", err, s.Done())
		}
	}
	want := []any{
		object{"challengeName": "SRP_A", "challengeResult": true, "challengeMetadata": nil},
		object{"challengeName": "PASSWORD_VERIFIER", "challengeResult": true, "challengeMetadata": nil},
		object{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": "ROUND"},
	}
	got := f.last(t, "DefineAuthChallenge_Authentication")["request"].(object)["session"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("session of the last Define (-want +got):\n%s", diff)
	}

	const refused = "NotAuthorizedException: Incorrect username or password."
	for name, password := range map[string]string{
		"alice":  "Battery-Staple-9",
		"carol":  "Correct-Horse-9",
		"nobody": "Correct-Horse-9",
	} {
		if _, err := pool.SignInSRP(t.Context(), name, password); errorOf(err) != refused {
			t.Errorf("%s: %s, want %s", name, errorOf(err), refused)
		}
	}
}

// startSRP sends InitiateAuth with SRP_A and returns the challenge.
func startSRP(t testing.TB, pool *cognitotest.Pool, name, a string) (parameters map[string]string, session string) {
	t.Helper()
	answer := call(t, pool, "InitiateAuth", object{
		"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID,
		"AuthParameters": object{"USERNAME": name, "CHALLENGE_NAME": "SRP_A", "SRP_A": a},
	})
	if answer["ChallengeName"] != "PASSWORD_VERIFIER" {
		t.Fatalf("challenge %v, want PASSWORD_VERIFIER", answer["ChallengeName"])
	}
	parameters = make(map[string]string)
	for name, value := range answer["ChallengeParameters"].(object) {
		parameters[name] = value.(string)
	}
	return parameters, answer["Session"].(string)
}

// TestSRPHidesUsers: a user without a password, and nobody at all, look like a
// user with one: the salt is always the same, B never.
func TestSRPHidesUsers(t *testing.T) {
	pool, _ := passwordPool(t)
	a := cognitotest.NewSRPClient(nil).A()
	salts := map[string]bool{}
	for _, name := range []string{"alice", "bob", "carol", "nobody", "somebody"} {
		first, _ := startSRP(t, pool, name, a)
		second, _ := startSRP(t, pool, strings.ToUpper(name), a)
		if first["SALT"] != second["SALT"] || first["SRP_B"] == second["SRP_B"] || first["SECRET_BLOCK"] == second["SECRET_BLOCK"] {
			t.Errorf("%s: salts %s and %s, want one; B and SECRET_BLOCK must differ", name, first["SALT"], second["SALT"])
		}
		// A leading zero digit is left out, so lengths vary a little for everybody.
		if n := len(first["SALT"]); n < 26 || n > 32 {
			t.Errorf("%s: SALT has %d digits", name, n)
		}
		if n := len(first["SRP_B"]); n < 762 || n > 768 {
			t.Errorf("%s: SRP_B has %d digits", name, n)
		}
		if first["USER_ID_FOR_SRP"] != first["USERNAME"] || len(first) != 5 {
			t.Errorf("%s: parameters %v", name, first)
		}
		salts[first["SALT"]] = true
	}
	if len(salts) != 5 {
		t.Errorf("%d salts for 5 names", len(salts))
	}
}

func TestSRPARefused(t *testing.T) {
	n := cognitotest.SRPModulus()
	tests := map[string]string{
		"zero":            "0",
		"zeros":           strings.Repeat("0", 768),
		"N":               n.Text(16),
		"twice N":         new(big.Int).Lsh(n, 1).Text(16),
		"N with a zero":   "00" + n.Text(16),
		"no hexadecimal":  "xyz",
		"negative":        "-1",
		"with a prefix":   "0x2",
		"far too long":    strings.Repeat("1", 100_000),
		"nothing":         "",
		"a space":         " ",
		"digits of India": "१२",
	}
	for name, a := range tests {
		t.Run(name, func(t *testing.T) {
			pool, f := passwordPool(t)
			got := refused(t, pool, "InitiateAuth", object{
				"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID,
				"AuthParameters": object{"USERNAME": "alice", "CHALLENGE_NAME": "SRP_A", "SRP_A": a},
			})
			if !strings.HasPrefix(got, "InvalidParameterException: ") || !strings.Contains(got, "SRP_A") {
				t.Errorf("error: %s, want InvalidParameterException about SRP_A", got)
			}
			if len(f.sources()) != 0 {
				t.Errorf("triggers were called: %v", f.sources())
			}
		})
	}
}

// A passwordRequest is the parts of an answer to PASSWORD_VERIFIER.
type passwordRequest struct {
	client     cognitotest.SRPClient
	parameters map[string]string
	session    any
	responses  map[string]string
}

// sign makes the responses for the right password, at a time.
func (r *passwordRequest) sign(t *testing.T, timestamp string) {
	t.Helper()
	var err error
	if r.responses, err = r.client.Answer(r.parameters, poolID, "Correct-Horse-9", timestamp); err != nil {
		t.Fatal(err)
	}
}

// TestPasswordSkipped: the session of a password is no session of a code.
func TestPasswordSkipped(t *testing.T) {
	pool, f := passwordPool(t)
	parameters, session := startSRP(t, pool, "alice", cognitotest.NewSRPClient(nil).A())
	calls := len(f.sources())
	got := refused(t, pool, "RespondToAuthChallenge", object{
		"ClientId": clientID, "ChallengeName": "CUSTOM_CHALLENGE", "Session": session,
		"ChallengeResponses": object{"USERNAME": parameters["USERNAME"], "ANSWER": "right"},
	})
	if want := "NotAuthorizedException: Invalid session for the user."; got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
	if n := len(f.sources()); n != calls {
		t.Errorf("triggers were called: %v", f.sources()[calls:])
	}
}

// TestPasswordVerifier answers by hand, so that each part can be wrong.
func TestPasswordVerifier(t *testing.T) {
	const (
		incorrect = "NotAuthorizedException: Incorrect username or password."
		used      = "NotAuthorizedException: Invalid session for the user, session can only be used once."
		otherUser = "NotAuthorizedException: Invalid session for the user."
	)
	type request = passwordRequest
	as := func(timestamp string) func(*testing.T, *cognitotest.Pool, *request) {
		return func(t *testing.T, _ *cognitotest.Pool, r *request) { r.sign(t, timestamp) }
	}
	tests := map[string]struct {
		change func(t *testing.T, pool *cognitotest.Pool, r *request)
		want   string
	}{
		"as it should be":   {func(*testing.T, *cognitotest.Pool, *request) {}, ""},
		"without a session": {func(_ *testing.T, _ *cognitotest.Pool, r *request) { r.session = nil }, ""},
		"under the alias":   {func(_ *testing.T, _ *cognitotest.Pool, r *request) { r.responses["USERNAME"] = "alice@example.com" }, ""},
		"by another user":   {func(_ *testing.T, _ *cognitotest.Pool, r *request) { r.responses["USERNAME"] = "bob" }, otherUser},
		"with the session of another sign-in": {func(t *testing.T, p *cognitotest.Pool, r *request) {
			_, r.session = startSRP(t, p, "alice", cognitotest.NewSRPClient(nil).A())
		}, incorrect},
		"with the block of another sign-in": {func(t *testing.T, p *cognitotest.Pool, r *request) {
			parameters, session := startSRP(t, p, "alice", cognitotest.NewSRPClient(nil).A())
			r.responses["PASSWORD_CLAIM_SECRET_BLOCK"], r.session = parameters["SECRET_BLOCK"], session
		}, incorrect},
		"a second time": {func(t *testing.T, p *cognitotest.Pool, r *request) {
			call(t, p, "RespondToAuthChallenge", object{
				"ClientId": clientID, "ChallengeName": "PASSWORD_VERIFIER", "Session": r.session, "ChallengeResponses": r.responses,
			})
		}, used},
		"a second time, without a session": {func(t *testing.T, p *cognitotest.Pool, r *request) {
			r.session = nil
			call(t, p, "RespondToAuthChallenge", object{
				"ClientId": clientID, "ChallengeName": "PASSWORD_VERIFIER", "Session": r.session, "ChallengeResponses": r.responses,
			})
		}, incorrect},
		"too late":          {func(*testing.T, *cognitotest.Pool, *request) { time.Sleep(15 * time.Minute) }, "NotAuthorizedException: Invalid session for the user, session is expired."},
		"block of nonsense": {func(_ *testing.T, _ *cognitotest.Pool, r *request) { r.responses["PASSWORD_CLAIM_SECRET_BLOCK"] = "!" }, incorrect},
		"block made up": {func(_ *testing.T, _ *cognitotest.Pool, r *request) {
			r.responses["PASSWORD_CLAIM_SECRET_BLOCK"] = base64.StdEncoding.EncodeToString(make([]byte, 56))
		}, incorrect},
		"signature of zeros": {func(_ *testing.T, _ *cognitotest.Pool, r *request) {
			r.responses["PASSWORD_CLAIM_SIGNATURE"] = base64.StdEncoding.EncodeToString(make([]byte, 32))
		}, incorrect},
		"signature cut":      {func(_ *testing.T, _ *cognitotest.Pool, r *request) { r.responses["PASSWORD_CLAIM_SIGNATURE"] = "AA==" }, incorrect},
		"signature missing":  {func(_ *testing.T, _ *cognitotest.Pool, r *request) { delete(r.responses, "PASSWORD_CLAIM_SIGNATURE") }, "InvalidParameterException: Missing required parameter PASSWORD_CLAIM_SIGNATURE"},
		"time missing":       {func(_ *testing.T, _ *cognitotest.Pool, r *request) { delete(r.responses, "TIMESTAMP") }, "InvalidParameterException: Missing required parameter TIMESTAMP"},
		"signed an hour ago": {as("Fri Dec 31 23:00:00 UTC 1999"), ""},
		"time of its own":    {as("2000-01-01T00:00:00Z"), "InvalidParameterException: TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."},
		"day with a zero":    {as("Sat Jan 01 00:00:00 UTC 2000"), incorrect},
		"wrong weekday":      {as("Mon Jan 1 00:00:00 UTC 2000"), incorrect},
		"another time": {func(_ *testing.T, _ *cognitotest.Pool, r *request) {
			r.responses["TIMESTAMP"] = "Sat Jan 1 00:00:01 UTC 2000"
		}, incorrect},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool, _ := passwordPool(t)
				client := cognitotest.NewSRPClient(nil)
				parameters, session := startSRP(t, pool, "alice", client.A())
				r := request{client: client, parameters: parameters, session: session}
				r.sign(t, midnight)
				tt.change(t, pool, &r)
				body := object{"ClientId": clientID, "ChallengeName": "PASSWORD_VERIFIER", "Session": r.session, "ChallengeResponses": r.responses}
				if tt.want != "" {
					if got := refused(t, pool, "RespondToAuthChallenge", body); got != tt.want {
						t.Errorf("error: %s, want %s", got, tt.want)
					}
					return
				}
				if got := call(t, pool, "RespondToAuthChallenge", body)["ChallengeName"]; got != "CUSTOM_CHALLENGE" {
					t.Errorf("next challenge: %v, want CUSTOM_CHALLENGE", got)
				}
			})
		})
	}
}
