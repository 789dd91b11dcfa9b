// Package postauth is the post authentication trigger that writes down what a
// sign-in proved: after the first code was answered, it sets phone_number_verified
// (or email_verified) to true, once. Before that it shuts everybody else out of the
// account, who may have been in it before the address was proved.
//
// See the README for the wiring, for the permissions that it needs, and for what is
// done when something fails.
package postauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
)

// Options say what a sign-in proves, and what its first proof does to others. The
// zero value marks phone_number_verified, signs out all others, and replaces the
// password where one is a way in.
type Options struct {
	// Client calls Cognito. Nil: one from the environment that Lambda gives a
	// function; AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER and AWS_ENDPOINT_URL are
	// honoured.
	Client Client

	// Proved reports how long ago an account last proved a destination; negative if
	// it did not. The method of that name of customauth.Options fits. An attribute
	// is then marked only if it was proved within the last 2 minutes: a phone_number
	// by "SMS" or "VOICE", an email by "EMAIL". Nil: a sign-in by an app client as
	// ClientIDs says is the proof, whatever its steps were.
	Proved func(ctx context.Context, poolID, userName string, to customauth.Destination) (time.Duration, error)

	// Attributes are what may be marked: "phone_number", "email", or, with Proved,
	// both. Nil: "phone_number"; with Proved, both.
	Attributes []string

	// ClientIDs are the app clients by which nobody signs in without the code.
	//
	// The event does not say how a user signed in. Cognito calls this trigger
	// after a password, a passkey or a managed login just as well, and these
	// prove no phone number. Nil: the trigger looks the app client up and marks
	// nothing unless the client allows ALLOW_CUSTOM_AUTH and, besides it, at most
	// ALLOW_REFRESH_TOKEN_AUTH, and no OAuth flow. What it found holds for 5
	// minutes. List an app client here only if its flows are these and stay so.
	ClientIDs []string

	// Removed, if set, deletes what was enrolled for the account before its address
	// was proved: passkeys, TOTP, recovery codes, devices. It is called at the first
	// proof of an attribute, and may be called again for the same user. With an error
	// the sign-in fails.
	Removed func(ctx context.Context, poolID, userName string) error

	// InsecureKeepSessions leaves everybody signed in who was so before the first
	// proof of an attribute. Whoever signed up with somebody else's number then stays
	// in the account when its owner proves it.
	InsecureKeepSessions bool

	// InsecureKeepPassword leaves the password as it was before the first proof of
	// an attribute, so that whoever set it can still sign in by it. Without it, the
	// password is replaced by a random one in a pool with an app client that signs
	// in by more than custom challenges, and its user needs "forgot password".
	InsecureKeepPassword bool

	// Timeout bounds all calls, retries included. Default 3s, at most 4s: Cognito
	// waits 5 s for a trigger. It is shortened to end half a second before the Lambda
	// function itself would be stopped.
	Timeout time.Duration

	// FailSignIn lets a sign-in fail, too, whose proof could not be written down after
	// all others were shut out. By default that failure is logged, and the next
	// sign-in tries again.
	FailSignIn bool

	// Logger gets a line for each user who was marked, and for each failure. No
	// line holds a phone number, an e-mail address or a user name; users are
	// named by their sub. Nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultTimeout = 3 * time.Second
	maxTimeout     = 4 * time.Second
	reserve        = 500 * time.Millisecond
)

// errFailed is public: Cognito shows it to the app.
var errFailed = errors.New("the sign-in could not be completed")

