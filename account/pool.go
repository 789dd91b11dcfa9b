package account

// This file checks access tokens.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/pretoken"
)

const (
	// maxToken bounds a token, in bytes. Those of Cognito have one to three kilobytes.
	maxToken = 16 << 10

	// skew is how far the clocks may be apart.
	skew = 30 * time.Second

	requestTimeout = 3 * time.Second
)

var (
	// ErrToken: the access token is none of this pool's, is none for this use, or has
	// expired.
	ErrToken = errors.New("account: the access token is not valid")

	// ErrRevoked: the token was revoked, or the user signed out everywhere, was
	// disabled or deleted.
	ErrRevoked = errors.New("account: the access token was revoked")
)

// PoolOptions say whose tokens count. Issuer and Clients are required.
type PoolOptions struct {
	// Issuer is the claim iss: "https://cognito-idp.REGION.amazonaws.com/POOL". The
	// keys are at Issuer/.well-known/jwks.json, and GetUser is asked at its host.
	Issuer string

	// Clients are the ids of the app clients whose tokens count.
	Clients []string

	// HTTP asks for keys and users. Default: a client with a timeout of 3 seconds.
	HTTP *http.Client

	// Logger gets an Error where the pool cannot be reached. No line has a token or
	// anything of a user. Default slog.Default().
	Logger *slog.Logger
}

// A Pool checks access tokens of one user pool. It is safe for concurrent use.
type Pool struct {
	PoolOptions
	id     string
	keys   keyfunc.Keyfunc
	parser *jwt.Parser
}

// NewPool returns a Pool. It fetches the keys, and again each hour until ctx ends,
// and when a token has a key that it does not know, at most once in 10 seconds. A
// pool that cannot be reached is no error: the keys are fetched when they are needed.
func NewPool(ctx context.Context, o PoolOptions) (*Pool, error) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil || strings.Trim(u.Path, "/") == "" || strings.HasSuffix(o.Issuer, "/") {
		return nil, errors.New(`account: Issuer must be like "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab1Cd2Ef3"`)
	}
	if host := u.Hostname(); u.Scheme != "https" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return nil, errors.New("account: Issuer must be https, but on this machine: whoever answers for it decides who is signed in")
	}
	if len(o.Clients) == 0 || slices.Contains(o.Clients, "") {
		return nil, errors.New("account: Clients must be the ids of the app clients whose tokens count")
	}
	o.HTTP = cmp.Or(o.HTTP, &http.Client{Timeout: requestTimeout})
	o.Logger = cmp.Or(o.Logger, slog.Default())
	p := &Pool{PoolOptions: o, id: o.Issuer[strings.LastIndex(o.Issuer, "/")+1:]}
	p.keys, err = keyfunc.NewDefaultOverrideCtx(ctx, []string{o.Issuer + "/.well-known/jwks.json"}, keyfunc.Override{
		Client: o.HTTP, HTTPTimeout: requestTimeout,
		RateLimitWaitMax:  time.Nanosecond, // nobody waits for a key that may not exist
		RefreshUnknownKID: rate.NewLimiter(rate.Every(10*time.Second), 1),
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(ctx context.Context, err error) {
				o.Logger.ErrorContext(ctx, "account: the keys of the pool cannot be fetched", "error", err)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("account: keys: %w", err)
	}
	p.parser = jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(o.Issuer),
		jwt.WithExpirationRequired(), jwt.WithLeeway(skew))
	return p, nil
}

// A Token is what an access token says.
type Token struct {
	User     credential.User
	UserName customauth.Secret
	Client   string    // id of the app client that the user signed in by
	Level    int       // customauth:level of package pretoken; 0 if it says none
	Methods  []string  // customauth:methods, words of RFC 8176
	AuthTime time.Time // when the user signed in; a refresh does not change it
	Expires  time.Time

	text customauth.Secret
}

// Format redacts the token for fmt, whatever the verb.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, "[redacted]") }

