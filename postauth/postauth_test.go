package postauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/google/go-cmp/cmp"
)

type event = events.CognitoEventUserPoolsPostAuthentication

const (
	pool   = "us-east-1_Ab1Cd2Ef3"
	app    = "1example23456789abcdefghij"
	sub    = "0ab28e1c-a2d9-457f-9514-96eed83f4dd4"
	number = "+12065550100"
	mail   = "someone@example.com"
)

// signIn is the event that Cognito sends after a sign-in, changed by edit.
func signIn(t *testing.T, edit func(user map[string]string, e *event)) event {
	t.Helper()
	raw, err := os.ReadFile("../testdata/events/post-authentication.json")
	if err != nil {
		t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(e.Request.UserAttributes, &e)
	}
	return e
}

// The calls as the service sees them.
var (
	describe = call{Operation: "DescribeUserPoolClient", Body: map[string]any{"UserPoolId": pool, "ClientId": app}}
	list     = call{Operation: "ListUserPoolClients", Body: map[string]any{"UserPoolId": pool, "MaxResults": 10.0}}
	signOut  = call{Operation: "AdminUserGlobalSignOut", Body: map[string]any{"UserPoolId": pool, "Username": sub}}
	phone    = update("phone_number", number)
	email    = update("email", mail)
	both     = update("phone_number", number, "email", mail)
)

func update(pairs ...string) call {
	var attributes []any
	for pair := range slices.Chunk(pairs, 2) {
		attributes = append(attributes,
			map[string]any{"Name": pair[0], "Value": pair[1]},
			map[string]any{"Name": pair[0] + "_verified", "Value": "true"})
	}
	return call{
		Operation: "AdminUpdateUserAttributes",
		Body:      map[string]any{"UserPoolId": pool, "Username": sub, "UserAttributes": attributes},
	}
}

// first are the calls of a first proof, where no password is a way in.
func first(mark call) []call { return []call{describe, list, signOut, mark} }

// proof is Options.Proved for an account that proved these media a while ago.
func proof(ages map[string]time.Duration) func(context.Context, string, string, customauth.Destination) (time.Duration, error) {
	return func(_ context.Context, poolID, userName string, to customauth.Destination) (time.Duration, error) {
		address := map[string]string{"SMS": number, "VOICE": number, "EMAIL": mail}[to.Medium]
		age, ok := ages[to.Medium]
		if !ok || poolID != pool || userName != sub || to.Address.Reveal() != address {
			return -1, nil
		}
		return age, nil
	}
}

type ages = map[string]time.Duration

