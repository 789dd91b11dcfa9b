package cognitotest

// This file is the one-time codes that the pool sends by itself, and the way its
// messages go: past CustomMessage to the inbox.

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"
)

const (
	// A code is valid for 24 hours (developer guide, "Signing up and confirming
	// user accounts", and GetUserAttributeVerificationCode).
	codeValidity = 24 * time.Hour

	// codeTries is how many wrong codes are looked at. The service does not
	// publish its number.
	codeTries = 5
)

// What a code is for. Codes that verify an attribute go by its name.
const codeSignUp = "SignUp"

// A code is a one-time code that the user was sent. It is not changed; a wrong
// guess makes a copy.
type code struct {
	digits    string
	attribute string // "phone_number" or "email"
	address   string // its value, which the code proves
	expires   time.Time
	wrong     int
}

func (p *Pool) newCode(attribute, address string) *code {
	return p.newCodeFor(attribute, address, codeValidity)
}

func (p *Pool) newCodeFor(attribute, address string, validity time.Duration) *code {
	return &code{digits: digits(), attribute: attribute, address: address, expires: p.now().Add(validity)}
}

func digits() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return fmt.Sprintf("%06d", n)
}

// setCode keeps a code for the purpose; nil takes the present one away. The user
// must be a copy that nobody else has.
func (u *user) setCode(purpose string, c *code) {
	u.codes = maps.Clone(u.codes)
	if c == nil {
		delete(u.codes, purpose)
		return
	}
	if u.codes == nil {
		u.codes = make(map[string]*code)
	}
	u.codes[purpose] = c
}

// tryCode compares a code with the one that the user was sent for the purpose,
// and counts a wrong one. The right one is returned and taken away.
func (u *user) tryCode(now time.Time, purpose, given string) (*code, error) {
	c := u.codes[purpose]
	switch {
	case c == nil || !now.Before(c.expires):
		return nil, errExpiredCode()
	case c.wrong >= codeTries:
		return nil, failure("LimitExceededException", "Attempt limit exceeded, please try after some time.") // (observed)
	case !hmac.Equal([]byte(given), []byte(c.digits)):
		counted := *c
		counted.wrong++
		u.setCode(purpose, &counted)
		return nil, failure("CodeMismatchException", "Invalid verification code provided, please try again.") // (observed)
	}
	u.setCode(purpose, nil)
	return c, nil
}

func errExpiredCode() error {
	return failure("ExpiredCodeException", "Invalid code provided, please request a code again.") // (observed)
}

// spendCode is tryCode on the user in the pool: the count of wrong codes is kept
// even though the request fails, and right does what the code allows.
func (p *Pool) spendCode(name, purpose, given string, steal bool, right func(*user, *code) error) error {
	var refused error
	err := p.updateAlias(name, steal, func(u *user) error {
		var c *code
		if c, refused = u.tryCode(p.now(), purpose, given); refused != nil {
			return nil
		}
		return right(u, c)
	})
	if err == nil {
		err = refused
	}
	return err
}

// A message is what the pool sends to one address of a user.
type message struct {
	source         string // of CustomMessage: CustomMessage_SignUp and so on
	clientID       string
	clientMetadata map[string]string
	attribute      string // "phone_number" or "email"
	to             string
	code           string // the code, or the temporary password
	text           string // the pool's own words, with {####} for the code and {username}
	named          bool   // the text must have {username}
}

// What stands for the code and the name in the texts of CustomMessage.
const (
	codeParameter = "{####}"
	nameParameter = "{username}"
)

const codeText = "Your confirmation code is " + codeParameter

// deliver asks CustomMessage for the text, puts the message into the inbox and
// says where it went, as far as an app may know.
func (p *Pool) deliver(ctx context.Context, u *user, m message) (deliveryDetails, error) {
	text, err := p.customText(ctx, u, m)
	if err != nil {
		return deliveryDetails{}, err
	}
	if p.config.Inbox != nil {
		text = strings.NewReplacer(codeParameter, m.code, nameParameter, u.name).Replace(text)
		p.config.Inbox.put(Message{To: m.to, Medium: medium(m.attribute), Code: m.code, Text: text})
	}
	return delivery(m.attribute, m.to), nil
}

// customText is what CustomMessage makes of the message's text.
func (p *Pool) customText(ctx context.Context, u *user, m message) (string, error) {
	var r messageResponse
	request := messageRequest{
		UserAttributes: p.attributes(u),
		CodeParameter:  codeParameter,
		LinkParameter:  "{##Click Here##}",
		ClientMetadata: m.clientMetadata,
	}
	if m.named {
		name := nameParameter
		request.UsernameParameter = &name
	}
	t := trigger{name: "CustomMessage", source: m.source, handler: p.settings().triggers.CustomMessage}
	if err := p.invoke(ctx, t, u.name, m.clientID, request, &r); err != nil {
		return "", err
	}
	text := r.SMSMessage
	if m.attribute == "email" {
		text = r.EmailMessage
	}
	if text == nil || *text == "" {
		return m.text, nil
	}
	if !strings.Contains(*text, codeParameter) || m.named && !strings.Contains(*text, nameParameter) {
		return "", failure("InvalidLambdaResponseException", "cognitotest: CustomMessage: the text of %s has not %s, or not %s where that is given", m.source, codeParameter, nameParameter)
	}
	return *text, nil
}

type deliveryDetails struct{ AttributeName, DeliveryMedium, Destination string }

func medium(attribute string) string {
	if attribute == "email" {
		return "EMAIL"
	}
	return "SMS"
}

// delivery masks an address as the service does: +*******0100, a***@e***.
func delivery(attribute, to string) deliveryDetails {
	masked := ""
	if name, domain, ok := strings.Cut(to, "@"); ok {
		masked = name[:min(1, len(name))] + "***@" + domain[:min(1, len(domain))] + "***"
	} else if len(to) > 4 {
		masked = "+" + strings.Repeat("*", len(to)-5) + to[len(to)-4:]
	}
	return deliveryDetails{attribute, medium(attribute), masked}
}
