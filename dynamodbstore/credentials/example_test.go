package credentials_test

import (
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/dynamodbstore/credentials"
)

// A vault on a table. On Lambda, Client can be left out.
func Example() {
	store, err := credentials.New(credentials.Options{Table: "credentials", Client: client("http://127.0.0.1:8000")})
	if err != nil {
		panic(err)
	}
	_, err = credential.New(store, []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	fmt.Println(err)

	_, err = credentials.New(credentials.Options{})
	fmt.Println(err)
	// Output:
	// <nil>
	// credentials: Table must be the name or the ARN of a table
}