// Verify checks the signature of an access token, and that it is one of this pool and
// one of its Clients that has not expired. The error wraps ErrToken. Whether it was
// revoked in the meantime says Alive.
func (p *Pool) Verify(ctx context.Context, text string) (Token, error) {
	if text == "" || len(text) > maxToken {
		return Token{}, ErrToken
	}
	claims := jwt.MapClaims{}
	if _, err := p.parser.ParseWithClaims(text, claims, p.keys.KeyfuncCtx(ctx)); err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrToken, hide(err))
	}
	of := func(name string) string { s, _ := claims[name].(string); return s }
	at := func(name string) time.Time { n, _ := claims[name].(float64); return time.Unix(int64(n), 0) }
	t := Token{
		User: credential.User{Pool: p.id, Sub: of("sub")}, UserName: customauth.Hide(of("username")),
		Client: of("client_id"), Methods: strings.Fields(of(pretoken.MethodsClaim)),
		AuthTime: at("auth_time"), Expires: at("exp"), text: customauth.Hide(text),
	}
	if level := of(pretoken.LevelClaim); len(level) == 1 && level >= "1" && level <= "9" {
		t.Level = int(level[0] - '0')
	}
	switch {
	case of("token_use") != "access":
		return Token{}, fmt.Errorf("%w: it is no access token", ErrToken)
	case !slices.Contains(p.Clients, t.Client):
		return Token{}, fmt.Errorf("%w: it is of another app client", ErrToken)
	case t.User.Sub == "" || t.UserName.Reveal() == "" || t.AuthTime.Unix() <= 0 || time.Until(t.AuthTime) > skew:
		return Token{}, fmt.Errorf("%w: it lacks claims that Cognito sets", ErrToken)
	}
	return t, nil
}

// hide keeps the kind of an error, and nothing of the token.
func hide(err error) error {
	for _, known := range []error{jwt.ErrTokenExpired, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable, jwt.ErrTokenMalformed} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("other claims")
}

// Alive asks Cognito (GetUser) whether the token still counts, and returns the user's
// attributes. The error wraps ErrRevoked if it does not; any other says that Cognito
// gave no answer.
func (p *Pool) Alive(ctx context.Context, t Token) (map[string]customauth.Secret, error) {
	body, err := json.Marshal(map[string]string{"AccessToken": t.text.Reveal()})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Issuer[:strings.LastIndex(p.Issuer, "/")+1], bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("account: GetUser: the request cannot be made")
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.GetUser")
	res, err := p.HTTP.Do(r)
	if err != nil {
		return nil, errors.New("account: GetUser: no answer")
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, errors.New("account: GetUser: no answer")
	}
	return t.attributes(res.StatusCode, data)
}

// gone are the errors of GetUser that say that the token, or the user, does not count
// any more (API reference, GetUser).
var gone = []string{"NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException"}

// attributes reads the answer of GetUser.
func (t Token) attributes(status int, data []byte) (map[string]customauth.Secret, error) {
	var answer struct {
		Type           string `json:"__type"`
		Username       string
		UserAttributes []struct{ Name, Value string }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("account: GetUser: HTTP %d, and no JSON", status)
	}
	if status != http.StatusOK {
		if kind := answer.Type[strings.LastIndex(answer.Type, "#")+1:]; status == http.StatusBadRequest && slices.Contains(gone, kind) {
			return nil, ErrRevoked
		}
		return nil, fmt.Errorf("account: GetUser: HTTP %d", status)
	}
	attributes := make(map[string]customauth.Secret, len(answer.UserAttributes))
	for _, a := range answer.UserAttributes {
		attributes[a.Name] = customauth.Hide(a.Value)
	}
	if answer.Username != t.UserName.Reveal() || attributes["sub"].Reveal() != t.User.Sub {
		return nil, ErrRevoked
	}
	return attributes, nil
}
