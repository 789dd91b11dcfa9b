// Package redact takes what is secret or personal out of the text of errors.
package redact

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

// Redacted is what stands for what was taken out.
const Redacted = "[redacted]"

// An Error is another one with the secrets taken from its text. It can be asked
// what it is, but gives the original away to nobody.
type Error struct {
	text string
	err  error
}

// New returns err with another text, which must be clean.
func New(text string, err error) *Error { return &Error{text, err} }

// Error returns the clean text.
func (e *Error) Error() string { return e.text }

// Is reports whether the original is target.
func (e *Error) Is(target error) bool { return errors.Is(e.err, target) }

// Format keeps %#v from looking inside.
func (e *Error) Format(f fmt.State, _ rune) { io.WriteString(f, e.text) }

// Err takes the secrets and whatever looks like a number or an e-mail address from
// an error's text.
func Err(err error, secrets ...string) error {
	if _, done := err.(*Error); done || err == nil {
		return err
	}
	return &Error{Text(said(err), secrets...), err}
}

// said is the text of an error. Somebody else wrote its method, which may panic: one
// that returns a nil pointer as an error is the usual case.
func said(err error) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprintf("an error of type %T, whose text panics with a %T", err, v)
		}
	}()
	return err.Error()
}

// personal matches e-mail addresses and whatever may be a phone number or a code.
// It is compiled when it is first needed, which is not at a cold start.
var personal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[^\s<>"'(),:;]+(?:@|%40)[^\s<>"'(),:;]+|\+?[0-9][0-9 ().-]{4,}[0-9]`)
})

// Text takes the secrets and whatever looks like a number or an e-mail address
// from a text.
func Text(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, Redacted)
		}
	}
	return personal().ReplaceAllString(text, Redacted)
}
