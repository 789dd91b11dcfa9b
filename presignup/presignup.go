// Package presignup is the pre sign-up trigger for a user pool whose users sign
// in by a one-time code: it confirms who signs up, and can refuse.
//
// A new user of Cognito is UNCONFIRMED and cannot sign in. Where the first
// sign-in proves the phone number or the e-mail address anyway, a second code to
// confirm the account is one too many:
//
//	lambda.Start(presignup.New(nil))
//
// Confirmed is not verified. Nothing was proven when somebody signs up, so
// phone_number_verified and email_verified stay false: to set them here would
// let anybody who signs up with somebody else's number take that alias away from
// its owner (Cognito developer guide, "Pre sign-up Lambda trigger"). The module
// postauth marks them after the first code was answered.
//
// Anybody can call SignUp on a pool with self sign-up, as often as they like.
// The hook of [New] is the place for a CAPTCHA, an invitation or a list of
// countries (smsguard has one ready).
package presignup

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/bounded"
)

// budget is how long a hook may take: Cognito waits 5 s for a trigger.
const budget = 4 * time.Second

// A Refusal is an error whose text is meant for the app: SignUp fails with
// UserLambdaValidationException and "PreSignUp failed with error <text>.", for
// whoever calls it. It says nothing that the caller may not know, such as
// whether an account exists, and ends without a full stop, as Cognito adds one.
type Refusal string

// Error returns the text.
func (r Refusal) Error() string { return string(r) }

// What the app is told when the hook could not decide.
const undecided = Refusal("the sign-up could not be checked")

// New returns a handler for lambda.Start or, through lambda.NewHandler, for
// customauth.NewHandler. It is safe for concurrent use if refuse is.
//
// By the event's trigger source:
//
//   - PreSignUp_SignUp, a user who signs up: confirmed (autoConfirmUser), with
//     autoVerifyPhone and autoVerifyEmail false.
//   - PreSignUp_AdminCreateUser, a user whom an administrator makes: the response
//     stays as Cognito sent it. The user gets an invitation, or a password by
//     AdminSetUserPassword. Cognito ignores these three fields here, by its
//     guide; this package does not rely on that.
//   - PreSignUp_ExternalProvider, and any source that is added later: likewise.
//     The identity provider has confirmed this user.
//   - anything else is an error, for the function hangs on the wrong trigger.
//
// Refuse, if not nil, is asked for every PreSignUp source, before anything is
// confirmed; it looks at event.TriggerSource where that matters. It gets 4 s. A
// nil error lets the user in. An error that is or wraps a [Refusal] refuses with
// that text, which is public. Any other error, a panic and a context that ended
// refuse with a neutral text; the error goes to slog.Default, a panic goes there
// without its value, which might hold what the user sent.
//
// The hook sees the attributes, validationData and clientMetadata as the client
// sent them. Nothing in them is proven.
func New(refuse func(context.Context, events.CognitoEventUserPoolsPreSignup) error) func(context.Context, events.CognitoEventUserPoolsPreSignup) (events.CognitoEventUserPoolsPreSignup, error) {
	return func(ctx context.Context, event events.CognitoEventUserPoolsPreSignup) (events.CognitoEventUserPoolsPreSignup, error) {
		if !strings.HasPrefix(event.TriggerSource, "PreSignUp_") {
			return event, errors.New("presignup: not a pre sign-up event")
		}
		if refuse != nil {
			if err := ask(ctx, refuse, event); err != nil {
				return event, err
			}
		}
		if event.TriggerSource == "PreSignUp_SignUp" {
			event.Response = events.CognitoEventUserPoolsPreSignupResponse{AutoConfirmUser: true}
		}
		return event, nil
	}
}

// ask calls the hook, and makes of whatever happens an error that may be shown.
func ask(ctx context.Context, refuse func(context.Context, events.CognitoEventUserPoolsPreSignup) error, event events.CognitoEventUserPoolsPreSignup) (public error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	err := bounded.Do(ctx, func(ctx context.Context) error { return refuse(ctx, event) })
	if caught, ok := errors.AsType[*bounded.Panic](err); ok {
		slog.ErrorContext(ctx, "presignup: the hook panicked", "source", event.TriggerSource, "stack", string(caught.Stack))
		return undecided
	}
	if refusal, ok := errors.AsType[Refusal](err); ok {
		return refusal
	}
	if err == nil {
		err = ctx.Err() // a hook that gave up without saying so
	}
	if err != nil {
		slog.ErrorContext(ctx, "presignup: the hook failed", "source", event.TriggerSource, "error", err)
		return undecided
	}
	return nil
}
