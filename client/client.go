package client

// This file is the client: one method for each thing that a user does.

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"github.com/cyber-eternal/customauth/internal/httpbody"
)

// Settings say whose users sign in.
type Settings struct {
	// PoolID is the user pool's id. The part before "_" is the region. Required.
	PoolID string

	// ClientID is an app client without a secret. Required.
	ClientID string

	// Endpoint is the URL of a proxy or of a pool for tests. Default: the service's
	// in the pool's region.
	Endpoint string

	// Timeout is how long a call may take. Default 20 seconds: Cognito waits 5
	// seconds for a trigger, and may call it again.
	Timeout time.Duration

	// HTTP makes the requests. Default a client of its own.
	HTTP *http.Client
}

// A Client signs users in at one app client. It is safe for concurrent use, but a
// challenge can be answered only once.
type Client struct {
	api      *cognito.Client
	id       string
	poolName string // the pool's id after "_", which SRP hashes
	timeout  time.Duration
}

// New makes a client. It asks nothing of the network.
func New(s Settings) (*Client, error) {
	region, poolName, found := strings.Cut(s.PoolID, "_")
	switch {
	case !found || region == "" || poolName == "":
		return nil, errors.New(`client: Settings.PoolID must look like "eu-west-1_AbCdEf123"`)
	case s.ClientID == "":
		return nil, errors.New("client: Settings.ClientID is empty; it is the id of an app client without a secret")
	case s.Timeout < 0:
		return nil, errors.New("client: Settings.Timeout is negative; 0 means 20 seconds")
	}
	if s.Timeout == 0 {
		s.Timeout = 20 * time.Second
	}
	if s.HTTP == nil {
		s.HTTP = &http.Client{}
	}
	o := cognito.Options{
		Region:      region,
		Credentials: aws.AnonymousCredentials{},
		HTTPClient:  httpbody.Client(s.HTTP),
		// A session is good for one answer. If the line drops, a second attempt would
		// be told that it was used, and hide that the first one arrived.
		Retryer: aws.NopRetryer{},
	}
	if s.Endpoint != "" {
		o.BaseEndpoint = &s.Endpoint
	}
	return &Client{api: cognito.New(o), id: s.ClientID, poolName: poolName, timeout: s.Timeout}, nil
}

// SignUp makes an account. The service insists on a password, and nobody will ever
// use it: it is random, has all four classes of characters, and is forgotten. A
// login that is a phone number or an e-mail address becomes the attribute
// phone_number or email, unless attributes has it. The metadata goes to the pre
// sign-up trigger. Signing in is a call of its own.
//
// Code AccountUnconfirmed: there is an account now, and nothing confirmed it.
func (c *Client) SignUp(ctx context.Context, login string, attributes, metadata map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	password := madeUpPassword()
	o, err := c.api.SignUp(ctx, &cognito.SignUpInput{
		ClientId:       &c.id,
		Username:       &login,
		Password:       &password,
		UserAttributes: list(withLogin(login, attributes)),
		ClientMetadata: metadata,
	})
	if err != nil {
		return understand(err, signingUp)
	}
	if !o.UserConfirmed {
		return &Error{Code: AccountUnconfirmed}
	}
	return nil
}

// SignIn begins a sign-in of whoever has this phone number, e-mail address or name.
func (c *Client) SignIn(ctx context.Context, login string) (Outcome, error) {
	return c.begin(ctx, c.id, login)
}

// StepUp begins a sign-in of the same user at another app client of the pool, whose
// steps are stricter: before a payment, for example. The tokens that come are that
// client's.
func (c *Client) StepUp(ctx context.Context, t *Tokens, clientID string) (Outcome, error) {
	name, err := t.userName()
	if err != nil {
		return Outcome{}, err
	}
	return c.begin(ctx, clientID, name)
}

func (c *Client) begin(ctx context.Context, clientID, login string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	o, err := c.initiate(ctx, clientID, map[string]string{"USERNAME": login})
	if err != nil {
		return Outcome{}, understand(err, beginning)
	}
	return outcome(reply{o.AuthenticationResult, o.ChallengeName, o.ChallengeParameters, o.Session}, clientID, login)
}

// SignInPassword begins a sign-in whose first step is the password. It is proved by
// SRP, so it does not leave this machine. With the right one, the outcome is the
// next challenge; code SignInFailed: the password is wrong, or there is no such
// user. A pool that does not ask for a password first goes on with its own step.
func (c *Client) SignInPassword(ctx context.Context, login, password string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	prover := newProver()
	first, err := c.initiate(ctx, c.id, map[string]string{"USERNAME": login, "CHALLENGE_NAME": "SRP_A", "SRP_A": prover.public()})
	if err != nil {
		return Outcome{}, understand(err, beginning)
	}
	if first.ChallengeName != types.ChallengeNameTypePasswordVerifier {
		return outcome(reply{first.AuthenticationResult, first.ChallengeName, first.ChallengeParameters, first.Session}, c.id, login)
	}
	responses, err := prover.respond(first.ChallengeParameters, c.poolName, password, time.Now())
	if err != nil {
		return Outcome{}, &Error{Code: Broken, Message: err.Error(), cause: err}
	}
	o, err := c.respond(ctx, &Challenge{ClientID: c.id, Name: string(first.ChallengeName), Session: aws.ToString(first.Session)}, responses, nil)
	if err != nil {
		// The proof is made for one session: there is nothing to send again.
		return Outcome{}, understand(err, answering)
	}
	return outcome(reply{o.AuthenticationResult, o.ChallengeName, o.ChallengeParameters, o.Session}, c.id, login)
}