func TestMarks(t *testing.T) {
	with := func(attributes map[string]string) func(map[string]string, *event) {
		return func(user map[string]string, _ *event) { maps.Copy(user, attributes) }
	}
	for name, tt := range map[string]struct {
		attributes []string
		clients    []string
		proved     map[string]time.Duration // by medium; nil: Proved is not set
		edit       func(map[string]string, *event)
		want       []call
	}{
		"not marked yet":          {want: first(phone)},
		"a client that is listed": {clients: []string{app}, want: []call{list, describe, signOut, phone}},
		"another client is listed": {
			clients: []string{"other"}, want: first(phone),
		},
		"already marked":                  {edit: with(map[string]string{"phone_number_verified": "true"})},
		"already marked, in capitals":     {edit: with(map[string]string{"phone_number_verified": "True"})},
		"marked as something else":        {edit: with(map[string]string{"phone_number_verified": "yes"}), want: first(phone)},
		"never marked before":             {edit: func(user map[string]string, _ *event) { delete(user, "phone_number_verified") }, want: first(phone)},
		"no phone number":                 {edit: func(user map[string]string, _ *event) { delete(user, "phone_number") }},
		"an empty phone number":           {edit: with(map[string]string{"phone_number": ""})},
		"no attributes":                   {edit: func(_ map[string]string, e *event) { e.Request.UserAttributes = nil }},
		"user of an identity provider":    {edit: with(map[string]string{"cognito:user_status": "EXTERNAL_PROVIDER"})},
		"email is proven, and there none": {attributes: []string{"email"}},
		"email": {
			attributes: []string{"email"},
			edit:       with(map[string]string{"email": mail, "email_verified": "false"}),
			want:       first(email),
		},
		"proved by a text":         {proved: ages{"SMS": time.Second}, want: first(phone)},
		"proved by a call":         {proved: ages{"VOICE": time.Second}, want: first(phone)},
		"proved just now":          {proved: ages{"SMS": 0}, want: first(phone)},
		"proved two minutes ago":   {proved: ages{"SMS": 2 * time.Minute}, want: first(phone)},
		"proved earlier":           {proved: ages{"SMS": 2*time.Minute + 1}, want: []call{describe}},
		"proved earlier by a text": {proved: ages{"SMS": time.Hour, "VOICE": time.Second}, want: first(phone)},
		"nothing proved":           {proved: ages{}, want: []call{describe}},
		"an e-mail proves no number": {
			proved: ages{"EMAIL": time.Second}, edit: with(map[string]string{"email": mail}), want: first(email),
		},
		"a number is no e-mail": {
			attributes: []string{"email"}, proved: ages{"SMS": time.Second},
			edit: with(map[string]string{"email": mail}), want: []call{describe},
		},
		"both proved": {
			proved: ages{"SMS": time.Minute, "EMAIL": time.Second}, edit: with(map[string]string{"email": mail}), want: first(both),
		},
		"both proved, of which one is marked": {
			proved: ages{"SMS": time.Minute, "EMAIL": time.Second},
			edit:   with(map[string]string{"email": mail, "phone_number_verified": "True"}),
			want:   first(email),
		},
		"proved, and another number now": {
			proved: ages{"SMS": time.Second}, edit: with(map[string]string{"phone_number": "+12065550111"}), want: []call{describe},
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := signIn(t, tt.edit)
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil)
				o := postauth.Options{Client: s.client, Attributes: tt.attributes, ClientIDs: tt.clients}
				if tt.proved != nil {
					o.Proved = proof(tt.proved)
				}
				handle := newHandler(t, o)
				out, err := handle(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(in, out); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.want, s.calls()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The event does not say how somebody signed in. So nothing is marked for an app
// client that lets them in without the code.
func TestAppClientsThatAllowOtherSignIns(t *testing.T) {
	for name, tt := range map[string]struct {
		client map[string]any
		want   bool
	}{
		"custom":                    {flows("ALLOW_CUSTOM_AUTH"), true},
		"custom and refresh":        {flows("ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"), true},
		"the old name":              {flows("CUSTOM_AUTH_FLOW_ONLY"), true},
		"refresh alone":             {flows("ALLOW_REFRESH_TOKEN_AUTH"), false},
		"no flows: SRP is allowed":  {map[string]any{}, false},
		"SRP too":                   {flows("ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH"), false},
		"password too":              {flows("ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"), false},
		"password for servers too":  {flows("ALLOW_CUSTOM_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"), false},
		"choice-based too":          {flows("ALLOW_CUSTOM_AUTH", "ALLOW_USER_AUTH"), false},
		"a flow of tomorrow":        {flows("ALLOW_CUSTOM_AUTH", "ALLOW_TOMORROW_AUTH"), false},
		"managed login too":         {map[string]any{"ExplicitAuthFlows": []string{"ALLOW_CUSTOM_AUTH"}, "AllowedOAuthFlowsUserPoolClient": true}, false},
		"OAuth flows, switched off": {map[string]any{"ExplicitAuthFlows": []string{"ALLOW_CUSTOM_AUTH"}, "AllowedOAuthFlows": []string{"code"}}, false},
		"an answer without client":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := signIn(t, nil)
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, c call) {
					if c.Operation == "DescribeUserPoolClient" {
						reply(w, 200, map[string]any{"UserPoolClient": tt.client})
						return
					}
					healthy(w, c)
				})
				var log bytes.Buffer
				handle := newHandler(t, postauth.Options{Client: s.client, FailSignIn: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				if _, err := handle(t.Context(), in); err != nil {
					t.Errorf("the sign-in failed: %v", err)
				}
				want := []call{describe}
				if tt.want {
					want = first(phone)
				}
				if diff := cmp.Diff(want, s.calls()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if warned := strings.Contains(log.String(), "level=WARN"); warned == tt.want {
					t.Errorf("log: %s", &log)
				}
			})
		})
	}
}

func flows(names ...string) map[string]any { return map[string]any{"ExplicitAuthFlows": names} }

