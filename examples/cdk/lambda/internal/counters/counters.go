// Package counters has the options that the functions of one pool must share: where
// they count, and by which names.
package counters

import (
	"context"
	"fmt"
	"os"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/secretskeys"
)

// Options reads CUSTOMAUTH_COUNTER_SECRET, the secret that CounterKey is in, and
// CUSTOMAUTH_TABLE. The counter key is one, and never rotated.
func Options(ctx context.Context, client secretskeys.Reader) (customauth.Options, error) {
	keys, err := secretskeys.Read(ctx, client, os.Getenv("CUSTOMAUTH_COUNTER_SECRET"))
	if err == nil && len(keys) != 1 {
		err = fmt.Errorf("there are %d, and it is one that is never rotated", len(keys))
	}
	if err != nil {
		return customauth.Options{}, fmt.Errorf("the key of the counters (CUSTOMAUTH_COUNTER_SECRET): %w", err)
	}
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("CUSTOMAUTH_TABLE")})
	if err != nil {
		return customauth.Options{}, err
	}
	return customauth.Options{CounterKey: keys[0], Store: store}, nil
}
