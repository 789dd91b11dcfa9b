package recovery_test

import (
	"context"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/recovery"
)

// Ten codes, of which one is used.
func Example() {
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err)
	}
	codes := recovery.Codes{Credentials: vault}
	ctx, alice := context.Background(), credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "5a1c7d3e-0000-4000-8000-000000000000"}
	list, err := codes.Generate(ctx, alice)
	if err != nil {
		panic(err)
	}
	r := customauth.Request{
		PoolID: alice.Pool, SignIn: "first",
		Attributes: map[string]customauth.Secret{"sub": customauth.Hide(alice.Sub)},
	}
	for _, signIn := range []string{"first", "first", "second"} {
		r.SignIn = signIn
		got, err := codes.Check(ctx, r, list[0].Reveal())
		fmt.Println(signIn, got.Right, err)
	}
	left, err := codes.Left(ctx, alice)
	fmt.Println(left, "left", err)
	// Output:
	// first true <nil>
	// first true <nil>
	// second false <nil>
	// 9 left <nil>
}
