package postauth_test

// This file is the attacks of "Pre-hijacked Accounts" (Sudhodanan and Paverd, USENIX
// Security 2022) against a pool with these triggers, over HTTP with the real client:
// somebody is in an account before the owner of its number comes. Each row says who
// is in, before and after the owner proved the number.

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
)

const (
	codes     = "1example23456789codeclient" // signs in by codes alone
	passwords = "2example23456789passclient" // signs in by passwords
	own       = "+12065550111"               // the attacker's number
	evil      = "attacker@example.com"
	secret    = "Chosen-By-The-Attacker-1"
)

// who is in the account, by what.
type who struct {
	Session, Refresh, Password, Mail bool   // the attacker
	Owner                            bool   // who holds the number
	Number, Verified                 string // what the pool says of it
}

// An attack is a pool with an attacker and the owner of a number.
type attack struct {
	*testing.T
	pool   *cognitotest.Pool
	client *cognito.Client
	inbox  *cognitotest.Inbox

	user   string // the user name of the account
	tokens *types.AuthenticationResultType
	during func() // what the attacker does between the code and the mark
}

func newAttack(t *testing.T, o postauth.Options, verifyFirst ...string) *attack {
	a := &attack{T: t, inbox: new(cognitotest.Inbox), during: func() {}}
	const atOnce = time.Millisecond // one sign-in after the other, without waiting
	steps := []customauth.Step{{Name: "otp", Challenge: customauth.OneOf{Ask: true, Ways: []customauth.Step{
		{Name: "sms", Challenge: customauth.OTP{ResendAfter: atOnce}},
		{Name: "mail", Challenge: customauth.OTP{Medium: "EMAIL", ResendAfter: atOnce}},
	}}}}
	options := customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("a key that is made of 32 letters")},
		Store:   customauth.NewMemoryStore(),
		Steps:   steps,
		Senders: map[string]customauth.Sender{"SMS": a.inbox, "EMAIL": a.inbox},
		Logger:  slog.New(slog.DiscardHandler),
	}
	var late struct{ postauth.Client } // the pool that it calls comes later
	o.Client, o.Proved, o.FailSignIn = &late, options.Proved, true
	o.Removed = func(context.Context, string, string) error { a.during(); return nil }
	handler, err := customauth.NewHandler(options, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(presignup.New(nil)),
		"PostAuthentication": lambda.NewHandler(newHandler(t, o)),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.pool, err = cognitotest.NewPool(cognitotest.Config{
		Triggers:               cognitotest.Triggers{All: handler, PreSignUp: handler, PostAuthentication: handler},
		UsernameAttributes:     []string{"phone_number", "email"},
		AutoVerifiedAttributes: []string{"phone_number", "email"},
		AttributesRequireVerificationBeforeUpdate: verifyFirst,
		Inbox: a.inbox,
		Clients: []cognitotest.Client{
			{ID: codes},
			{ID: passwords, ExplicitAuthFlows: []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := cognitotest.NewServer(a.pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	a.client = cognito.New(cognito.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	late.Client = a.client
	return a
}

func attributeList(attributes map[string]string) (list []types.AttributeType) {
	for name, value := range attributes {
		list = append(list, types.AttributeType{Name: aws.String(name), Value: aws.String(value)})
	}
	return list
}

// signUp makes the attacker's account, with a password, and signs him in by it.
func (a *attack) signUp(phone string, others map[string]string) {
	a.Helper()
	attributes := map[string]string{"phone_number": phone}
	for name, value := range others {
		attributes[name] = value
	}
	out, err := a.client.SignUp(a.Context(), &cognito.SignUpInput{
		ClientId: aws.String(passwords), Username: aws.String(phone), Password: aws.String(secret), UserAttributes: attributeList(attributes),
	})
	if err != nil {
		a.Fatal(err)
	}
	a.user = *out.UserSub
	if a.tokens = a.byPassword(); a.tokens == nil {
		a.Fatal("the attacker is not in his own account")
	}
}

func (a *attack) byPassword() *types.AuthenticationResultType {
	out, err := a.client.InitiateAuth(a.Context(), &cognito.InitiateAuthInput{
		ClientId: aws.String(passwords), AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": a.user, "PASSWORD": secret},
	})
	if err != nil {
		return nil
	}
	return out.AuthenticationResult
}

// change sets an attribute as the attacker, in the session that he has.
func (a *attack) change(name, value string) error {
	_, err := a.client.UpdateUserAttributes(a.Context(), &cognito.UpdateUserAttributesInput{
		AccessToken: a.tokens.AccessToken, UserAttributes: attributeList(map[string]string{name: value}),
	})
	return err
}

// verify answers the code that the pool itself has sent to an attribute.
func (a *attack) verify(name, to string) error {
	_, err := a.client.VerifyUserAttribute(a.Context(), &cognito.VerifyUserAttributeInput{
		AccessToken: a.tokens.AccessToken, AttributeName: aws.String(name), Code: aws.String(a.inbox.Code(to)),
	})
	return err
}

// signIn is a sign-in by a code, in one of the ways, of somebody who reads what comes
// to an address.
func (a *attack) signIn(name, way, to string) bool {
	a.Helper()
	s, err := a.pool.SignIn(a.Context(), name)
	if err != nil {
		a.Fatal(err)
	}
	before := len(a.inbox.Messages(to))
	if err := s.Choose(a.Context(), way); err != nil {
		a.Fatal(err)
	}
	if s.Parameters["way"] != way || s.Parameters["errorCode"] != "" {
		a.Fatalf("the challenge is %v", s.Parameters)
	}
	code := "000000"
	if len(a.inbox.Messages(to)) > before {
		code = a.inbox.Code(to)
	}
	return s.Answer(a.Context(), code, nil) == nil && s.Done()
}

// look finds out who is in.
func (a *attack) look() who {
	a.Helper()
	var w who
	_, err := a.client.GetUser(a.Context(), &cognito.GetUserInput{AccessToken: a.tokens.AccessToken})
	w.Session = err == nil
	_, err = a.client.InitiateAuth(a.Context(), &cognito.InitiateAuthInput{
		ClientId: aws.String(passwords), AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": *a.tokens.RefreshToken},
	})
	w.Refresh = err == nil
	w.Password = a.byPassword() != nil
	attributes := a.pool.Attributes(a.user)
	w.Number, w.Verified = attributes["phone_number"], attributes["phone_number_verified"]
	return w
}

func TestPreHijacking(t *testing.T) {
	in := who{Session: true, Refresh: true, Password: true}
	with := func(w who, edit func(*who)) who { edit(&w); return w }
	for name, tt := range map[string]struct {
		options     postauth.Options
		verifyFirst []string
		attack      func(a *attack)             // before the owner comes
		afterwards  func(a *attack) (mail bool) // what the attacker tries then, by e-mail
		before      who
		after       who
	}{
		// The attacker signs up with the owner's number and a password; the owner comes
		// by a code, as he would by another route into the same account.
		"classic-federated merge": {
			attack: func(a *attack) { a.signUp(number, nil) },
			before: with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:  who{Owner: true, Number: number, Verified: "true"},
		},
		// The same, and all that is left is the session that he opened then.
		"unexpired session": {
			options: postauth.Options{InsecureKeepPassword: true},
			attack:  func(a *attack) { a.signUp(number, nil) },
			before:  with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:   who{Owner: true, Password: true, Number: number, Verified: "true"},
		},
		"unexpired session, kept": {
			options: postauth.Options{InsecureKeepSessions: true},
			attack:  func(a *attack) { a.signUp(number, nil) },
			before:  with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:   who{Owner: true, Session: true, Refresh: true, Number: number, Verified: "true"},
		},
		// He adds an address of his own, to come in by e-mail later.
		"trojan identifier": {
			attack:     func(a *attack) { a.signUp(number, map[string]string{"email": evil}) },
			afterwards: func(a *attack) bool { return a.signIn(number, "mail", evil) },
			before:     with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:      who{Owner: true, Number: number, Verified: "true"},
		},
		// He proves his own address first. Then the number is no way in: the account is
		// his, and the owner of the number does not get into it.
		"trojan identifier, proved": {
			attack: func(a *attack) {
				a.signUp(number, nil)
				if err := a.change("email", evil); err != nil {
					a.Fatal(err)
				}
				if err := a.verify("email", evil); err != nil {
					a.Fatal(err)
				}
			},
			afterwards: func(a *attack) bool { return a.signIn(number, "mail", evil) },
			before:     with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:      with(in, func(w *who) { w.Mail, w.Number, w.Verified = true, number, "false" }),
		},
		// He asks for a change to his address, and answers the code for it afterwards.
		"unexpired email change": {
			verifyFirst: []string{"email"},
			attack: func(a *attack) {
				a.signUp(number, nil)
				if err := a.change("email", evil); err != nil {
					a.Fatal(err)
				}
			},
			afterwards: func(a *attack) bool {
				if err := a.verify("email", evil); err == nil {
					a.Error("the old session verified an address")
				}
				return a.signIn(number, "mail", evil)
			},
			before: with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:  who{Owner: true, Number: number, Verified: "true"},
		},
		// He has an account with a number of his own that he proved, and changes it to
		// the owner's.
		"a number that was changed": {
			attack: func(a *attack) {
				a.signUp(own, nil)
				if !a.signIn(own, "sms", own) {
					a.Fatal("the attacker does not get in by his own number")
				}
				if _, err := a.client.AdminSetUserPassword(a.Context(), &cognito.AdminSetUserPasswordInput{
					UserPoolId: aws.String(a.pool.ID()), Username: aws.String(a.user), Password: aws.String(secret), Permanent: true,
				}); err != nil {
					a.Fatal(err)
				}
				a.tokens = a.byPassword()
				if err := a.change("phone_number", number); err != nil {
					a.Fatal(err)
				}
			},
			before: with(in, func(w *who) { w.Number, w.Verified = number, "false" }),
			after:  who{Owner: true, Number: number, Verified: "true"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttack(t, tt.options, tt.verifyFirst...)
			tt.attack(a)
			if diff := cmp.Diff(tt.before, a.look()); diff != "" {
				t.Errorf("before (-want +got):\n%s", diff)
			}
			owner := a.signIn(number, "sms", number)
			mail := tt.afterwards != nil && tt.afterwards(a)
			got := a.look()
			got.Owner, got.Mail = owner, mail
			if diff := cmp.Diff(tt.after, got); diff != "" {
				t.Errorf("after (-want +got):\n%s", diff)
			}
			if tt.after.Owner && a.pool.Attributes(a.user)["email_verified"] == "true" {
				t.Error("the e-mail address was marked, too")
			}
		})
	}
}

// Between the attacker's own code and the mark, another session of his changes the
// number to somebody else's. That one is not marked, and the pool sends nothing for
// the mark.
func TestNumberChangedMeanwhile(t *testing.T) {
	for name, verifyFirst := range map[string][]string{"updated at once": nil, "verified before the update": {"phone_number"}} {
		t.Run(name, func(t *testing.T) {
			a := newAttack(t, postauth.Options{}, verifyFirst...)
			a.signUp(own, nil)
			sent := 0
			a.during = func() {
				if err := a.change("phone_number", number); err != nil {
					t.Error(err)
				}
				sent = len(a.inbox.Messages(number))
			}
			if !a.signIn(own, "sms", own) {
				t.Fatal("the attacker is not in his own account")
			}
			got := a.pool.Attributes(a.user)
			if got["phone_number"] != own || got["phone_number_verified"] != "true" {
				t.Errorf("the number is %s, verified %s", got["phone_number"], got["phone_number_verified"])
			}
			if n := len(a.inbox.Messages(number)); n != sent {
				t.Errorf("the mark made the pool send %d messages", n-sent)
			}
			if err := a.verify("phone_number", number); err == nil {
				t.Error("the code for the other number is still good")
			}
		})
	}
}

// An identity provider that does not verify numbers: its user has one that he never
// proved, and what he signs in by proves nothing to this trigger.
func TestNonVerifyingIdentityProvider(t *testing.T) {
	a := newAttack(t, postauth.Options{})
	if err := a.pool.AddUser(number, map[string]string{"phone_number": number, "cognito:user_status": "EXTERNAL_PROVIDER"}); err != nil {
		t.Fatal(err)
	}
	if !a.signIn(number, "sms", number) {
		t.Fatal("the code was refused, so there was nothing to mark")
	}
	if got := a.pool.Attributes(number)["phone_number_verified"]; got != "false" {
		t.Errorf("phone_number_verified is %q", got)
	}
}

// The tokens of the sign-in that proved the number are good, here. Whether they are in
// the service, where they may be of the same second as the sign-out, is not known.
func TestOwnTokensSurvive(t *testing.T) {
	a := newAttack(t, postauth.Options{})
	a.signUp(number, nil)
	s, err := a.pool.SignIn(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Choose(t.Context(), "sms"); err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(t.Context(), a.inbox.Code(number), nil); err != nil || !s.Done() {
		t.Fatalf("done = %v, error %v", s.Done(), err)
	}
	if _, err := a.client.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: aws.String(s.Tokens().AccessToken)}); err != nil {
		t.Errorf("the owner is signed out: %v", err)
	}
}
