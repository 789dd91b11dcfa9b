package clients_test

// This file sends what no client sends. The pool must answer with the service's
// own error, and go on.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type object = map[string]any

// send posts a body as it is. The target is the operation with its prefix.
func send(t *testing.T, s *service, target string, body io.Reader) (status int, answer object) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatalf("status %d, and the body is not a JSON object: %v", res.StatusCode, err)
	}
	if res.StatusCode != http.StatusOK && res.Header.Get("X-Amzn-ErrorType") != answer["__type"] {
		t.Errorf("X-Amzn-ErrorType is %q, __type %q", res.Header.Get("X-Amzn-ErrorType"), answer["__type"])
	}
	return res.StatusCode, answer
}

const targets = "AWSCognitoIdentityProviderService."

func post(t *testing.T, s *service, operation string, in object) (status int, answer object) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, s, targets+operation, bytes.NewReader(body))
}

// refused fails the test unless the answer is 400 with this "type: message". A
// want that ends in "..." is a beginning.
func refused(t *testing.T, status int, answer object, want string) {
	t.Helper()
	got := fmt.Sprintf("%v: %v", answer["__type"], answer["message"])
	start, isStart := strings.CutSuffix(want, "...")
	if status != http.StatusBadRequest || got != want && !(isStart && strings.HasPrefix(got, start)) {
		t.Errorf("%d %.200s, want 400 %s", status, got, want)
	}
}

// begin is the first half of a sign-in.
func begin(t *testing.T, s *service, name string) (session string) {
	t.Helper()
	status, answer := post(t, s, "InitiateAuth", object{
		"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": name},
	})
	if status != http.StatusOK {
		t.Fatalf("InitiateAuth: %d %v", status, answer["__type"])
	}
	return answer["Session"].(string)
}

func answerTo(session, name, answer string) object {
	return object{
		"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": session,
		"ChallengeResponses": object{"USERNAME": name, "ANSWER": answer},
	}
}

// stillWorks signs a user in.
func stillWorks(t *testing.T, s *service) {
	t.Helper()
	session := begin(t, s, phone)
	status, answer := post(t, s, "RespondToAuthChallenge", answerTo(session, phone, s.inbox.Code(phone)))
	if status != http.StatusOK || answer["AuthenticationResult"] == nil {
		t.Fatalf("a sign-in after all that: %d %v", status, answer["__type"])
	}
}

func TestMalformedBodies(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	const serialization = "SerializationException: ..."
	tests := map[string]struct{ body, want string }{
		"nothing":            {"", serialization},
		"no JSON":            {"AuthFlow=CUSTOM_AUTH", serialization},
		"cut":                {`{"AuthFlow": "CUSTOM_AU`, serialization},
		"two values":         {`{} {}`, serialization},
		"something behind":   {`{} x`, serialization},
		"a list":             {`[]`, serialization},
		"a text":             {`"x"`, serialization},
		"a number":           {`1e999999`, serialization},
		"null":               {`null`, serialization},
		"an empty object":    {`{}`, "InvalidParameterException: ..."},
		"unknown fields":     {`{"ClientID2": [], "x": {"y": null}}`, "InvalidParameterException: ..."},
		"a byte order mark":  {"\ufeff{}", serialization},
		"zero bytes":         {strings.Repeat("\x00", 100), serialization},
		"deep":               {strings.Repeat(`[`, 100_000), serialization},
		"deep, in a field":   {`{"x":` + strings.Repeat(`{"x":`, 100_000), serialization},
		"broken text":        {"{\"ClientId\": \"\xff\xfe\"}", "InvalidParameterException: ..."},
		"a lone surrogate":   {`{"ClientId": "\ud800"}`, "InvalidParameterException: ..."},
		"XML":                {`<InitiateAuth/>`, serialization},
		"a number as a text": {`{"ClientId": 7}`, serialization},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, s, targets+"InitiateAuth", strings.NewReader(tt.body))
			refused(t, status, answer, tt.want)
		})
	}
	stillWorks(t, s)
}

