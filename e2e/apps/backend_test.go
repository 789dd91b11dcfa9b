package apps_test

import (
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/apps/snippets"
	"github.com/cyber-eternal/customauth/presignup"

	"github.com/aws/aws-lambda-go/lambda"
)

// The Go of docs/apps/backend.md takes the access tokens of its own app, and no others.
func TestBackendInGo(t *testing.T) {
	signing, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	inbox := new(cognitotest.Inbox)
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("0123456789abcdef0123456789ABCDEF")},
		Senders: map[string]customauth.Sender{"SMS": inbox},

		// A store of its own, so that the test can be run many times in a process.
		Store: customauth.NewMemoryStore(), CounterKey: customauth.Hide("fedcba9876543210FEDCBA9876543210"),
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		ID: poolID, Issuer: server.Issuer(poolID), Key: signing,
		Clients: []cognitotest.Client{{ID: clientID}}, Triggers: cognitotest.Triggers{All: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(pool)
	const sub = "0ab28e1c-a2d9-457f-9514-96eed83f4dd4"
	if err := pool.AddUser("ada", map[string]string{"sub": sub, "phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	signIn, err := pool.SignIn(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := signIn.Answer(t.Context(), inbox.Code(phone), nil); err != nil {
		t.Fatal(err)
	}
	tokens := signIn.Tokens()

	for name, tt := range map[string]struct {
		client, token, want string
	}{
		"access token":                {clientID, tokens.AccessToken, sub},
		"ID token":                    {clientID, tokens.IDToken, ""},
		"access token of another app": {waysClientID, tokens.AccessToken, ""},
		"altered":                     {clientID, tokens.AccessToken[:len(tokens.AccessToken)-8] + "AAAAAAAA", ""},
	} {
		t.Run(name, func(t *testing.T) {
			verify, err := snippets.NewVerifier(t.Context(), server.Issuer(poolID), tt.client)
			if err != nil {
				t.Fatal(err)
			}
			got, err := verify(tt.token)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("user %q, error %v; want user %q", got, err, tt.want)
			}
		})
	}
}
