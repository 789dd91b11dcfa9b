package cognitotest

// This file makes the tokens, checks them, and takes them back.

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tokens are what a sign-in ends with, AuthenticationResult in the API.
type Tokens struct {
	AccessToken  string // a JWT, RS256
	ExpiresIn    int    // seconds that AccessToken is valid
	IDToken      string `json:"IdToken"`    // a JWT, RS256
	RefreshToken string `json:",omitempty"` // opaque; empty after a refresh without rotation
	TokenType    string // "Bearer"
}

// origin is what all tokens of one sign-in share. It is what a refresh token
// carries, sealed.
type origin struct {
	Name     string // of the user
	Sub      string
	ClientID string
	JTI      string // origin_jti
	AuthTime int64  // seconds since 1970
	ID       string // of this one refresh token
	Expires  int64  // of the refresh tokens, in seconds since 1970
}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // only for a size that package rsa does not allow
	}
	return key
}

// A grant is tokens without their signatures. Signing is nearly all the work of a
// sign-in, and a test in Go that does not look at the tokens needs none of it.
type grant struct {
	access, id map[string]any
	tokens     Tokens // the rest of them
}

func (p *Pool) sign(g *grant) *Tokens {
	t := g.tokens
	t.AccessToken, t.IDToken = p.signClaims(g.access), p.signClaims(g.id)
	return &t
}

// issue makes the tokens of a new sign-in.
func (p *Pool) issue(ctx context.Context, source string, c *Client, u *user, clientMetadata map[string]string) (*grant, error) {
	o := origin{
		Name:     u.name,
		Sub:      u.sub,
		ClientID: c.ID,
		JTI:      p.originJTI(u, random(10)),
		AuthTime: p.now().Unix(),
		Expires:  p.now().Add(c.RefreshTokenValidity).Unix(),
	}
	g, err := p.grant(ctx, source, c, u, o, clientMetadata)
	if err != nil {
		return nil, err
	}
	g.tokens.RefreshToken = p.sealRefresh(o)
	return g, nil
}

// originJTI makes a UUID whose end is a tag over the user and the number of
// global sign-outs: one more sign-out, and the tag of every token before it is
// wrong. So the pool keeps nothing for the tokens that it has issued.
func (p *Pool) originJTI(u *user, start []byte) string {
	id := uuid(append(slices.Clone(start), 0, 0, 0, 0, 0, 0))[:23]
	tag := p.derive("origin", id+u.sub+strconv.Itoa(u.signOuts))
	return id + uuid(tag)[23:]
}

// current reports whether tokens of this sign-in still count.
func (p *Pool) current(u *user, jti string) bool {
	if len(jti) != 36 {
		return false
	}
	tag := p.derive("origin", jti[:23]+u.sub+strconv.Itoa(u.signOuts))
	return hmac.Equal([]byte(jti[23:]), []byte(uuid(tag)[23:])) && !p.revoked.has(jti)
}

// grant makes the claims of an access token and an ID token (developer guide,
// "Understanding user pool JSON web tokens").
func (p *Pool) grant(ctx context.Context, source string, c *Client, u *user, o origin, clientMetadata map[string]string) (*grant, error) {
	override, err := p.preTokenGeneration(ctx, source, c, u, clientMetadata)
	if err != nil {
		return nil, err
	}
	now := p.now()
	eventID := uuid(random(16))
	claims := func(use string, validity time.Duration) map[string]any {
		return map[string]any{
			"sub":        u.sub,
			"iss":        p.config.Issuer,
			"origin_jti": o.JTI,
			"event_id":   eventID,
			"token_use":  use,
			"auth_time":  o.AuthTime,
			"iat":        now.Unix(),
			"exp":        now.Add(validity).Unix(),
			"jti":        uuid(random(16)),
		}
	}

	access := claims("access", c.AccessTokenValidity)
	access["client_id"] = c.ID
	access["username"] = u.name
	access["scope"] = signInScope

	id := claims("id", c.IDTokenValidity)
	id["aud"] = c.ID
	id["cognito:username"] = u.name
	for name, value := range u.attributes {
		if !c.reads(name) {
			continue
		}
		if strings.HasSuffix(name, "_verified") {
			id[name] = isTrue(value)
		} else {
			id[name] = value
		}
	}
	override.apply(access, id)

	return &grant{access, id, Tokens{ExpiresIn: int(c.AccessTokenValidity.Seconds()), TokenType: "Bearer"}}, nil
}

type jwtHeader struct {
	KID string `json:"kid"`
	Alg string `json:"alg"`
}