func TestUnknownOperations(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	for name, target := range map[string]string{
		"none":                "",
		"an unknown one":      targets + "OpenSesame",
		"one of Cognito's":    targets + "AssociateSoftwareToken",
		"no prefix":           "InitiateAuth",
		"the prefix alone":    targets,
		"another service":     "AWSCognitoIdentityService.InitiateAuth",
		"in small letters":    targets + "initiateauth",
		"with a space":        targets + "InitiateAuth x",
		"the prefix twice":    targets + targets + "InitiateAuth",
		"a very long name":    targets + strings.Repeat("A", 50_000),
		"not of this world":   targets + "🂡",
		"a method of the API": targets + "ServeHTTP",
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, s, target, strings.NewReader(`{}`))
			refused(t, status, answer, "UnknownOperationException: ...")
		})
	}
	stillWorks(t, s)
}

// wellFormed is a request of every operation in which each field has the right
// type.
var wellFormed = map[string]object{
	"SignUp": {"ClientId": clientID, "SecretHash": "x", "Username": phone, "Password": password, "UserAttributes": []object{{"Name": "name", "Value": "Ada"}},
		"ValidationData": []object{{"Name": "a", "Value": "b"}}, "ClientMetadata": object{"a": "b"}},
	"ConfirmSignUp":               {"ClientId": clientID, "Username": phone, "ConfirmationCode": "123456", "ForceAliasCreation": false, "ClientMetadata": object{}},
	"ResendConfirmationCode":      {"ClientId": clientID, "Username": phone},
	"InitiateAuth":                {"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": phone}, "ClientMetadata": object{"a": "b"}},
	"RespondToAuthChallenge":      {"ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": strings.Repeat("A", 100), "ChallengeResponses": object{"USERNAME": phone, "ANSWER": "1"}, "ClientMetadata": object{"a": "b"}},
	"GetTokensFromRefreshToken":   {"ClientId": clientID, "RefreshToken": "x", "ClientSecret": "x", "ClientMetadata": object{}},
	"RevokeToken":                 {"ClientId": clientID, "Token": "x", "ClientSecret": "x"},
	"GlobalSignOut":               {"AccessToken": "x"},
	"GetUser":                     {"AccessToken": "x"},
	"UpdateUserAttributes":        {"AccessToken": "x", "UserAttributes": []object{{"Name": "name", "Value": "Ada"}}},
	"DeleteUser":                  {"AccessToken": "x"},
	"AdminInitiateAuth":           {"UserPoolId": poolID, "AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": phone}, "ClientMetadata": object{}},
	"AdminRespondToAuthChallenge": {"UserPoolId": poolID, "ChallengeName": "CUSTOM_CHALLENGE", "ClientId": clientID, "Session": strings.Repeat("A", 100), "ChallengeResponses": object{"USERNAME": phone, "ANSWER": "1"}},
	"AdminCreateUser":             {"UserPoolId": poolID, "Username": "+12065550101", "UserAttributes": []object{}, "ValidationData": []object{}, "ClientMetadata": object{}, "TemporaryPassword": password, "MessageAction": "SUPPRESS", "ForceAliasCreation": true},
	"AdminGetUser":                {"UserPoolId": poolID, "Username": phone},
	"AdminUpdateUserAttributes":   {"UserPoolId": poolID, "Username": phone, "UserAttributes": []object{{"Name": "name", "Value": "Ada"}}},
	"AdminSetUserPassword":        {"UserPoolId": poolID, "Username": phone, "Password": password, "Permanent": true},
	"AdminConfirmSignUp":          {"UserPoolId": poolID, "Username": phone},
	"AdminDeleteUser":             {"UserPoolId": poolID, "Username": "+12065550102"},
	"ListUsers":                   {"UserPoolId": poolID, "Filter": "", "Limit": 1},
	"ForgotPassword":              {"ClientId": clientID, "SecretHash": "x", "Username": phone, "ClientMetadata": object{}},
	"ConfirmForgotPassword":       {"ClientId": clientID, "Username": phone, "ConfirmationCode": "123456", "Password": password, "ClientMetadata": object{}},
	"ChangePassword":              {"AccessToken": "x", "PreviousPassword": password, "ProposedPassword": password},
	"VerifyUserAttribute":         {"AccessToken": "x", "AttributeName": "email", "Code": "123456"},
	"DeleteUserAttributes":        {"AccessToken": "x", "UserAttributeNames": []object{}},
	"AdminDisableUser":            {"UserPoolId": poolID, "Username": "+12065550102"},
	"AdminDeleteUserAttributes":   {"UserPoolId": poolID, "Username": phone, "UserAttributeNames": []object{}},
	"AdminAddUserToGroup":         {"UserPoolId": poolID, "GroupName": "none", "Username": phone},
	"ListGroups":                  {"UserPoolId": poolID, "Limit": 1},
	"ListUserPools":               {"MaxResults": 1},
	"UpdateUserPoolClient":        {"UserPoolId": poolID, "ClientId": "none", "ClientName": "x", "ExplicitAuthFlows": []object{}, "TokenValidityUnits": object{}, "AuthSessionValidity": 3, "EnableTokenRevocation": true},
	"DescribeUserPool":            {"UserPoolId": poolID},
	"DescribeUserPoolClient":      {"UserPoolId": poolID, "ClientId": clientID},
}

