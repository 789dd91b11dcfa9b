package client

// This file is what a sign-in returns: a challenge, or tokens. Both are plain data,
// which JSON can keep.

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// An Outcome is where a sign-in stands. One of the two is set, or none if it is over.
type Outcome struct {
	Tokens    *Tokens    // the user is signed in
	Challenge *Challenge // to be answered next
}

// A Challenge is what is asked. It can be kept as JSON, to go on in another process;
// its session is good for one answer, and ends after the app client's
// AuthSessionValidity, 3 to 15 minutes. It prints as its step alone.
type Challenge struct {
	ClientID string
	Login    string // what the user typed
	UserName string // the pool's name for the user, or a made-up one
	Name     string // of Cognito's challenge: CUSTOM_CHALLENGE
	Session  string

	Step              string
	Medium            string    // "SMS", "EMAIL", "VOICE", or "" if nothing is sent
	Destination       string    // masked
	CodeLength        int       // in characters; 0: not told
	Expires           time.Time // of the code; zero: not told
	AttemptsRemaining int       // 0: not told
	ResendAt          time.Time // by this machine's clock; zero: never in this sign-in
	Way               string    // the way that is taken, or ""
	Ways              []string  // all that can be chosen from

	// Parameters are all public parameters, as they came.
	Parameters map[string]string
}

// Format writes the step.
func (c *Challenge) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "challenge %q", c.Step) }

// LogValue is the step.
func (c *Challenge) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// Tokens let their bearer in. JSON has them, for a program that keeps them where
// nobody else reads; printed, they are a word.
type Tokens struct {
	ClientID string
	Access   string
	ID       string
	Refresh  string
	Ends     time.Time // of the access token
}

// Format writes no token.
func (t *Tokens) Format(f fmt.State, _ rune) { io.WriteString(f, "tokens") }

// LogValue has no token.
func (t *Tokens) LogValue() slog.Value { return slog.StringValue("tokens") }

// reply is what InitiateAuth and RespondToAuthChallenge have in common.
type reply struct {
	tokens     *types.AuthenticationResultType
	name       types.ChallengeNameType
	parameters map[string]string
	session    *string
}

// outcome reads a reply. A mistake of the answer before comes as an error beside the
// next challenge.
func outcome(r reply, clientID, login string) (Outcome, error) {
	if r.tokens != nil {
		t, err := newTokens(r.tokens, clientID, "")
		return Outcome{Tokens: t}, err
	}
	if r.name != types.ChallengeNameTypeCustomChallenge {
		return Outcome{}, &Error{Code: Misconfigured, Message: fmt.Sprintf("cannot answer the challenge %q", r.name)}
	}
	p, now := r.parameters, time.Now()
	c := &Challenge{
		ClientID:          clientID,
		Login:             login,
		UserName:          p["USERNAME"],
		Name:              string(r.name),
		Session:           aws.ToString(r.session),
		Step:              p["step"],
		Medium:            p["CODE_DELIVERY_DELIVERY_MEDIUM"],
		Destination:       p["CODE_DELIVERY_DESTINATION"],
		CodeLength:        whole(p["codeLength"]),
		AttemptsRemaining: whole(p["attemptsRemaining"]),
		Way:               p["way"],
		Ways:              strings.Fields(p["ways"]),
		Parameters:        p,
	}
	if c.UserName == "" {
		c.UserName = login
	}
	if at, err := time.Parse(time.RFC3339, p["expiresAt"]); err == nil {
		c.Expires = at
	}
	if after, ok := p["resendAfter"]; ok {
		c.ResendAt = now.Add(time.Duration(whole(after)) * time.Second)
	}
	if code := p["errorCode"]; code != "" {
		return Outcome{Challenge: c}, &Error{Code: Code(code), RetryAfter: time.Duration(whole(p["retryAfter"])) * time.Second}
	}
	return Outcome{Challenge: c}, nil
}

// newTokens reads the service's tokens. There is a new refresh token only where they
// rotate.
func newTokens(r *types.AuthenticationResultType, clientID, refresh string) (*Tokens, error) {
	if r == nil || aws.ToString(r.AccessToken) == "" {
		return nil, &Error{Code: Unreadable, Message: "no access token came"}
	}
	t := &Tokens{
		ClientID: clientID,
		Access:   *r.AccessToken,
		ID:       aws.ToString(r.IdToken),
		Refresh:  refresh,
		Ends:     time.Now().Add(time.Duration(r.ExpiresIn) * time.Second),
	}
	if r.RefreshToken != nil {
		t.Refresh = *r.RefreshToken
	}
	return t, nil
}

// userName is what the access token says. Its signature is not checked: who lies
// here begins a sign-in that he has to pass.
func (t *Tokens) userName() (string, error) {
	var claims struct {
		UserName string `json:"username"`
	}
	if err := decodeClaims(t.Access, &claims); err != nil {
		return "", &Error{Code: Unreadable, Message: err.Error()}
	}
	if claims.UserName == "" {
		return "", &Error{Code: Unreadable, Message: "the access token has no user name"}
	}
	return claims.UserName, nil
}

func decodeClaims(token string, claims any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("the access token is not a JWT")
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, claims) != nil {
		return errors.New("the access token has no claims that can be read")
	}
	return nil
}

// whole reads a number of up to eight digits; anything else is 0.
func whole(text string) int {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(text) > 8 {
		return 0
	}
	return int(n)
}
