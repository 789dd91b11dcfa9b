package credential_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

// A record that two change at once: the second one is told, and decides again.
func Example() {
	keys := []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")} // from a secret manager
	vault, err := credential.New(credential.NewMemoryStore(), keys)
	if err != nil {
		panic(err)
	}
	ctx, user := context.Background(), credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "5a1c7d3e-0000-4000-8000-000000000000"}
	key, err := vault.Put(ctx, user, "device", credential.Record{Data: customauth.Hide("laptop")})
	if err != nil {
		panic(err)
	}

	renamed, removed := key, key
	renamed.Data = customauth.Hide("work laptop")
	if _, err := vault.Put(ctx, user, "device", renamed); err != nil {
		panic(err)
	}
	err = vault.Delete(ctx, user, "device", removed)
	fmt.Println(errors.Is(err, credential.ErrConflict))

	records, err := vault.List(ctx, user, "device")
	fmt.Println(len(records), records[0].Data.Reveal(), err)
	// Output:
	// true
	// 1 work laptop <nil>
}