func TestLooksAppClientsUpEveryFiveMinutes(t *testing.T) {
	in := signIn(t, nil)
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil)
		handle := newHandler(t, postauth.Options{Client: s.client})
		for range 3 { // at 0, 4 and 8 minutes
			if _, err := handle(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			time.Sleep(4 * time.Minute)
		}
		if diff := cmp.Diff([]call{
			describe, list, signOut, phone,
			signOut, phone,
			describe, list, signOut, phone,
		}, s.calls()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// A function that was frozen for longer looks again, too. A bubble of synctest has no
// monotonic clock, so this is outside of one.
func TestLooksAppClientsUpAfterFreeze(t *testing.T) {
	client := flows("ALLOW_CUSTOM_AUTH")
	s := serve(t, func(w http.ResponseWriter, _ call) { reply(w, 200, map[string]any{"UserPoolClient": client}) })
	look := postauth.NewLook(s.client)
	for _, test := range []struct {
		frozen time.Duration
		want   bool
	}{{0, true}, {4 * time.Minute, true}, {2 * time.Minute, false}} {
		look.Freeze(test.frozen)
		if got, err := look.ByCode(t.Context(), pool, "client"); err != nil || got != test.want {
			t.Errorf("after %v more: by a code alone: %v, %v, want %v", test.frozen, got, err, test.want)
		}
		client = flows("ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH")
	}
}

// What the service can do to the trigger, over real HTTP with the real client.
func TestFailures(t *testing.T) {
	fails := func(status int, name string) func(http.ResponseWriter, call) {
		return func(w http.ResponseWriter, c call) {
			if c.Operation == "AdminUpdateUserAttributes" {
				reply(w, status, map[string]any{"__type": name, "message": "about " + number})
				return
			}
			healthy(w, c)
		}
	}
	hangs := func(_ http.ResponseWriter, c call) { <-c.gone }
	once := func(status int, name string) func(http.ResponseWriter, call) {
		done := false
		return func(w http.ResponseWriter, c call) {
			if c.Operation == "AdminUpdateUserAttributes" && done {
				healthy(w, c)
				return
			}
			done = done || c.Operation == "AdminUpdateUserAttributes"
			fails(status, name)(w, c)
		}
	}
	for name, tt := range map[string]struct {
		service func(http.ResponseWriter, call)
		timeout time.Duration
		lambda  time.Duration // until Lambda stops the function
		marked  bool
		closed  bool // others could not be shut out
		log     string
		within  time.Duration
	}{
		"throttled once":      {service: once(400, "TooManyRequestsException"), marked: true, log: "marked the user", within: 3 * time.Second},
		"a 500 once":          {service: once(500, "InternalErrorException"), marked: true, log: "marked the user", within: 3 * time.Second},
		"throttled for ever":  {service: fails(400, "TooManyRequestsException"), log: "error=TooManyRequestsException operation=AdminUpdateUserAttributes", within: 3 * time.Second},
		"500 for ever":        {service: fails(500, "InternalErrorException"), log: "error=InternalErrorException", within: 3 * time.Second},
		"no permission":       {service: fails(400, "AccessDeniedException"), log: "error=AccessDeniedException operation=AdminUpdateUserAttributes", within: time.Second},
		"somebody else's":     {service: fails(400, "AliasExistsException"), log: "error=AliasExistsException", within: time.Second},
		"no JSON":             {service: func(w http.ResponseWriter, _ call) { w.Write([]byte("<html>" + number)) }, closed: true, log: "level=ERROR", within: 3 * time.Second},
		"hangs":               {service: hangs, closed: true, log: `error="no answer in time"`, within: 3 * time.Second},
		"hangs, shorter":      {service: hangs, closed: true, timeout: time.Second, log: `error="no answer in time"`, within: time.Second},
		"hangs in a 2 s main": {service: hangs, closed: true, lambda: 2 * time.Second, log: `error="no answer in time"`, within: 1500 * time.Millisecond},
		"drops the line":      {service: func(http.ResponseWriter, call) { panic(http.ErrAbortHandler) }, closed: true, log: "level=ERROR", within: 3 * time.Second},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(name+map[bool]string{false: "", true: ", must be marked"}[strict], func(t *testing.T) {
				in := signIn(t, func(user map[string]string, e *event) { user["email"], e.UserName = mail, number })
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, tt.service)
					var log bytes.Buffer
					handle := newHandler(t, postauth.Options{
						Client: s.client, Timeout: tt.timeout, FailSignIn: strict,
						Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
					})
					ctx := t.Context()
					if tt.lambda > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, tt.lambda)
						defer cancel()
					}
					start := time.Now()
					out, err := handle(ctx, in)
					if took := time.Since(start); took > tt.within {
						t.Errorf("took %v, want %v at most", took, tt.within)
					}
					want := ""
					if strict && !tt.marked || tt.closed {
						want = "the sign-in could not be completed"
					}
					if diff := cmp.Diff(want, text(err)); diff != "" {
						t.Errorf("error (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(in, out); diff != "" {
						t.Errorf("event (-want +got):\n%s", diff)
					}
					if !strings.Contains(log.String(), tt.log) || !strings.Contains(log.String(), "sub="+sub) {
						t.Errorf("log = %s, want %s in it", &log, tt.log)
					}
					if strings.Contains(log.String(), number) || strings.Contains(log.String(), mail) {
						t.Errorf("the log names the user: %s", &log)
					}
				})
			})
		}
	}
}

