package totp_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/totp"
)

// What an account page shows to whoever enrols an app.
func Example() {
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err)
	}
	app := totp.Codes{Issuer: "Example", Credentials: vault, Store: customauth.NewMemoryStore(), Algorithm: "SHA256"}
	ctx, user := context.Background(), credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "5a1c7d3e-0000-4000-8000-000000000000"}
	e, err := app.Begin(ctx, user, "alice@example.com")
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.HasPrefix(e.URI.Reveal(), "otpauth://totp/Example:alice@example.com?"), len(e.QR.Reveal()) > 0)

	_, err = app.Finish(ctx, user, e.Secret, "phone", "not what the app shows")
	fmt.Println(err)
	// Output:
	// true true
	// totp: the code is not right
}
