// Package totp is a step of a sign-in that is passed with the six digits of an
// authenticator app (RFC 6238).
//
//	app := totp.Codes{Issuer: "Example", Credentials: vault, Store: store}
//	customauth.Options{Store: store, Steps: []customauth.Step{
//		customauth.Password(),
//		{Name: "totp", Challenge: app},
//	}, ...}
//
// Codes.Begin and Finish enrol an app, for an account page. Give users recovery codes
// with it: package recovery.
package totp

import (
	"cmp"
	"context"
	"crypto/fips140"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/text"
)

const (
	// Kind is the kind of the records in the credential.Vault.
	Kind = "totp"

	// period is how long a code is shown, in seconds. All apps know this one, and
	// some no other.
	period = 30

	// drift is how many codes before and after the present one are right too
	// (RFC 6238, 5.2).
	drift = 1

	// once is how long a code that was used is remembered: longer than it is right.
	once = 5 * time.Minute
)

// Codes is the step, and enrols authenticator apps. Credentials, Store and, to enrol,
// Issuer are required. It is safe for concurrent use.
//
// The code before the present one and the one after it are right too, and each is
// right in one sign-in alone. So at any time three codes of a million are right, for
// each app that a user has: guessing is what customauth.Limits bound. A step before it
// should prove who the user is.
type Codes struct {
	// Issuer is what the app calls the account: the name of the site, without a colon.
	Issuer string

	// Credentials keep the secrets, sealed.
	Credentials *credential.Vault

	// Store remembers which codes were used: the one of customauth.Options.
	Store customauth.Store

	// Algorithm is "SHA1", "SHA256" or "SHA512", for apps that are enrolled from now
	// on. Default "SHA1", the one that all apps have; as an HMAC it is not broken. In
	// FIPS-only mode it is refused.
	Algorithm string

	// Digits is how many a code has, 6 or 8, for apps that are enrolled from now on.
	// Default 6: not all apps know 8.
	Digits int

	// TTL is how long the challenge can be answered. Default 5 minutes, at most 10.
	TTL time.Duration

	// InsecureAlone allows the step where nothing was proved before it. Whoever knows
	// a name then gets in with a chance of 3 in a million a guess, which is 1 in 17,000
	// a day with the default limits, and users who lose the phone are locked out.
	// Without it, the constructors of customauth refuse such a chain.
	InsecureAlone bool
}

// errAlone is what an operator reads who puts the step first.
var errAlone = errors.New("totp: nothing was proved before this step: put it behind one that proves who the user is, or set InsecureAlone")

// Issue asks for a code.
func (c Codes) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is := customauth.Issued{TTL: cmp.Or(c.TTL, 5*time.Minute), MaxAnswer: 64}
	if !r.Proved && !c.InsecureAlone {
		return customauth.Issued{}, errAlone
	}
	if r.Probe {
		return is, c.validate()
	}
	apps, err := c.load(ctx, credential.Of(r))
	if err != nil {
		return customauth.Issued{}, err
	}
	if len(apps) == 0 {
		is.Nobody = errors.New("the user has no authenticator app")
	}
	return is, nil
}

// Show tells how many digits a code has.
func (c Codes) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"codeLength": strconv.Itoa(c.digits())}, nil
}

// Check reports whether the answer is a code of one of the user's apps that no other
// sign-in has used, and uses it.
func (c Codes) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	apps, err := c.load(ctx, credential.Of(r))
	if err != nil {
		return customauth.Checked{}, err
	}
	code := text.Normalize(answer)
	for _, a := range apps {
		step, ok := a.find(code, time.Now())
		if !ok || r.SignIn == "" {
			continue
		}
		right, err := c.use(ctx, r, a, step)
		if right && err == nil {
			c.reseal(ctx, r, a)
		}
		return customauth.Checked{Right: right}, err
	}
	return customauth.Checked{}, nil
}