// TestWrongTypes gives every field of every operation every type that it is not,
// and leaves it out.
func TestWrongTypes(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	s.addUser(t, "+12065550101") // so that AdminCreateUser changes nothing
	values := []any{"a text", 7, -1.5, true, []any{}, []any{1, nil}, []any{[]any{}}, object{}, object{"Name": 7}, object{"USERNAME": object{}}}
	kind := func(v any) string {
		switch v.(type) {
		case string:
			return "text"
		case int, float64:
			return "number"
		case bool:
			return "truth"
		case []any, []object:
			return "list"
		default:
			return "object"
		}
	}
	requests := 0
	for operation, request := range wellFormed {
		t.Run(operation, func(t *testing.T) {
			for field, right := range request {
				changed := object{}
				for name, value := range request {
					changed[name] = value
				}
				for _, wrong := range values {
					if kind(wrong) == kind(right) {
						continue
					}
					changed[field] = wrong
					requests++
					if status, answer := post(t, s, operation, changed); status != http.StatusBadRequest || answer["__type"] != "SerializationException" {
						t.Errorf("%s is %v: %d %v, want 400 SerializationException", field, wrong, status, answer["__type"])
					}
				}
				// Null is as good as nothing.
				changed[field] = nil
				nullStatus, null := post(t, s, operation, changed)
				delete(changed, field)
				status, answer := post(t, s, operation, changed)
				if status >= 500 || status != nullStatus || answer["__type"] != null["__type"] || answer["message"] != null["message"] {
					t.Errorf("without %s: %d %v, with null: %d %v", field, status, answer["__type"], nullStatus, null["__type"])
				}
			}
		})
	}
	if requests < 500 {
		t.Errorf("only %d requests were made", requests)
	}
	stillWorks(t, s)
}

// TestLargeBodies: ten million bytes are refused, with an answer that the client
// gets to see.
func TestLargeBodies(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	const size = 10_000_000
	filler := strings.Repeat("a", size)
	for name, body := range map[string]string{
		"a long name":      `{"AuthFlow":"CUSTOM_AUTH","ClientId":"` + clientID + `","AuthParameters":{"USERNAME":"` + filler + `"}}`,
		"many parameters":  `{"AuthParameters":{` + strings.Repeat(`"a":"b",`, size/8) + `"a":"b"}}`,
		"brackets":         strings.Repeat("[", size),
		"spaces":           strings.Repeat(" ", size) + "{}",
		"a long last word": `{} ` + filler,
	} {
		t.Run(name, func(t *testing.T) {
			const want = "SerializationException: cognitotest: the request is larger than 1048576 bytes"
			status, answer := send(t, s, targets+"InitiateAuth", strings.NewReader(body))
			refused(t, status, answer, want)
			// In chunks, so without a length at the start.
			status, answer = send(t, s, targets+"RespondToAuthChallenge", io.MultiReader(strings.NewReader(body)))
			refused(t, status, answer, want)
		})
	}
	t.Run("just below the limit", func(t *testing.T) {
		status, answer := post(t, s, "InitiateAuth", object{
			"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": filler[:1_000_000]},
		})
		refused(t, status, answer, "InvalidParameterException: ...")
	})
	t.Run("an answer of 131,072 digits", func(t *testing.T) {
		session := begin(t, s, phone)
		status, answer := post(t, s, "RespondToAuthChallenge", answerTo(session, phone, strings.Repeat("1", 131_072)))
		parameters, _ := answer["ChallengeParameters"].(object)
		if status != http.StatusOK || parameters["errorCode"] != "wrong_code" || answer["AuthenticationResult"] != nil {
			t.Errorf("%d %v %v, want a wrong code", status, answer["__type"], answer["message"])
		}
	})
	stillWorks(t, s)
}