func TestPanicOfTheClient(t *testing.T) {
	var log bytes.Buffer
	handle := newHandler(t, postauth.Options{Client: panics{}, FailSignIn: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := handle(t.Context(), signIn(t, nil))
	if diff := cmp.Diff("the sign-in could not be completed", text(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "panic with a string") || strings.Contains(log.String(), number) {
		t.Errorf("log = %s", &log)
	}
}

type panics struct{ postauth.Client }

func (panics) DescribeUserPoolClient(context.Context, *cognitoidentityprovider.DescribeUserPoolClientInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error) {
	panic(number)
}

func TestAnotherTrigger(t *testing.T) {
	handle := newHandler(t, postauth.Options{Client: panics{}})
	for _, source := range []string{"", "PostConfirmation_ConfirmSignUp"} {
		_, err := handle(t.Context(), signIn(t, func(_ map[string]string, e *event) { e.TriggerSource = source }))
		if diff := cmp.Diff("postauth: not a post authentication event", text(err)); diff != "" {
			t.Errorf("%q: error (-want +got):\n%s", source, diff)
		}
	}
}

func TestOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		options postauth.Options
		want    string
	}{
		"another attribute": {postauth.Options{Attributes: []string{"name"}}, `postauth: Attributes: "name" is neither "phone_number" nor "email"`},
		"twice the same":    {postauth.Options{Attributes: []string{"email", "email"}}, `postauth: Attributes: "email" is named twice`},
		"no attribute":      {postauth.Options{Attributes: []string{}}, `postauth: Attributes is empty: name "phone_number" or "email"`},
		"too long":          {postauth.Options{Timeout: 5 * time.Second}, "postauth: Timeout must be from 0 to 4s, not 5s"},
		"negative":          {postauth.Options{Timeout: -1}, "postauth: Timeout must be from 0 to 4s, not -1ns"},
		"two without proof": {postauth.Options{Attributes: []string{"email", "phone_number"}}, "postauth: Attributes: which of two was proved needs Proved; customauth.Options has one"},
		"an empty client":   {postauth.Options{ClientIDs: []string{app, ""}}, "postauth: ClientIDs: an id is empty"},
		"no environment":    {postauth.Options{}, "postauth: AWS_REGION is not set; outside of Lambda pass Options.Client"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
				t.Setenv(name, "")
			}
			_, err := postauth.New(tt.options)
			if diff := cmp.Diff(tt.want, text(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// The default client, over a socket, through the handler that Lambda calls.
func TestClientFromTheEnvironment(t *testing.T) {
	s := &service{answer: healthy}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": listener.URL,
	} {
		t.Setenv(name, value)
	}
	handler, err := postauth.NewHandler(postauth.Options{FailSignIn: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../testdata/events/post-authentication.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handler.Invoke(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first(phone), s.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if !strings.Contains(s.authorization, "Credential=AKIDEXAMPLE/") || !strings.Contains(s.authorization, "/eu-west-1/cognito-idp/") {
		t.Errorf("Authorization = %s", s.authorization)
	}
}

func newHandler(t *testing.T, o postauth.Options) func(context.Context, event) (event, error) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	handler, err := postauth.NewHandler(o)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, in event) (event, error) {
		payload, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := handler.Invoke(ctx, payload)
		if err == nil && string(out) != string(payload) {
			t.Errorf("the event came back as %s, want it as it was", out)
		}
		return in, err
	}
}

// TestJSON: of an event that cannot be read nothing is done, and what is not known of one
// that can goes back to Cognito.
func TestJSON(t *testing.T) {
	raw, err := os.ReadFile("../testdata/events/post-authentication.json")
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(raw), "{", `{"new": [1, {"a": null}],`, 1)
	const refused = "postauth: not a post authentication event"
	for name, tt := range map[string]struct {
		payload, err string
		calls        []call
	}{
		"as Cognito sends it":    {string(raw), "", first(phone)},
		"with something new":     {newer, "", first(phone)},
		"nothing":                {"", refused, nil},
		"cut off":                {string(raw[:len(raw)/2]), refused, nil},
		"no object":              {"[]", refused, nil},
		"another trigger":        {strings.Replace(string(raw), "PostAuthentication_", "PreAuthentication_", 1), refused, nil},
		"attributes of a kind":   {strings.Replace(string(raw), `"userAttributes":`, `"userAttributes": 1, "x":`, 1), refused, nil},
		"a member that is twice": {strings.Replace(string(raw), `"userName":`, `"userName": "somebody", "userName":`, 1), refused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, healthy)
			handler, err := postauth.NewHandler(postauth.Options{Client: s.client, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			out, err := handler.Invoke(t.Context(), []byte(tt.payload))
			if got := text(err); got != tt.err {
				t.Errorf("error %q, want %q", got, tt.err)
			}
			if tt.err == "" && string(out) != tt.payload {
				t.Errorf("the event came back as %s", out)
			}
			if diff := cmp.Diff(tt.calls, s.calls()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTyped: the function of New does the same.
func TestTyped(t *testing.T) {
	s := serve(t, healthy)
	handle, err := postauth.New(postauth.Options{Client: s.client, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	in := signIn(t, nil)
	out, err := handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, out); diff != "" {
		t.Errorf("the event (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first(phone), s.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
