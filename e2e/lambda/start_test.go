package lambda_test

// This file starts functions with a bad configuration.

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestStartRefusesBadKeys(t *testing.T) {
	key := newKey()
	short := base64.StdEncoding.EncodeToString([]byte("31 bytes, which is one too few."))
	for _, c := range []struct {
		name, keys, want string
	}{
		{"missing", "", "no key"},
		{"short", short, "needs 32"},
		{"second one short", key + "," + short, "needs 32"},
		{"not base64", "correct horse battery staple, correct horse", "not base64"},
	} {
		for _, function := range []string{"onelambda", "threelambdas/define", "threelambdas/create", "threelambdas/verify", "custom", "mfa"} {
			t.Run(c.name+"/"+function, func(t *testing.T) {
				t.Parallel()
				out := &output{}
				f, err := cognitotest.StartFunction(bootstrap(function), cognitotest.FunctionOptions{
					Env:    []string{"CUSTOMAUTH_KEYS=" + c.keys},
					Output: out,
				})
				if err == nil {
					f.Close()
					t.Fatal("the function started")
				}
				printed := strings.TrimSuffix(out.String(), "\n")
				if strings.Contains(printed, "\n") {
					t.Errorf("printed more than a line:\n%s", printed)
				}
				for _, want := range []string{"CUSTOMAUTH_KEYS", c.want, "openssl rand -base64 32"} {
					if !strings.Contains(printed, want) {
						t.Errorf("printed %q, want it to say %q", printed, want)
					}
				}
				for _, part := range strings.Split(c.keys, ",") {
					if part != "" && strings.Contains(printed, part) {
						t.Error("printed a key")
					}
				}
			})
		}
	}
}

func TestStartRefusesBadSettingsOfCustom(t *testing.T) {
	t.Parallel()
	good := []string{"CUSTOMAUTH_KEYS=" + newKey(), "SMS_API_URL=https://localhost", "SMS_API_USER=AC00", "SMS_API_PASSWORD=made-up-token", "SMS_FROM=+12065550199"}
	for _, bad := range []string{"SMS_API_URL=http://localhost", "SMS_API_URL=", "SMS_API_USER=", "SMS_API_PASSWORD=", "SMS_FROM="} {
		out := &output{}
		f, err := cognitotest.StartFunction(bootstrap("custom"), cognitotest.FunctionOptions{Env: append(good[:len(good):len(good)], bad), Output: out})
		if err == nil {
			f.Close()
			t.Errorf("%s: the function started", bad)
		}
		if !strings.Contains(out.String(), "set SMS_API_URL") || strings.Contains(out.String(), "made-up-token") {
			t.Errorf("%s: printed %q", bad, out)
		}
	}
}
