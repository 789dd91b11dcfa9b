package device_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
)

// A device is remembered, and is then known in a sign-in. Here Go plays the browser;
// web/device.js is what a page has.
func Example() {
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err)
	}
	devices := device.Devices{Credentials: vault}
	ctx, alice := context.Background(), credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "5a1c7d3e-0000-4000-8000-000000000000"}

	browser, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	point, _ := browser.PublicKey.Bytes()
	laptop, err := devices.Remember(ctx, alice, "Firefox on Linux", point)
	fmt.Println(laptop.Name, err)

	// customauth.Options{Known: devices.Known} asks this for each challenge.
	r := customauth.Request{
		PoolID: alice.Pool, SignIn: "1",
		Attributes: map[string]customauth.Secret{"sub": customauth.Hide(alice.Sub)},
	}
	hash := sha256.Sum256([]byte("customauth device\n" + r.Nonce()))
	x, y, _ := ecdsa.Sign(rand.Reader, browser, hash[:])
	signature := make([]byte, 64)
	x.FillBytes(signature[:32])
	y.FillBytes(signature[32:])
	r.ClientMetadata = map[string]customauth.Secret{
		"device": customauth.Hide(laptop.ID + "." + base64.RawURLEncoding.EncodeToString(signature)),
	}
	known, err := devices.Known(ctx, r)
	fmt.Println(known, err)

	err = devices.ForgetAll(ctx, alice) // with a global sign-out
	fmt.Println(err)
	known, err = devices.Known(ctx, r)
	fmt.Println(known, err)
	// Output:
	// Firefox on Linux <nil>
	// true <nil>
	// <nil>
	// false <nil>
}