// NewHandler returns a handler for lambda.Start or customauth.NewHandler: the function
// of [New], on JSON. The event goes back as it came, with the fields that the typed
// event does not know. One that cannot be read is an error. It is safe for concurrent use.
func NewHandler(o Options) (lambda.Handler, error) {
	m, err := newMarker(o)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// New returns a function for lambda.Start, or to be called by one of your own. It is safe
// for concurrent use.
//
// An attribute that the user has, that is not marked yet (booleans among the
// attributes are strings, and "True" was seen), and that this sign-in proved, by
// Options.Proved and Options.ClientIDs, is proved for the first time. Then, in this
// order: the password is replaced, Options.Removed is called, all sessions of the
// user are ended, and the attribute is marked. If one of these fails, those after it
// are not done, so the next sign-in does them all again; and the sign-in fails, but
// for the last one (see FailSignIn). Where nothing is to be shut out, because of the
// Insecure fields and without Removed, no failure fails the sign-in without
// FailSignIn.
//
// The attribute is written along with its mark, as it was in the event: a number that
// the user entered meanwhile, and did not prove, is not marked but replaced. No other
// attribute is changed. Nothing is done for users of an identity provider
// (EXTERNAL_PROVIDER): they answered no code.
//
// An event of another trigger is an error. The text of all errors is neutral.
func New(o Options) (func(context.Context, events.CognitoEventUserPoolsPostAuthentication) (events.CognitoEventUserPoolsPostAuthentication, error), error) {
	m, err := newMarker(o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, e events.CognitoEventUserPoolsPostAuthentication) (events.CognitoEventUserPoolsPostAuthentication, error) {
		return e, m.after(ctx, e.TriggerSource, &signIn{m, e.UserPoolID, e.CallerContext.ClientID, e.UserName, e.Request.UserAttributes})
	}, nil
}

func newMarker(o Options) (*marker, error) {
	if o.Attributes == nil {
		o.Attributes = []string{"phone_number"}
		if o.Proved != nil {
			o.Attributes = append(o.Attributes, "email")
		}
	}
	if len(o.Attributes) == 0 {
		return nil, errors.New("postauth: Attributes is empty: name \"phone_number\" or \"email\"")
	}
	for i, name := range o.Attributes {
		if media[name] == nil {
			return nil, fmt.Errorf("postauth: Attributes: %q is neither \"phone_number\" nor \"email\"", name)
		}
		if slices.Contains(o.Attributes[:i], name) {
			return nil, fmt.Errorf("postauth: Attributes: %q is named twice", name)
		}
	}
	if len(o.Attributes) > 1 && o.Proved == nil {
		return nil, errors.New("postauth: Attributes: which of two was proved needs Proved; customauth.Options has one")
	}
	if slices.Contains(o.ClientIDs, "") {
		return nil, errors.New("postauth: ClientIDs: an id is empty")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Timeout < 0 || o.Timeout > maxTimeout {
		return nil, fmt.Errorf("postauth: Timeout must be from 0 to %v, not %v", maxTimeout, o.Timeout)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Client == nil {
		client, err := newClient()
		if err != nil {
			return nil, err
		}
		o.Client = client
	}
	o.Attributes, o.ClientIDs = slices.Clone(o.Attributes), slices.Clone(o.ClientIDs)
	return &marker{Options: o, flows: flows{client: o.Client}}, nil
}

type marker struct {
	Options
	flows flows
}

var errEvent = errors.New("postauth: not a post authentication event")

// Invoke implements lambda.Handler.
func (m *marker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	c, err := event.Parse(payload)
	if err != nil {
		return nil, errEvent
	}
	if err := m.after(ctx, c.Source, &signIn{m, c.Pool, c.Client, c.User, c.Attributes}); err != nil {
		return nil, err
	}
	return payload, nil
}

// after writes down what a sign-in proved. Its errors are public.
func (m *marker) after(ctx context.Context, source string, s *signIn) error {
	if !strings.HasPrefix(source, "PostAuthentication_") {
		return errEvent
	}
	missing := s.unmarked()
	if len(missing) == 0 {
		return nil
	}
	log := m.Logger.With("attributes", missing, "sub", s.attributes["sub"], "client_id", s.client)
	ctx, cancel := m.bound(ctx)
	defer cancel()

	var proved []string
	byCode, err := bounded.Call(ctx, s.byCode)
	if err == nil && byCode {
		proved, err = bounded.Call(ctx, func(ctx context.Context) ([]string, error) { return s.proved(ctx, missing) })
	}
	if err == nil && len(proved) > 0 {
		err = bounded.Do(ctx, s.shutOut)
	}
	switch {
	case err != nil:
		log.ErrorContext(ctx, "postauth: could not shut others out, so the user is not marked as verified", explain(err)...)
		return failIf(m.shutsOut() || m.FailSignIn)
	case !byCode:
		log.WarnContext(ctx, "postauth: not marked: this app client allows other sign-ins than by a code")
		return nil
	case len(proved) == 0:
		log.DebugContext(ctx, "postauth: not marked: this sign-in did not prove it")
		return nil
	}
	if err := bounded.Do(ctx, func(ctx context.Context) error { return s.mark(ctx, proved) }); err != nil {
		log.ErrorContext(ctx, "postauth: could not mark the user as verified", explain(err)...)
		return failIf(m.FailSignIn)
	}
	log.InfoContext(ctx, "postauth: marked the user as verified", "proved", proved)
	return nil
}

func failIf(fail bool) error {
	if fail {
		return errFailed
	}
	return nil
}

// bound ends the context before Cognito or Lambda would lose patience.
func (m *marker) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(m.Timeout)
	if last, ok := ctx.Deadline(); ok && last.Add(-reserve).Before(end) {
		end = last.Add(-reserve)
	}
	return context.WithDeadline(ctx, end)
}
