package cognitotest

import (
	"fmt"
	"strings"
)

// An Error is what the service answers when it refuses a request. Over HTTP it
// is the JSON object {"__type": Type, "message": Message} with status 400.
type Error struct {
	Type    string // for example "NotAuthorizedException"
	Message string // the service's own text, where it is known

	cause error
}

// Error shows more than the service would: it adds the cause (the panic of a
// handler with its stack, a deadline), which stays out of HTTP answers.
func (e *Error) Error() string {
	text := e.Type + ": " + e.Message
	if e.cause != nil && !strings.Contains(e.Message, e.cause.Error()) {
		text += " [" + e.cause.Error() + "]"
	}
	return text
}

// Unwrap returns the error of the handler, where there was one.
func (e *Error) Unwrap() error { return e.cause }

func failure(kind, format string, args ...any) *Error {
	return &Error{Type: kind, Message: fmt.Sprintf(format, args...)}
}

// The errors that are made in more than one place. Texts marked (observed) are
// known from users' reports of the service's answers, not from its reference.
func errNotAuthorized(text string) *Error {
	return &Error{Type: "NotAuthorizedException", Message: text}
}

func errParameter(format string, args ...any) *Error {
	return failure("InvalidParameterException", format, args...)
}

func errMissing(name string) *Error {
	return errParameter("Missing required parameter %s", name) // (observed)
}

func errIncorrect() *Error { return errNotAuthorized("Incorrect username or password.") } // (observed)

func errDisabled() *Error { return errNotAuthorized("User is disabled.") } // (observed)

func errUserNotFound() *Error {
	return failure("UserNotFoundException", "User does not exist.") // (observed)
}
