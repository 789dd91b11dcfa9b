// Package snippets has the Go of docs/apps/backend.md, beside the other programs of
// these pages.
package snippets

// docs: go
import (
	"context"
	"errors"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// NewVerifier returns a function that gives the user of an access token. Call it once,
// with the issuer "https://cognito-idp.<region>.amazonaws.com/<pool id>".
func NewVerifier(ctx context.Context, issuer, clientID string) (func(token string) (user string, err error), error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer + "/.well-known/jwks.json"})
	if err != nil {
		return nil, err
	}
	return func(token string) (string, error) {
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(token, claims, keys.Keyfunc,
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired())
		if err != nil {
			return "", err
		}
		if claims["token_use"] != "access" || claims["client_id"] != clientID {
			return "", errors.New("not an access token of this app")
		}
		return claims.GetSubject()
	}, nil
}

// end
