package smsguard_test

// This file is the sign-in around a guard: the real triggers, with texts that are
// kept instead of sent.

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/smsguard"
)

const poolID = "eu-west-1_Ab1Cd2Ef3"

type pool struct {
	create func(context.Context, events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error)
	verify func(context.Context, events.CognitoEventUserPoolsVerifyAuthChallenge) (events.CognitoEventUserPoolsVerifyAuthChallenge, error)

	code   string // of the last text
	event  customauth.Event
	report []smsguard.Report
}

// newPool puts a guard with these options into a pool.
func newPool(t *testing.T, o smsguard.Options) *pool {
	t.Helper()
	p := &pool{}
	o.Report = func(_ context.Context, r smsguard.Report) { p.report = append(p.report, r) }
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	guard, err := smsguard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p.with(t, guard)
}

func (p *pool) with(t *testing.T, guard customauth.Guard) *pool {
	t.Helper()
	phone := customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
		p.code = m.Code.Reveal()
		return nil
	})
	options := customauth.Options{
		Keys:    keys,
		Logger:  slog.New(slog.DiscardHandler),
		Observe: func(_ context.Context, e customauth.Event) { p.event = e },
		Guard:   guard,
		Steps:   []customauth.Step{{Name: "otp", Challenge: customauth.OTP{Destination: destination}}},
		Senders: map[string]customauth.Sender{"SMS": phone, "VOICE": phone, "EMAIL": phone},
		Store:   customauth.NewMemoryStore(), // customauth's own limits; the guard has its own store
	}
	var err error
	if p.create, err = customauth.NewCreate(options); err != nil {
		t.Fatal(err)
	}
	if p.verify, err = customauth.NewVerify(options); err != nil {
		t.Fatal(err)
	}
	return p
}

var keys = []customauth.Secret{customauth.Hide("a key that is made of 32 letters")}

// destination is what the user has: a number for texts, or for calls, or an address.
func destination(_ context.Context, r customauth.Request) (customauth.Destination, error) {
	if mail := r.Attributes["email"]; mail.Reveal() != "" && !r.UserNotFound {
		return customauth.Destination{Medium: "EMAIL", Address: mail}, nil
	}
	medium := "SMS"
	if r.Attributes["custom:calls"].Reveal() != "" {
		medium = "VOICE"
	}
	return customauth.Destination{Medium: medium, Address: r.Attributes["phone_number"]}, nil
}

// A text is what a user got after asking for a code.
type text struct {
	user, code string
	private    map[string]string
	attributes map[string]string
}

// ask begins a sign-in of the user with this number. The text is nil if none was
// sent; why says the operator's reason.
func (p *pool) ask(t *testing.T, number string) (sent *text, why string) {
	t.Helper()
	return p.askFor(t, map[string]string{"phone_number": number})
}

func (p *pool) askFor(t *testing.T, attributes map[string]string) (sent *text, why string) {
	t.Helper()
	var e events.CognitoEventUserPoolsCreateAuthChallenge
	e.TriggerSource, e.UserPoolID = "CreateAuthChallenge_Authentication", poolID
	e.CallerContext.ClientID = "client"
	e.UserName = "user of " + fmt.Sprint(attributes)
	e.Request.ChallengeName = "CUSTOM_CHALLENGE"
	e.Request.UserAttributes = attributes
	p.code = ""
	e, err := p.create(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if p.code == "" {
		if p.event.Reason != customauth.ReasonGuard {
			return nil, string(p.event.Reason)
		}
		return nil, strings.TrimPrefix(p.event.Err.Error(), "smsguard: ")
	}
	return &text{e.UserName, p.code, e.Response.PrivateChallengeParameters, attributes}, ""
}

// answer types the code of a text.
func (p *pool) answer(t *testing.T, got *text) {
	t.Helper()
	var e events.CognitoEventUserPoolsVerifyAuthChallenge
	e.TriggerSource, e.UserPoolID = "VerifyAuthChallengeResponse_Authentication", poolID
	e.CallerContext.ClientID = "client"
	e.UserName = got.user
	e.Request.UserAttributes = got.attributes
	e.Request.PrivateChallengeParameters = got.private
	e.Request.ChallengeAnswer = got.code
	e, err := p.verify(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Response.AnswerCorrect {
		t.Fatal("the right code was refused")
	}
}

// signIn asks and answers, and reports why no text came.
func (p *pool) signIn(t *testing.T, number string) (why string) {
	t.Helper()
	got, why := p.ask(t, number)
	if got != nil {
		p.answer(t, got)
	}
	return why
}

// Mobile numbers of three countries, each n another one, and each in a range of
// its own while n is small.
func british(n int) string   { return fmt.Sprintf("+44740%03d%04d", n%1000, n/1000) }
func srilankan(n int) string { return fmt.Sprintf("+9471%03d%04d", n%1000, n/1000) }
func jamaican(n int) string  { return fmt.Sprintf("+1876%03d%04d", 223+n%ranges, n/ranges) }

const ranges = 277 // of Jamaica that are assigned, from 876-223 on