// Answer answers a challenge. The metadata goes to the triggers with this answer:
// "way" and "locale" say how the next step is to be done.
func (c *Client) Answer(ctx context.Context, ch *Challenge, answer string, metadata map[string]string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	o, err := c.respond(ctx, ch, map[string]string{"USERNAME": ch.UserName, "ANSWER": answer}, metadata)
	if err == nil {
		return outcome(reply{o.AuthenticationResult, o.ChallengeName, o.ChallengeParameters, o.Session}, ch.ClientID, ch.Login)
	}
	e := understand(err, answering)
	if e.Code.stays() {
		return Outcome{Challenge: ch}, e
	}
	return Outcome{}, e
}

// Resend asks for another code. Where none comes, the error says why, and the code
// before stays good.
func (c *Client) Resend(ctx context.Context, ch *Challenge) (Outcome, error) {
	return c.Answer(ctx, ch, "resend", map[string]string{"action": "resend"})
}

// Choose takes one of ch.Ways, and has its message sent, in the language of locale:
// a BCP 47 tag such as "de-AT", or "" for the user's own.
func (c *Client) Choose(ctx context.Context, ch *Challenge, way, locale string) (Outcome, error) {
	metadata := map[string]string{"action": "choose", "way": way}
	if locale != "" {
		metadata["locale"] = locale
	}
	return c.Answer(ctx, ch, "choose", metadata)
}

// Refresh gets new tokens. Where refresh tokens rotate, the old one is used up: keep
// what comes, and do not call it twice at once with the same tokens ([Source] does
// not). Code SignedOut: the user has to sign in; with any other, t may still be
// good.
func (c *Client) Refresh(ctx context.Context, t *Tokens) (*Tokens, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	result, err := c.refresh(ctx, t)
	if err != nil {
		return nil, understand(err, signedIn)
	}
	return newTokens(result, t.ClientID, t.Refresh)
}

// refresh asks by the newer operation, and by the older one who does not know it.
func (c *Client) refresh(ctx context.Context, t *Tokens) (*types.AuthenticationResultType, error) {
	o, err := c.api.GetTokensFromRefreshToken(ctx, &cognito.GetTokensFromRefreshTokenInput{ClientId: &t.ClientID, RefreshToken: &t.Refresh})
	if err == nil {
		return o.AuthenticationResult, nil
	}
	var api smithy.APIError
	if !errors.As(err, &api) || !unknownOperation[api.ErrorCode()] {
		return nil, err
	}
	old, err := c.api.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId:       &t.ClientID,
		AuthFlow:       types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": t.Refresh},
	})
	if err != nil {
		return nil, err
	}
	return old.AuthenticationResult, nil
}

// unknownOperation is what proxies and older stand-ins say of an operation that they
// do not have.
var unknownOperation = map[string]bool{
	"UnknownOperationException": true, "InvalidAction": true, "InvalidParameterException": true,
}

// SignOut revokes the refresh token and the access tokens that were made of it.
// Forget the tokens whatever it returns.
func (c *Client) SignOut(ctx context.Context, t *Tokens) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err := c.api.RevokeToken(ctx, &cognito.RevokeTokenInput{ClientId: &t.ClientID, Token: &t.Refresh})
	return asError(err, signedIn)
}

// SignOutEverywhere revokes all tokens of the user, of every device and app client.
func (c *Client) SignOutEverywhere(ctx context.Context, t *Tokens) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err := c.api.GlobalSignOut(ctx, &cognito.GlobalSignOutInput{AccessToken: &t.Access})
	return asError(err, signedIn)
}

// Attributes reads the user's attributes from the pool.
func (c *Client) Attributes(ctx context.Context, t *Tokens) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	o, err := c.api.GetUser(ctx, &cognito.GetUserInput{AccessToken: &t.Access})
	if err != nil {
		return nil, understand(err, signedIn)
	}
	attributes := make(map[string]string, len(o.UserAttributes))
	for _, a := range o.UserAttributes {
		attributes[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	return attributes, nil
}

func (c *Client) initiate(ctx context.Context, clientID string, parameters map[string]string) (*cognito.InitiateAuthOutput, error) {
	return c.api.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId:       &clientID,
		AuthFlow:       types.AuthFlowTypeCustomAuth,
		AuthParameters: parameters,
	})
}

func (c *Client) respond(ctx context.Context, ch *Challenge, responses, metadata map[string]string) (*cognito.RespondToAuthChallengeOutput, error) {
	in := &cognito.RespondToAuthChallengeInput{
		ClientId:           &ch.ClientID,
		ChallengeName:      types.ChallengeNameType(ch.Name),
		ChallengeResponses: responses,
		ClientMetadata:     metadata,
	}
	if ch.Session != "" {
		in.Session = &ch.Session
	}
	return c.api.RespondToAuthChallenge(ctx, in)
}

// madeUpPassword has 192 random bits, and one of each class of characters that a
// password policy can ask for. It has 57 characters; a policy can ask for 99.
func madeUpPassword() string {
	b := make([]byte, 24)
	rand.Read(b) // never fails
	return "aA1-" + hex.EncodeToString(b) + "-Zz9!"
}

// withLogin adds the attribute that the login is.
func withLogin(login string, attributes map[string]string) map[string]string {
	all := map[string]string{}
	switch {
	case strings.HasPrefix(login, "+"):
		all["phone_number"] = login
	case strings.Contains(login, "@"):
		all["email"] = login
	}
	for name, value := range attributes {
		all[name] = value
	}
	return all
}

func list(attributes map[string]string) []types.AttributeType {
	var all []types.AttributeType
	for name, value := range attributes {
		all = append(all, types.AttributeType{Name: aws.String(name), Value: aws.String(value)})
	}
	return all
}
