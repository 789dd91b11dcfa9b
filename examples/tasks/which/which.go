// Package which has the blocks of docs/which.md: what each way of signing in adds to a
// function.
package which

//lint:file-ignore SA4006 The page leaves the checks of errors out.

import (
	"os"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/dynamodbstore/credentials"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/recovery"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/totp"
)

func sms(options *customauth.Options, _ *credential.Vault) {
	// docs: sms
	options.Senders = map[string]customauth.Sender{"SMS": &customauth.SNSSender{SenderID: "ACME", MaxPrice: "0.10"}}
	// end
}

func email(options *customauth.Options, _ *credential.Vault) {
	// docs: email
	options.Steps = []customauth.Step{{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL", TTL: 10 * time.Minute}}}
	options.Senders = map[string]customauth.Sender{"EMAIL": &ses.Sender{From: "Example <login@example.com>"}}
	// end
}

func link(options *customauth.Options, _ *credential.Vault) {
	// docs: link
	options.Steps = []customauth.Step{{Name: "link", Challenge: magiclink.Challenge{
		Origins: []string{"https://app.example.com"},
		Path:    "/sign-in",
	}}}
	options.Senders = map[string]customauth.Sender{"EMAIL": &ses.Sender{From: "Example <login@example.com>"}}
	// end
}

func newVault() (*credential.Vault, error) {
	// docs: vault
	store, err := credentials.New(credentials.Options{Table: os.Getenv("CREDENTIALS_TABLE")})
	keys, err := customauth.ParseKeys(os.Getenv("CREDENTIAL_KEYS"))
	vault, err := credential.New(store, keys)
	// end
	return vault, err
}

func passkeys(options *customauth.Options, vault *credential.Vault) {
	// docs: passkey
	options.Steps = []customauth.Step{{Name: "passkey", Challenge: passkey.RelyingParty{
		ID:          "example.com",
		Name:        "Example",
		Origins:     []string{"https://example.com"},
		Credentials: vault,
	}}}
	// end
}

func app(options *customauth.Options, vault *credential.Vault) {
	// docs: totp
	options.Steps = []customauth.Step{
		customauth.Password(),
		{Name: "totp", Challenge: totp.Codes{
			Issuer:      "Example",
			Credentials: vault,
			Store:       options.Store,
		}},
	}
	// end
}

func known(options *customauth.Options, vault *credential.Vault) {
	// docs: known
	devices := device.Devices{Credentials: vault}
	options.Known = devices.Known
	// end
}

func deviceStep(options *customauth.Options, vault *credential.Vault) {
	devices := device.Devices{Credentials: vault}
	// docs: device
	options.Steps = []customauth.Step{
		customauth.Password(),
		{Name: "proof", Challenge: customauth.OneOf{Ways: []customauth.Step{
			{Name: "device", Challenge: devices}, {Name: "sms", Challenge: customauth.OTP{}}}}},
	}
	// end
}

func paperWay(options *customauth.Options, vault *credential.Vault) {
	// docs: recovery
	paper := customauth.Step{Name: "recovery", Challenge: recovery.Codes{Credentials: vault}}
	// end
	options.Steps = []customauth.Step{{Name: "code", Challenge: customauth.OneOf{Ways: []customauth.Step{
		{Name: "sms", Challenge: customauth.OTP{}}, paper,
	}}}}
}
