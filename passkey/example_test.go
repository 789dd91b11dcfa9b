package passkey_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/passkey"
)

// What an app is shown, and what the account page sends to the browser.
func Example() {
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err)
	}
	party := passkey.RelyingParty{
		ID: "example.com", Name: "Example", Origins: []string{"https://example.com"}, Credentials: vault,
	}
	ctx := context.Background()
	public, err := party.Show(ctx, customauth.Request{State: "0123456789abcdef0123456789abcdef"})
	fmt.Println(public["publicKey"], err)

	user := credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "5a1c7d3e-0000-4000-8000-000000000000"}
	options, session, err := party.Begin(ctx, user, "alice@example.com", "Alice") // the session stays here, the options go to the browser
	var shown struct {
		RP          struct{ Name string }
		Attestation string
	}
	json.Unmarshal(options, &shown)
	fmt.Println(shown.RP.Name, shown.Attestation, len(session.Challenge) >= 16, err)
	// Output:
	// {"allowCredentials":[],"challenge":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY","rpId":"example.com","timeout":300000,"userVerification":"required"} <nil>
	// Example none true <nil>
}