// kid names the key: a digest of it.
func kid(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (p *Pool) signClaims(claims map[string]any) string {
	key := p.key()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // strings, numbers, booleans and lists of strings cannot fail
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(jwtHeader{kid(&key.PublicKey), "RS256"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // only for a key that is too short for the hash
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Claims checks an access token or an ID token of this pool as GetUser would
// (signature, issuer, expiry, revocation, whether the user is still there) and
// returns its claims.
func (p *Pool) Claims(token string) (map[string]any, error) {
	claims, err := p.parse(token)
	if err != nil {
		return nil, err
	}
	name, _ := claims["username"].(string)
	if claims["token_use"] == "id" {
		name, _ = claims["cognito:username"].(string)
	}
	jti, _ := claims["origin_jti"].(string)
	u := p.find(name)
	if u == nil || u.sub != claims["sub"] {
		return nil, errUserNotFound()
	}
	switch {
	case u.disabled:
		return nil, errDisabled()
	case !p.current(u, jti):
		return nil, errNotAuthorized("Access Token has been revoked") // (observed)
	}
	return claims, nil
}

// parse checks everything about a token that needs no user.
func (p *Pool) parse(token string) (map[string]any, error) {
	invalid := errNotAuthorized("Invalid Access Token") // (observed)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, invalid
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return nil, invalid
		}
	}

	key := p.key()
	var header jwtHeader
	if json.Unmarshal(decoded[0], &header) != nil || header.Alg != "RS256" || header.KID != kid(&key.PublicKey) {
		return nil, invalid
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], decoded[2]) != nil {
		return nil, errNotAuthorized("Could not verify signature for Access Token") // (observed)
	}

	var claims map[string]any
	if json.Unmarshal(decoded[1], &claims) != nil || claims["iss"] != p.config.Issuer {
		return nil, invalid
	}
	if expires, ok := claims["exp"].(float64); !ok || p.now().Unix() >= int64(expires) {
		return nil, errNotAuthorized("Access Token has expired") // (observed)
	}
	return claims, nil
}

// authorize returns the user of an access token.
func (p *Pool) authorize(accessToken string) (*user, error) {
	u, _, err := p.authorizeClient(accessToken)
	return u, err
}

// authorizeClient also returns the ID of the app client that the token is for.
func (p *Pool) authorizeClient(accessToken string) (u *user, clientID string, err error) {
	claims, err := p.Claims(accessToken)
	if err != nil {
		return nil, "", err
	}
	if claims["token_use"] != "access" {
		return nil, "", errNotAuthorized("Invalid Access Token")
	}
	u = p.find(claims["username"].(string))
	if u == nil {
		return nil, "", errUserNotFound()
	}
	return u, claims["client_id"].(string), nil
}

// aead seals refresh tokens. They are opaque, and the pool keeps none of them.
func (p *Pool) aead() cipher.AEAD {
	block, err := aes.NewCipher(p.derive("refresh tokens", ""))
	if err != nil {
		panic(err) // only for a key of the wrong length
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for a block of the wrong length
	}
	return gcm
}

func (p *Pool) sealRefresh(o origin) string {
	o.ID = uuid(random(16))
	plain, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return base64.RawURLEncoding.EncodeToString(p.aead().Seal(nil, nil, plain, nil))
}

func (p *Pool) openRefresh(token string) (o origin, err error) {
	invalid := errNotAuthorized("Invalid Refresh Token") // (observed)
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return o, invalid
	}
	plain, err := p.aead().Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(plain, &o) != nil {
		return o, invalid
	}
	return o, nil
}

// refresh makes new tokens from a refresh token of this client. rotate ends the
// token and adds a new one to the answer.
func (p *Pool) refresh(ctx context.Context, c *Client, token string, rotate bool, clientMetadata map[string]string) (*grant, error) {
	o, err := p.openRefresh(token)
	if err != nil {
		return nil, err
	}
	u := p.find(o.Name)
	switch {
	case o.ClientID != c.ID || u == nil || u.sub != o.Sub:
		return nil, errNotAuthorized("Invalid Refresh Token")
	case p.now().Unix() >= o.Expires:
		return nil, errNotAuthorized("Refresh Token has expired") // (observed)
	case u.disabled:
		return nil, errDisabled()
	case !p.current(u, o.JTI):
		return nil, errNotAuthorized("Refresh Token has been revoked") // (observed)
	}
	if p.rotated.has(o.ID) {
		return nil, errReuse()
	}
	g, err := p.grant(ctx, "TokenGeneration_RefreshTokens", c, u, o, clientMetadata)
	if err != nil || !rotate {
		return g, err
	}
	// The old token ends a grace period after it was exchanged for the first time.
	end := p.now().Add(c.RefreshTokenGracePeriod)
	if end, known := p.rotated.endAt(o.ID, end, time.Unix(o.Expires, 0)); known && !p.now().Before(end) {
		return nil, errReuse()
	}
	g.tokens.RefreshToken = p.sealRefresh(o)
	return g, nil
}

func errReuse() error { // the text is not known
	return failure("RefreshTokenReuseException", "cognitotest: the refresh token was exchanged for another one")
}

// revoke ends all tokens of the sign-in that the refresh token belongs to.
func (p *Pool) revoke(c *Client, token string) error {
	if strings.Count(token, ".") == 2 {
		return failure("UnsupportedTokenTypeException", "Unsupported token type")
	}
	o, err := p.openRefresh(token)
	if err != nil {
		return err
	}
	if o.ClientID != c.ID {
		return failure("UnauthorizedException", "The client is not authorized to revoke this token.")
	}
	p.revoked.add(o.JTI, time.Unix(o.Expires, 0).Add(c.AccessTokenValidity+c.IDTokenValidity))
	return nil
}

// jwks is the key set document.
func (p *Pool) jwks() any {
	key := &p.key().PublicKey
	return map[string]any{"keys": []map[string]string{{
		"kid": kid(key),
		"alg": "RS256",
		"kty": "RSA",
		"use": "sig",
		"e":   base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		"n":   base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
	}}}
}