// use remembers that a code was used, and by which sign-in: Cognito may repeat a call.
func (c Codes) use(ctx context.Context, r customauth.Request, a app, step int64) (bool, error) {
	if c.Store == nil {
		return false, errors.New("totp: Store is nil")
	}
	key := r.Key("totp", a.record.ID+" "+strconv.FormatInt(step, 10))
	found, err := c.Store.Update(ctx, key, customauth.Op{
		Verb: customauth.Count, Counter: "used", Tag: r.SignIn,
		Windows: []customauth.Window{{Max: 1, Per: once}},
	})
	if err != nil {
		return false, fmt.Errorf("totp: store: %w", err)
	}
	return len(found) == 1 && found[0].Wait == 0, nil
}

// reseal writes a record that is sealed with an old key. If that fails, or somebody
// else was faster, the next sign-in does it.
func (c Codes) reseal(ctx context.Context, r customauth.Request, a app) {
	if a.record.Stale {
		c.Credentials.Put(ctx, credential.Of(r), Kind, a.record)
	}
}

func (c Codes) digits() int { return cmp.Or(c.Digits, 6) }

// validate reports what is wrong with the fields.
func (c Codes) validate() error {
	switch algorithm := cmp.Or(c.Algorithm, "SHA1"); {
	case c.Credentials == nil:
		return errors.New("totp: Credentials is required: see credential.New")
	case c.Store == nil:
		return errors.New("totp: Store is required, the one of customauth.Options: without it a code could be used twice")
	case algorithms[algorithm] == nil:
		return fmt.Errorf(`totp: Algorithm must be "SHA1", "SHA256" or "SHA512", not %.20q`, c.Algorithm)
	case algorithm == "SHA1" && fips140.Enforced():
		return errors.New(`totp: FIPS-only mode has no SHA-1: set Algorithm to "SHA256"`)
	case c.digits() != 6 && c.digits() != 8:
		return fmt.Errorf("totp: Digits must be 6 or 8, not %d", c.Digits)
	}
	return nil
}

func algorithm(a otp.Algorithm) *otp.Algorithm { return &a }

var algorithms = map[string]*otp.Algorithm{
	"SHA1": algorithm(otp.AlgorithmSHA1), "SHA256": algorithm(otp.AlgorithmSHA256), "SHA512": algorithm(otp.AlgorithmSHA512),
}

// app is a record in the Vault.
type app struct {
	Secret    string `json:"secret"` // base32
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Name      string `json:"name,omitempty"`
	Created   int64  `json:"created"`

	record credential.Record
}

var errRecord = errors.New("totp: a record is none of this package")

func decode(r credential.Record) (app, error) {
	a := app{record: r}
	if err := json.Unmarshal([]byte(r.Data.Reveal()), &a); err != nil {
		return app{}, errRecord
	}
	if algorithms[a.Algorithm] == nil || a.Digits != 6 && a.Digits != 8 {
		return app{}, errRecord
	}
	if secret, err := encoding.DecodeString(a.Secret); err != nil || len(secret) < minSecret {
		return app{}, errRecord
	}
	return a, nil
}

func (c Codes) load(ctx context.Context, u credential.User) ([]app, error) {
	if c.Credentials == nil {
		return nil, errors.New("totp: Credentials is nil")
	}
	records, err := c.Credentials.List(ctx, u, Kind)
	if err != nil {
		return nil, fmt.Errorf("totp: %w", err)
	}
	apps := make([]app, 0, len(records))
	for _, r := range records {
		a, err := decode(r)
		if err != nil {
			return nil, err
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// find is the time step of a code that is right at this time. It compares with all
// that are, in constant time.
func (a app) find(code string, now time.Time) (step int64, ok bool) {
	opts := totp.ValidateOpts{Period: period, Digits: otp.Digits(a.Digits), Algorithm: *algorithms[a.Algorithm]}
	for d := int64(-drift); d <= drift; d++ {
		at := now.Unix()/period + d
		want, err := totp.GenerateCodeCustom(a.Secret, time.Unix(at*period, 0), opts)
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}
