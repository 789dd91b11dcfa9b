// Package signin says how users sign in, once for all functions of
// examples/threelambdas. They take their Options from here, so they cannot drift
// apart: functions with different keys or steps do not understand each other.
package signin

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/cyber-eternal/customauth"
)

// Options reads the keys from CUSTOMAUTH_KEYS. All else is the default: six
// digits by SMS over Amazon SNS.
func Options() (customauth.Options, error) {
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err != nil {
		return customauth.Options{}, fmt.Errorf("CUSTOMAUTH_KEYS: %w", err)
	}
	return customauth.Options{
		Keys:   keys,
		Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}, nil
}
