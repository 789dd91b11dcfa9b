package client

// This file gives every error of the service and of the network its code.

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An Error is what went wrong.
type Error struct {
	Code Code

	// RetryAfter is how long to wait until trying again makes sense, or 0.
	RetryAfter time.Duration

	// Message is for developers, as the service said it; with SignUpRefused it is what
	// the pre sign-up trigger said. It may repeat what was sent.
	Message string

	// Exception is the service's name for the error, or "".
	Exception string

	cause error
}

// Error says the code and the exception. It does not say the message.
func (e *Error) Error() string {
	text := "client: " + string(e.Code)
	if e.Exception != "" {
		text += " (" + e.Exception + ")"
	}
	var u *url.Error
	if errors.As(e.cause, &u) {
		text += ": " + u.Error()
	}
	return text
}

// Is reports whether target is the error's code.
func (e *Error) Is(target error) bool { return e.Code == target }

// Unwrap returns the error of the SDK, which may repeat what was sent.
func (e *Error) Unwrap() error { return e.cause }

// A Code says what happened, for programs. It is an error to give to errors.Is. A
// step of one's own may say further words.
type Code string

// Error is the code.
func (c Code) Error() string { return string(c) }

// What the handlers of customauth say of an answer, beside the next challenge.
const (
	WrongCode      Code = "wrong_code"
	NotProved      Code = "not_proved" // nothing was used up
	Expired        Code = "expired"
	ResendTooSoon  Code = "resend_too_soon" // the code before stays good
	SentRecently   Code = "sent_recently"   // by another sign-in of the user
	NoResendsLeft  Code = "no_resends_left" // the code before stays good
	RateLimited    Code = "rate_limited"
	DeliveryFailed Code = "delivery_failed"
	WayNotOffered  Code = "way_not_offered"
)

// What the service says. The sign-in is over, but for TooManyRequests.
const (
	SignInFailed       Code = "sign_in_failed"      // no attempts are left, or the pool lets this user not in
	SessionEnded       Code = "session_ended"       // it took too long, or was answered elsewhere: begin again
	SignedOut          Code = "signed_out"          // the tokens are no longer good
	NoAccount          Code = "no_account"          // only where PreventUserExistenceErrors is not ENABLED
	AccountExists      Code = "account_exists"      // at sign-up
	AccountDisabled    Code = "account_disabled"    // by whoever runs the pool
	AccountUnconfirmed Code = "account_unconfirmed" // no pre sign-up trigger confirmed it
	SignUpClosed       Code = "sign_up_closed"      // only administrators make accounts
	SignUpRefused      Code = "sign_up_refused"     // by the pre sign-up trigger
	InvalidInput       Code = "invalid_input"       // the pool does not take this number, address or attribute
	TooManyRequests    Code = "too_many_requests"   // for the pool's quotas; the challenge stays
	Misconfigured      Code = "misconfigured"       // the app client or the pool does not fit this client
	Broken             Code = "broken"              // anything else
)

// What the network does. The challenge stays, and the same answer can be sent again;
// after Timeout and Unreachable the first one may have arrived, and then the next
// says SessionEnded.
const (
	Timeout     Code = "timeout"
	Canceled    Code = "canceled" // by the context
	Unreachable Code = "unreachable"
	Unreadable  Code = "unreadable" // no answer of the service's
)

// stays reports whether the challenge is still there to be answered.
func (c Code) stays() bool {
	switch c {
	case Timeout, Canceled, Unreachable, Unreadable, TooManyRequests:
		return true
	}
	return false
}

// A moment is what was being done. The same exception means different things.
type moment int

const (
	signingUp moment = iota
	beginning
	answering
	signedIn
)

func asError(err error, m moment) error {
	if err == nil {
		return nil
	}
	return understand(err, m)
}

func understand(err error, m moment) *Error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
		code, message := meaning(api.ErrorCode(), api.ErrorMessage(), m)
		return &Error{Code: code, Message: message, Exception: api.ErrorCode(), cause: err}
	}
	return &Error{Code: network(err), cause: err}
}

func network(err error) Code {
	var (
		late     interface{ Timeout() bool }
		answered *smithyhttp.ResponseError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return Timeout
	case errors.As(err, &answered) && answered.HTTPStatusCode() != 0:
		return Unreadable
	}
	return Unreachable
}

var codes = map[string]Code{
	"UsernameExistsException":        AccountExists,
	"AliasExistsException":           AccountExists,
	"UserNotFoundException":          NoAccount,
	"UserNotConfirmedException":      AccountUnconfirmed,
	"PasswordResetRequiredException": AccountDisabled,
	"RefreshTokenReuseException":     SignedOut,
	"CodeMismatchException":          SessionEnded, // of the session, not of the user's code
	"ExpiredCodeException":           SessionEnded,
	"InvalidParameterException":      InvalidInput,
	"InvalidPasswordException":       Misconfigured,
	"ResourceNotFoundException":      Misconfigured,
	"TooManyRequestsException":       TooManyRequests,
	"LimitExceededException":         TooManyRequests,
	"TooManyFailedAttemptsException": TooManyRequests,
}

var preSignUp = regexp.MustCompile(`^PreSignUp failed with error (.+?)\.?$`)

// meaning is the code of an exception. Some mean several things, which only their
// texts tell apart.
func meaning(exception, message string, m moment) (Code, string) {
	text := strings.ToLower(message)
	switch {
	case exception == "UserLambdaValidationException":
		if words := preSignUp.FindStringSubmatch(message); words != nil {
			return SignUpRefused, words[1]
		}
		return Broken, message
	case m == signedIn && (exception == "NotAuthorizedException" || exception == "UserNotFoundException" || exception == "PasswordResetRequiredException"):
		return SignedOut, message
	case exception != "NotAuthorizedException":
		if code, ok := codes[exception]; ok {
			return code, message
		}
		return Broken, message
	case strings.Contains(text, "secret"):
		return Misconfigured, message
	case strings.Contains(text, "disabled"):
		return AccountDisabled, message
	case strings.Contains(text, "attempts exceeded"):
		return TooManyRequests, message
	case m == signingUp:
		return SignUpClosed, message
	case strings.Contains(text, "session"):
		return SessionEnded, message
	}
	return SignInFailed, message
}
