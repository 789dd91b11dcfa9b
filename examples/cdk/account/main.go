// Command account serves the account of signed-in users over a Lambda Function URL:
// they list, add, rename and remove passkeys, authenticator apps, recovery codes and
// devices. The CDK app of examples/cdk deploys it with -c account=true.
//
// It is a module and a function of its own, so that the functions of the sign-in stay
// as small as they are, and have no right to what it may do.
//
// It is configured by the environment: CUSTOMAUTH_ISSUER and CUSTOMAUTH_CLIENT_IDS
// (whose access tokens count), CUSTOMAUTH_ORIGIN, CUSTOMAUTH_RP_ID and CUSTOMAUTH_SITE
// (where the app runs, what passkeys are bound to, and what the site is called),
// CUSTOMAUTH_CREDENTIALS_TABLE and CUSTOMAUTH_CREDENTIAL_SECRET (what users enrol, and
// what seals it), CUSTOMAUTH_ACCOUNT_SECRET (what seals an enrolment under way),
// CUSTOMAUTH_TABLE and CUSTOMAUTH_COUNTRIES (as the sign-in has them); if wanted,
// CUSTOMAUTH_SENDER_ID and CUSTOMAUTH_ORIGINATION_NUMBER.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdaurl"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/account"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/credentials"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/recovery"
	"github.com/cyber-eternal/customauth/secretskeys"
	"github.com/cyber-eternal/customauth/smsguard"
	"github.com/cyber-eternal/customauth/totp"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	handler, err := newHandler(context.Background())
	if err != nil {
		slog.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambdaurl.Start(handler)
}

// limit is how many changes a user can try. Each is a text, so it is tighter than the
// default of 30 an hour: an account must be no cheaper way to texts than a sign-in.
var limit = customauth.Window{Max: 20, Per: 24 * time.Hour}

// newHandler runs in Lambda's init phase, where CPU is free.
func newHandler(ctx context.Context) (http.Handler, error) {
	client, err := secretskeys.NewClient()
	if err != nil {
		return nil, err
	}
	vault, err := newVault(ctx, client)
	if err != nil {
		return nil, err
	}
	keys, err := read(ctx, client, "CUSTOMAUTH_ACCOUNT_SECRET")
	if err != nil {
		return nil, err
	}
	store, err := dynamodbstore.New(dynamodbstore.Options{Table: os.Getenv("CUSTOMAUTH_TABLE")})
	if err != nil {
		return nil, err
	}
	notices, err := newNotices(store)
	if err != nil {
		return nil, err
	}
	pool, err := account.NewPool(ctx, account.PoolOptions{
		Issuer:  os.Getenv("CUSTOMAUTH_ISSUER"),
		Clients: strings.Split(os.Getenv("CUSTOMAUTH_CLIENT_IDS"), ","),
	})
	if err != nil {
		return nil, err
	}
	site := os.Getenv("CUSTOMAUTH_SITE")
	return account.New(account.Options{
		Pool:  pool,
		Key:   keys[0],
		Store: store,
		Passkeys: &passkey.RelyingParty{
			ID: os.Getenv("CUSTOMAUTH_RP_ID"), Name: site, Origins: []string{os.Getenv("CUSTOMAUTH_ORIGIN")}, Credentials: vault,
		},
		Apps:     &totp.Codes{Issuer: site, Credentials: vault, Store: store},
		Recovery: &recovery.Codes{Credentials: vault},
		Devices:  &device.Devices{Credentials: vault},
		Limit:    limit,
		Senders:  map[string]customauth.Sender{"SMS": notices},
	})
}

// newVault is where users' credentials are kept. A step of the sign-in that asks for
// them has the same table and the same keys.
func newVault(ctx context.Context, client secretskeys.Reader) (*credential.Vault, error) {
	keys, err := read(ctx, client, "CUSTOMAUTH_CREDENTIAL_SECRET")
	if err != nil {
		return nil, err
	}
	store, err := credentials.New(credentials.Options{Table: os.Getenv("CUSTOMAUTH_CREDENTIALS_TABLE")})
	if err != nil {
		return nil, err
	}
	return credential.New(store, keys)
}

// read reads the secret that a variable of the environment names.
func read(ctx context.Context, client secretskeys.Reader, variable string) ([]customauth.Secret, error) {
	keys, err := secretskeys.Read(ctx, client, os.Getenv(variable))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return keys, nil
}

// notices are the texts that tell users of a change. They are paid for like any other,
// so smsguard decides about them by the same countries and the same budgets.
type notices struct {
	*customauth.SNSSender
	guard *smsguard.Guard
}

func newNotices(store customauth.Store) (notices, error) {
	guard, err := smsguard.New(smsguard.Options{Store: store, Allow: strings.Split(os.Getenv("CUSTOMAUTH_COUNTRIES"), ",")})
	return notices{&customauth.SNSSender{
		SenderID:          os.Getenv("CUSTOMAUTH_SENDER_ID"),
		OriginationNumber: os.Getenv("CUSTOMAUTH_ORIGINATION_NUMBER"),
	}, guard}, err
}

// Send implements [customauth.Sender].
func (n notices) Send(ctx context.Context, m customauth.Message) error {
	if err := n.guard.Allow(ctx, m.Request, m.To); err != nil {
		return err
	}
	return n.SNSSender.Send(ctx, m)
}