func TestSessions(t *testing.T) {
	const (
		invalid = "NotAuthorizedException: Invalid session for the user."
		used    = "NotAuthorizedException: Invalid session for the user, session can only be used once."
		other   = "+12065550101"
		nobody  = "+12065550199"
	)
	s := newService(t, nil)
	s.addUser(t, phone)
	s.addUser(t, other)
	elsewhere := newService(t, nil) // the same pool ID, another service
	elsewhere.addUser(t, phone)

	// Each makes a session, and answers as whom.
	tests := map[string]struct {
		session func(t *testing.T) string
		name    string
		want    string
	}{
		"of another user":        {func(t *testing.T) string { return begin(t, s, other) }, phone, invalid},
		"of nobody":              {func(t *testing.T) string { return begin(t, s, nobody) }, phone, invalid},
		"hers, used for nobody":  {func(t *testing.T) string { return begin(t, s, phone) }, nobody, invalid},
		"of another pool":        {func(t *testing.T) string { return begin(t, elsewhere, phone) }, phone, invalid},
		"made up":                {func(*testing.T) string { return strings.Repeat("AYAB", 100) }, phone, invalid},
		"cut":                    {func(t *testing.T) string { s := begin(t, s, phone); return s[:len(s)-1] }, phone, invalid},
		"with something behind":  {func(t *testing.T) string { return begin(t, s, phone) + "A" }, phone, invalid},
		"not of these letters":   {func(*testing.T) string { return strings.Repeat("é💥", 20) }, phone, invalid},
		"missing":                {func(*testing.T) string { return "" }, phone, "InvalidParameterException: ..."},
		"too long":               {func(*testing.T) string { return strings.Repeat("A", 100_000) }, phone, "InvalidParameterException: ..."},
		"too short":              {func(*testing.T) string { return "A" }, phone, "InvalidParameterException: ..."},
		"replayed after a wrong": {func(t *testing.T) string { return spent(t, s, s.wrongCode(phone)) }, phone, used},
		"replayed after a right": {func(t *testing.T) string { return spent(t, s, "") }, phone, used},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			session := tt.session(t)
			// Whatever code there is, it must not help.
			for _, code := range []string{s.inbox.Code(tt.name), s.inbox.Code(other), s.inbox.Code(phone)} {
				if code == "" {
					code = "123456"
				}
				status, answer := post(t, s, "RespondToAuthChallenge", answerTo(session, tt.name, code))
				refused(t, status, answer, tt.want)
			}
		})
	}
	t.Run("of another app client", func(t *testing.T) {
		request := answerTo(begin(t, s, phone), phone, s.inbox.Code(phone))
		request["ClientId"] = "another"
		status, answer := post(t, s, "RespondToAuthChallenge", request)
		refused(t, status, answer, "ResourceNotFoundException: User pool client another does not exist.")
	})
	t.Run("for another challenge", func(t *testing.T) {
		for _, challenge := range []string{"PASSWORD_VERIFIER", "SMS_MFA", "NEW_PASSWORD_REQUIRED", "SRP_A", "", "x"} {
			request := answerTo(begin(t, s, phone), phone, s.inbox.Code(phone))
			request["ChallengeName"] = challenge
			status, answer := post(t, s, "RespondToAuthChallenge", request)
			refused(t, status, answer, "InvalidParameterException: ...")
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		request := answerTo(begin(t, s, phone), phone, s.inbox.Code(phone))
		signedIn := make(chan bool)
		const clients = 16
		for range clients {
			go func() {
				ok := false
				defer func() { signedIn <- ok }()
				status, answer := post(t, s, "RespondToAuthChallenge", request)
				if ok = answer["AuthenticationResult"] != nil; !ok {
					refused(t, status, answer, used)
				}
			}()
		}
		n := 0
		for range clients {
			if <-signedIn {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of %d equal answers signed in, want 1", n, clients)
		}
	})
	stillWorks(t, s)
}

// spent is a session that was answered with this code, or with the right one.
func spent(t *testing.T, s *service, code string) (session string) {
	t.Helper()
	session = begin(t, s, phone)
	if code == "" {
		code = s.inbox.Code(phone)
	}
	if status, answer := post(t, s, "RespondToAuthChallenge", answerTo(session, phone, code)); status != http.StatusOK {
		t.Fatalf("the first answer: %d %v", status, answer["__type"])
	}
	return session
}

// TestBadSRP: numbers that would make the password unnecessary, and numbers that
// are none.
func TestBadSRP(t *testing.T) {
	s := newService(t, passwordFirst)
	s.addUser(t, phone)
	multiple := func(n int64) string { return new(big.Int).Mul(prime, big.NewInt(n)).Text(16) }
	for name, a := range map[string]string{
		"zero":             "0",
		"many zeros":       strings.Repeat("0", 768),
		"N":                multiple(1),
		"N in capitals":    strings.ToUpper(multiple(1)),
		"N after zeros":    "0000" + multiple(1),
		"2 N":              multiple(2),
		"3 N":              multiple(3),
		"N times N":        new(big.Int).Mul(prime, prime).Text(16),
		"negative":         "-" + multiple(1),
		"no number":        "xyz",
		"a prefix":         "0x02",
		"a space":          " 2",
		"far too long":     strings.Repeat("2", 131_072),
		"not of this base": "１２",
		"missing":          "",
	} {
		t.Run(name, func(t *testing.T) {
			for _, user := range []string{phone, "+12065550199"} {
				status, answer := post(t, s, "InitiateAuth", object{
					"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID,
					"AuthParameters": object{"USERNAME": user, "CHALLENGE_NAME": "SRP_A", "SRP_A": a},
				})
				refused(t, status, answer, "InvalidParameterException: ...")
				if text, _ := answer["message"].(string); !strings.Contains(text, "SRP_A") {
					t.Errorf("the message does not name SRP_A: %.200s", text)
				}
			}
		})
	}

	// The proof that an attacker would send with A = 0, where S is 0 whatever the
	// password is: refused for a good A too.
	t.Run("a proof without the password", func(t *testing.T) {
		srp := newSRPClient(t)
		_, first := post(t, s, "InitiateAuth", object{
			"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID,
			"AuthParameters": object{"USERNAME": phone, "CHALLENGE_NAME": "SRP_A", "SRP_A": srp.srpA()},
		})
		challenge := make(map[string]string)
		for name, value := range first["ChallengeParameters"].(object) {
			challenge[name] = value.(string)
		}
		status, answer := post(t, s, "RespondToAuthChallenge", object{
			"ChallengeName": "PASSWORD_VERIFIER", "ClientId": clientID, "Session": first["Session"],
			"ChallengeResponses": srp.respond(t, challenge, ""),
		})
		refused(t, status, answer, "NotAuthorizedException: "+incorrect)
	})
	if n := len(s.inbox.Messages("")); n != 0 {
		t.Errorf("%d texts were sent", n)
	}
}

// TestBrokenRequests: below the API.
func TestBrokenRequests(t *testing.T) {
	s := newService(t, nil)
	s.addUser(t, phone)
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: " + targets + "InitiateAuth\r\n"
	for name, tt := range map[string]struct {
		request string
		want    string // the status line, or its beginning
	}{
		"no HTTP":              {"hello\r\n\r\n", "HTTP/1.1 400 "},
		"a negative length":    {head + "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		"two lengths":          {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 400 "},
		"a broken chunk":       {head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nxx\r\n", "HTTP/1.1 400 "},
		"no body":              {head + "Connection: close\r\n\r\n", "HTTP/1.1 400 "},
		"another method":       {"PUT / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
		"another path":         {"POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
		"a path upwards":       {"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
		"the body breaks off":  {head + "Content-Length: 100\r\n\r\n{\"AuthFlow\":", "HTTP/1.1 400 "},
		"a header of 2 MB":     {head + "X-Long: " + strings.Repeat("a", 2<<20) + "\r\n\r\n", "HTTP/1.1 431 "},
		"the keys of no pool":  {"GET /eu-west-1_Nobody/.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
		"the keys of the pool": {"GET /" + poolID + "/.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 "},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { // while the answer is read: the server may not want it all
				io.WriteString(conn, tt.request)
				conn.(*net.TCPConn).CloseWrite()
			}()
			got := make([]byte, len(tt.want))
			if _, err := io.ReadFull(conn, got); err != nil {
				t.Fatalf("no answer: %v", err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("status line (-want +got):\n%s", diff)
			}
		})
	}
	stillWorks(t, s)
}
