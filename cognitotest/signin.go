package cognitotest

// This file is the client's side for tests in Go.

import (
	"context"
	"maps"
	"time"
)

// A SignIn is a sign-in by the first app client, as an app sees it. It is for
// one goroutine at a time.
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
	return p.signIn(ctx, map[string]string{"USERNAME": name})
}

// SignInSRP begins a sign-in with a password (CUSTOM_AUTH with SRP_A), and
// proves the password if Define asks for that.
func (p *Pool) SignInSRP(ctx context.Context, name, password string) (*SignIn, error) {
	srp := newSRPClient()
	s, err := p.signIn(ctx, map[string]string{
		"USERNAME":       name,
		"CHALLENGE_NAME": srpA,
		srpA:             srp.a.Text(16),
	})
	if err != nil || s.Challenge != passwordVerifier {
		return s, err
	}
	responses, err := srp.answer(s.Parameters, p.config.ID, password, time.Now().UTC().Format(srpTimestamp))
	if err != nil {
		return nil, err
	}
	if err := s.respond(ctx, responses, nil); err != nil {
		return nil, err
	}
	return s, nil
}

func (p *Pool) signIn(ctx context.Context, parameters map[string]string) (*SignIn, error) {
	c := &p.config.Clients[0]
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
