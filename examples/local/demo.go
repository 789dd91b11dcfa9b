package main

// This file is -demo: an app that signs a user up and in, over HTTP as any app
// would, and tells what it does. Whatever does not go as told is an error.

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const demoPhone = "+12065550100" // set aside for fiction

// A demo is one run of it.
type demo struct {
	client           *http.Client
	url              string // of the server, without a slash at the end
	poolID, clientID string
	out              io.Writer
	steps            int
}

// reply is what the operations used here answer.
type reply struct {
	UserConfirmed        bool
	ChallengeName        string
	ChallengeParameters  map[string]string
	Session              string
	AuthenticationResult struct {
		AccessToken, IdToken, RefreshToken string
		ExpiresIn                          int
	}
	UserAttributes []struct{ Name, Value string }
}

// refusal is an error of the service.
type refusal struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Type + ": " + r.Message }

type object = map[string]any

// run plays the demo.
func (d *demo) run(ctx context.Context) error {
	d.step("Ada signs up with her name and %s; the password is random and forgotten", demoPhone)
	if err := d.signUp(ctx); err != nil {
		return err
	}

	d.step("she signs in with the phone number alone")
	r, err := d.call(ctx, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": demoPhone}})
	if err != nil {
		return err
	}
	if err := d.challenge(r, ""); err != nil {
		return err
	}
	first, err := d.code(ctx)
	if err != nil {
		return err
	}

	d.step("she types a wrong code")
	left := r.ChallengeParameters["attemptsRemaining"]
	r, err = d.answer(ctx, r, wrong(first))
	if err != nil {
		return err
	}
	if err := d.challenge(r, "wrong_code"); err != nil {
		return err
	}
	if now := r.ChallengeParameters["attemptsRemaining"]; now == left {
		return fmt.Errorf("a wrong code left %s attempts, as many as before", now)
	}

	d.step("she asks for a new code")
	if err := d.wait(ctx, r); err != nil {
		return err
	}
	r, err = d.resend(ctx, r)
	if err != nil {
		return err
	}
	if err := d.challenge(r, ""); err != nil {
		return err
	}
	second, err := d.code(ctx)
	if err != nil {
		return err
	}
	if first == second {
		return errors.New("the new code is the old one") // by chance once in a million runs
	}

	d.step("she types the new code")
	r, err = d.answer(ctx, r, second)
	if err != nil {
		return err
	}
	return d.signedIn(ctx, r)
}

func (d *demo) signUp(ctx context.Context) error {
	r, err := d.call(ctx, "SignUp", object{
		"Username":       demoPhone,
		"Password":       rand.Text() + "-Aa1", // 130 random bits, and one of each kind of character
		"UserAttributes": []object{{"Name": "name", "Value": "Ada Example"}, {"Name": "phone_number", "Value": demoPhone}},
	})
	if err != nil {
		return err
	}
	if !r.UserConfirmed {
		return errors.New("the new user is not confirmed: the function has no pre sign-up trigger")
	}
	d.say("the pre sign-up trigger confirmed her")
	return nil
}

// signedIn looks at the tokens, uses them, and gives them back.
func (d *demo) signedIn(ctx context.Context, r reply) error {
	tokens := r.AuthenticationResult
	if tokens.AccessToken == "" || tokens.IdToken == "" || tokens.RefreshToken == "" {
		return fmt.Errorf("the right code brought no tokens but %s %s", r.ChallengeName, r.ChallengeParameters["errorCode"])
	}
	d.say("signed in: access, ID and refresh token, good for %v", time.Duration(tokens.ExpiresIn)*time.Second)

	d.step("a server checks the ID token against the pool's keys")
	claims, err := d.verify(ctx, tokens.IdToken)
	if err != nil {
		return err
	}
	if claims["phone_number"] != demoPhone || claims["aud"] != d.clientID {
		return errors.New("the ID token is not about this user and client")
	}
	d.say("signature right; token_use %v, phone_number %v, issuer %v", claims["token_use"], claims["phone_number"], claims["iss"])

	d.step("the app reads her attributes with the access token")
	r, err = d.call(ctx, "GetUser", object{"AccessToken": tokens.AccessToken})
	if err != nil {
		return err
	}
	name := ""
	for _, a := range r.UserAttributes {
		if a.Name == "name" {
			name = a.Value
		}
	}
	if name != "Ada Example" {
		return errors.New("GetUser does not know her name")
	}
	d.say("hello, %s", name)

	d.step("the app renews the tokens, then she signs out")
	if _, err := d.call(ctx, "GetTokensFromRefreshToken", object{"RefreshToken": tokens.RefreshToken}); err != nil {
		return err
	}
	d.say("new tokens without a new sign-in")
	if _, err := d.call(ctx, "RevokeToken", object{"Token": tokens.RefreshToken}); err != nil {
		return err
	}
	_, err = d.call(ctx, "GetTokensFromRefreshToken", object{"RefreshToken": tokens.RefreshToken})
	if refused := (*refusal)(nil); !errors.As(err, &refused) || refused.Type != "NotAuthorizedException" {
		return fmt.Errorf("after signing out, the refresh token still does something: %v", err)
	}
	d.say("after that the refresh token is refused: %v", err)
	fmt.Fprintln(d.out, "\nAll went as told.")
	return nil
}

// challenge tells what the pool asks now, and fails unless it asks for a code
// with this errorCode.
func (d *demo) challenge(r reply, errorCode string) error {
	p := r.ChallengeParameters
	if r.ChallengeName != "CUSTOM_CHALLENGE" {
		return fmt.Errorf("the pool asks for %q, not for a code", r.ChallengeName)
	}
	if p["errorCode"] != errorCode {
		return fmt.Errorf("errorCode is %q, not %q", p["errorCode"], errorCode)
	}
	if errorCode != "" {
		d.say("refused: %s, attempts left: %s", errorCode, p["attemptsRemaining"])
		return nil
	}
	d.say("a code of %s digits was sent by %s, attempts left: %s", p["codeLength"], p["CODE_DELIVERY_DELIVERY_MEDIUM"], p["attemptsRemaining"])
	return nil
}

// wait until a new code may be asked for.
func (d *demo) wait(ctx context.Context, r reply) error {
	seconds, err := strconv.Atoi(r.ChallengeParameters["resendAfter"])
	if err != nil || seconds <= 0 {
		return nil
	}
	pause := time.Duration(seconds) * time.Second
	d.say("(the next code can be asked for in %v)", pause)
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *demo) answer(ctx context.Context, r reply, code string) (reply, error) {
	return d.respond(ctx, r, code, nil)
}

func (d *demo) resend(ctx context.Context, r reply) (reply, error) {
	return d.respond(ctx, r, "resend", object{"action": "resend"})
}

func (d *demo) respond(ctx context.Context, r reply, answer string, metadata object) (reply, error) {
	return d.call(ctx, "RespondToAuthChallenge", object{
		"ChallengeName":      r.ChallengeName,
		"Session":            r.Session,
		"ChallengeResponses": object{"USERNAME": r.ChallengeParameters["USERNAME"], "ANSWER": answer},
		"ClientMetadata":     metadata,
	})
}

var codePattern = regexp.MustCompile(`\b[0-9]{6}\b`)

// code reads the code from the newest text on her phone.
func (d *demo) code(ctx context.Context) (string, error) {
	var texts []text
	if err := d.get(ctx, "/_local/messages?to="+url.QueryEscape(demoPhone), &texts); err != nil {
		return "", err
	}
	if len(texts) == 0 {
		return "", errors.New("no text arrived")
	}
	code := codePattern.FindString(texts[0].Text)
	if code == "" {
		return "", errors.New("the text has no code of six digits")
	}
	return code, nil
}

// wrong is a code that is not this one.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}

// verify checks an RS256 token against the keys of the pool, as RFC 7515 says,
// and returns its claims. For servers there are libraries that do this.
func (d *demo) verify(ctx context.Context, token string) (object, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("a token has three parts")
	}
	var header struct{ Kid, Alg string }
	claims := object{}
	if err := errors.Join(decode(parts[0], &header), decode(parts[1], &claims)); err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kid, Kty, N, E string }
	}
	if err := d.get(ctx, "/"+d.poolID+"/.well-known/jwks.json", &set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.Kid != header.Kid || header.Alg != "RS256" || k.Kty != "RSA" {
			continue
		}
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		signature, err3 := base64.RawURLEncoding.DecodeString(parts[2])
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		return claims, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	return nil, errors.New("the pool has no key for this token")
}

func decode(part string, v any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// call calls one operation of the pool.
func (d *demo) call(ctx context.Context, operation string, input object) (reply, error) {
	if operation != "GetUser" {
		input["ClientId"] = d.clientID
	}
	body, err := json.Marshal(input)
	if err != nil {
		return reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/", bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	var r reply
	if err := d.do(req, &r); err != nil {
		return r, fmt.Errorf("%s: %w", operation, err)
	}
	return r, nil
}

func (d *demo) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return err
	}
	return d.do(req, v)
}

func (d *demo) do(req *http.Request, v any) error {
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		refused := &refusal{}
		if json.Unmarshal(body, refused) != nil || refused.Type == "" {
			return fmt.Errorf("%s answers %s", req.URL.Path, res.Status)
		}
		return refused
	}
	if len(body) == 0 { // RevokeToken
		return nil
	}
	return json.Unmarshal(body, v)
}

func (d *demo) step(format string, args ...any) {
	d.steps++
	fmt.Fprintf(d.out, "\n%d. "+format+"\n", append([]any{d.steps}, args...)...)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "   → "+format+"\n", args...)
}
