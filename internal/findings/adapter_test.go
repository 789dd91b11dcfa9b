package findings_test

// The adapter: all that the tests know of the package's API. testdata has the same
// for the API of commit 1feefeb.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
)

const counterKey = "the counters' own key, 32 letters"

type store = customauth.Store

func newStore() store { return customauth.NewMemoryStore() }

// build makes the handler for all triggers.
func build(s spec, seen *log) (lambda.Handler, error) {
	o := customauth.Options{
		InsecureNoLimits: s.noLimits,
		Logger:           slog.New(slog.NewTextHandler(io.Discard, nil)),
		Store:            s.store,
		CounterKey:       customauth.Hide(counterKey),
		Guard:            guard{seen, s.guard},
	}
	o.Observe = func(_ context.Context, e customauth.Event) {
		seen.event(string(e.Trigger), string(e.Reason))
		if s.observe != nil {
			s.observe()
		}
	}
	for _, k := range s.keys {
		o.Keys = append(o.Keys, customauth.Hide(k))
	}
	send := customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
		seen.text(m.To.Address.Reveal(), m.Code.Reveal(), held{m, m.To, m.Request})
		return nil
	})
	if s.nilSender {
		send = nil
	}
	o.Senders = map[string]customauth.Sender{"SMS": send, "EMAIL": send}
	for _, step := range s.steps {
		o.Steps = append(o.Steps, challenge(step))
	}
	for _, w := range s.guesses {
		o.Limits.Guesses = append(o.Limits.Guesses, customauth.Window{Max: w.max, Per: w.per})
	}
	for _, l := range s.shared {
		o.Limits.Named = append(o.Limits.Named, customauth.Limit{
			Name: l.name, Guesses: l.guesses, Windows: []customauth.Window{{Max: l.max, Per: l.per}},
			Key: func(context.Context, customauth.Request) (string, error) { return "all", nil },
		})
	}
	triggers := map[string]lambda.Handler{}
	for _, name := range s.triggers {
		triggers[name] = lambda.NewHandler(func() error { return nil })
	}
	return customauth.NewHandler(o, triggers)
}

func challenge(s stepSpec) customauth.Step {
	switch s.kind {
	case "password":
		return customauth.Password()
	case "long":
		return customauth.Step{Name: "long", Challenge: long{s.public}}
	}
	o := customauth.OTP{
		Medium: s.medium, TTL: s.ttl, ResendAfter: s.resendAfter, MaxSends: s.maxSends,
		WebOTPDomain: s.webOTPDomain, TestCodesUntil: s.testUntil,
	}
	for address, code := range s.testCodes {
		o.TestCodes = maps.Clone(o.TestCodes)
		if o.TestCodes == nil {
			o.TestCodes = map[string]customauth.Secret{}
		}
		o.TestCodes[address] = customauth.Hide(code)
	}
	name := s.name
	if name == "" {
		name = "otp"
	}
	if s.kind == "wrapped" {
		return customauth.Step{Name: name, Challenge: counted{o}}
	}
	return customauth.Step{Name: name, Challenge: o}
}

// counted is a decoration that adds nothing.
type counted struct{ customauth.Challenge }

type guard struct {
	*log
	refuse string
}

func (g guard) Allow(context.Context, customauth.Request, customauth.Destination) error {
	if g.refuse != "" {
		return errors.New(g.refuse)
	}
	return nil
}

func (g guard) Verified(_ context.Context, _ customauth.Request, to customauth.Destination) {
	g.prove(to.Address.Reveal())
}

// long is a passkey, as far as its sizes go.
type long struct{ public int }

func (long) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{State: strings.Repeat("s", 64), MaxAnswer: 4096, Unguessable: true}, nil
}

func (l long) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"credentials": strings.Repeat("c", l.public)}, nil
}

func (long) Check(_ context.Context, _ customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: answer == assertion}, nil
}

// held is somebody's struct with values of the package in it.
type held struct {
	message     customauth.Message
	destination customauth.Destination
	request     customauth.Request
}

// printed are Options as fmt shows them.
func printed(key, testCode string) string {
	return fmt.Sprintf("%+v", customauth.Options{
		Keys: []customauth.Secret{customauth.Hide(key)},
		Steps: []customauth.Step{{Name: "otp", Challenge: customauth.OTP{
			TestCodes: map[string]customauth.Secret{phone: customauth.Hide(testCode)},
		}}},
	})
}

func parseKeys(keys string) error {
	_, err := customauth.ParseKeys(keys)
	return err
}
