package cognitotest

// This file is the client's side for tests in Go.

import (
	"context"
	"maps"
)

// A SignIn is a sign-in as an app sees it, by the first app client unless
// [Pool.SignInAs] says another. It is for one goroutine at a time.
type SignIn struct {
	// Challenge is "CUSTOM_CHALLENGE" while there is one to answer.
	Challenge string

	// Parameters are the public parameters of the challenge, with USERNAME.
	Parameters map[string]string

	// Session is the session string that the next answer is sent with. A test
	// may put another one here.
	Session string

	pool   *Pool
	client *Client
	grant  *grant  // of the user who is signed in
	tokens *Tokens // the same, once they are signed
}

// SignIn begins a sign-in without a password (AuthFlow CUSTOM_AUTH). The name
// can be an alias, where the pool has them. The error is an [*Error] unless ctx
// is done.
func (p *Pool) SignIn(ctx context.Context, name string) (*SignIn, error) {
	return p.signIn(ctx, &p.config.Clients[0], map[string]string{"USERNAME": name})
}

// SignInSRP begins a sign-in with a password (CUSTOM_AUTH with SRP_A), and
// proves the password if Define asks for that.
func (p *Pool) SignInSRP(ctx context.Context, name, password string) (*SignIn, error) {
	return p.signInSRP(ctx, &p.config.Clients[0], name, password)
}

// SignInAs is [Pool.SignIn] by any app client, or with a password
// [Pool.SignInSRP].
func (p *Pool) SignInAs(ctx context.Context, clientID, name, password string) (*SignIn, error) {
	c, err := p.client(clientID)
	if err != nil {
		return nil, err
	}
	if password != "" {
		return p.signInSRP(ctx, c, name, password)
	}
	return p.signIn(ctx, c, map[string]string{"USERNAME": name})
}

func (p *Pool) signInSRP(ctx context.Context, c *Client, name, password string) (*SignIn, error) {
	srp := newSRPClient()
	s, err := p.signIn(ctx, c, map[string]string{
		"USERNAME":       name,
		"CHALLENGE_NAME": srpA,
		srpA:             srp.a.Text(16),
	})
	if err != nil || s.Challenge != passwordVerifier {
		return s, err
	}
	responses, err := srp.answer(s.Parameters, p.config.ID, password, s.pool.now().UTC().Format(srpTimestamp))
	if err != nil {
		return nil, err
	}
	if err := s.respond(ctx, responses, nil); err != nil {
		return nil, err
	}
	return s, nil
}

func (p *Pool) signIn(ctx context.Context, c *Client, parameters map[string]string) (*SignIn, error) {
	if !c.allows("CUSTOM_AUTH") {
		return nil, errFlow("CUSTOM_AUTH")
	}
	s := &SignIn{pool: p, client: c}
	s.sign(parameters)
	answer, err := p.startCustom(ctx, c, parameters, nil)
	if err != nil {
		return nil, err
	}
	s.take(answer)
	return s, nil
}

// Answer answers the challenge. A wrong answer is no error: there is another
// challenge then, or Define ends the sign-in, which is an error. clientMetadata
// may be nil.
//
// After an error the session is spent, and so is the sign-in, unless the service
// refused the request before it looked at the answer.
func (s *SignIn) Answer(ctx context.Context, answer string, clientMetadata map[string]string) error {
	return s.respond(ctx, map[string]string{"USERNAME": s.Parameters["USERNAME"], "ANSWER": answer}, clientMetadata)
}

// Resend asks for the message again: an answer with the metadata "action" set to
// "resend", which the handlers of customauth do not compare with anything.
func (s *SignIn) Resend(ctx context.Context) error {
	return s.Answer(ctx, "resend", map[string]string{"action": "resend"})
}

// Choose chooses one of several ways, "email" for example: an answer with the
// metadata "action" set to "choose" and "way" to the way's name.
func (s *SignIn) Choose(ctx context.Context, way string) error {
	return s.Answer(ctx, "choose", map[string]string{"action": "choose", "way": way})
}

func (s *SignIn) respond(ctx context.Context, responses, clientMetadata map[string]string) error {
	s.sign(responses)
	answer, err := s.pool.respond(ctx, s.client, s.Challenge, s.Session, responses, maps.Clone(clientMetadata))
	if err != nil {
		return err
	}
	s.take(answer)
	return nil
}

// sign adds SECRET_HASH for a client with a secret.
func (s *SignIn) sign(parameters map[string]string) {
	if s.client.Secret != "" {
		parameters["SECRET_HASH"] = s.client.hash(parameters["USERNAME"])
	}
}

func (s *SignIn) take(a *authAnswer) {
	s.Challenge, s.Parameters, s.Session, s.grant = a.ChallengeName, a.ChallengeParameters, a.Session, a.grant
}

// Done reports whether the user is signed in.
func (s *SignIn) Done() bool { return s.grant != nil }

// Tokens returns the tokens, or nil while the user is not signed in. They are
// signed when it is called for the first time.
func (s *SignIn) Tokens() *Tokens {
	if s.tokens == nil && s.grant != nil {
		s.tokens = s.pool.sign(s.grant)
	}
	return s.tokens
}
