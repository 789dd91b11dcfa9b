package cognitotest

// This file is the state machine of a custom sign-in: what happens between
// InitiateAuth, the triggers, RespondToAuthChallenge and the tokens.

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"time"
)

const (
	customChallenge  = "CUSTOM_CHALLENGE"
	passwordVerifier = "PASSWORD_VERIFIER"
	srpA             = "SRP_A"
)

// An authAnswer is what InitiateAuth and RespondToAuthChallenge answer: the next
// challenge, or tokens.
type authAnswer struct {
	ChallengeName        string            `json:",omitempty"`
	ChallengeParameters  map[string]string `json:",omitzero"`
	Session              string            `json:",omitempty"`
	AuthenticationResult *Tokens           `json:",omitempty"`

	grant *grant // tokens that are not signed yet
}

// signed is an answer as it goes out.
func (p *Pool) signed(a *authAnswer, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if a.grant != nil {
		a.AuthenticationResult = p.sign(a.grant)
	}
	return a, nil
}

// startCustom begins a sign-in with AuthFlow CUSTOM_AUTH. clientMetadata goes to
// PreAuthentication alone, as validation data.
func (p *Pool) startCustom(ctx context.Context, c *Client, parameters, clientMetadata map[string]string) (*authAnswer, error) {
	name := parameters["USERNAME"]
	if name == "" {
		return nil, errMissing("USERNAME")
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	a := &attempt{client: c, userName: p.internalName(name), entries: []challengeResult{}}
	if err := c.checkHash(parameters["SECRET_HASH"], name, a.userName); err != nil {
		return nil, err
	}
	if _, _, _, err := p.customAuth(); err != nil {
		return nil, err
	}
	u := p.find(name)
	switch {
	case u == nil && c.PreventUserExistenceErrors == existenceShown:
		return nil, errUserNotFound()
	case u == nil:
		a.notFound = true
	case u.disabled:
		return nil, errDisabled()
	case u.status == statusUnconfirmed:
		return nil, failure("UserNotConfirmedException", "User is not confirmed.") // (observed)
	}

	switch parameters["CHALLENGE_NAME"] {
	case "":
	case srpA:
		if parameters[srpA] == "" {
			return nil, errMissing(srpA)
		}
		number, err := srpNumber(parameters[srpA])
		if err != nil {
			return nil, errParameter("Invalid SRP_A: %v", err)
		}
		v := p.fakeVerifier(a.userName)
		if u != nil && u.password != nil {
			v = *u.password
		}
		a.srp = newSRPServer(number, v, p.name(), a.userName)
		a.entries = append(a.entries, challengeResult{srpA, true, nil})
	default:
		return nil, errParameter("Invalid CHALLENGE_NAME")
	}

	if err := p.preAuthentication(ctx, a, u, clientMetadata); err != nil {
		return nil, err
	}
	return p.next(ctx, a, nil)
}

// preAuthentication runs the trigger. The client's metadata is its validation
// data.
func (p *Pool) preAuthentication(ctx context.Context, a *attempt, u *user, clientMetadata map[string]string) error {
	t := trigger{name: "PreAuthentication", source: "PreAuthentication_Authentication", handler: p.settings().triggers.PreAuthentication}
	return p.invoke(ctx, t, a.userName, a.client.ID, preAuthenticationRequest{
		UserAttributes: p.attributesOf(u),
		ValidationData: clientMetadata,
		UserNotFound:   a.userNotFound(),
	}, new(emptyResponse))
}

// userNotFound is the field of the events: absent for clients with LEGACY.
func (a *attempt) userNotFound() *bool {
	if a.client.PreventUserExistenceErrors == existenceShown {
		return nil
	}
	return &a.notFound
}

// attributesOf returns an empty map for nobody.
func (p *Pool) attributesOf(u *user) map[string]string {
	if u == nil {
		return map[string]string{}
	}
	return p.attributes(u)
}

// subject returns the user of the attempt, nil for an unknown one. It fails for a
// user who was deleted on the way.
func (p *Pool) subject(a *attempt) (*user, error) {
	if a.notFound {
		return nil, nil
	}
	if u := p.find(a.userName); u != nil {
		if u.disabled {
			return nil, errDisabled()
		}
		return u, nil
	}
	if a.client.PreventUserExistenceErrors == existenceShown {
		return nil, errUserNotFound()
	}
	return nil, errIncorrect()
}

// next asks Define how to go on, and goes on.
func (p *Pool) next(ctx context.Context, a *attempt, clientMetadata map[string]string) (*authAnswer, error) {
	define, _, _, err := p.customAuth()
	if err != nil {
		return nil, err
	}
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	var d defineResponse
	err = p.invoke(ctx, define, a.userName, a.client.ID, defineRequest{
		UserAttributes: p.attributesOf(u),
		Session:        a.entries,
		ClientMetadata: clientMetadata,
		UserNotFound:   a.userNotFound(),
	}, &d)
	if err != nil {
		return nil, err
	}

	switch {
	case isSet(d.FailAuthentication):
		return nil, errIncorrect()
	case isSet(d.IssueTokens) && a.notFound:
		return nil, errIncorrect() // whatever Define says
	case isSet(d.IssueTokens):
		return p.succeed(ctx, a, clientMetadata)
	case d.ChallengeName != nil && *d.ChallengeName == customChallenge:
		return p.challenge(ctx, a, clientMetadata)
	case d.ChallengeName != nil && *d.ChallengeName == passwordVerifier:
		return p.askPassword(a)
	default:
		return nil, failure("InvalidLambdaResponseException", "Unrecognizable lambda output")
	}
}

func isSet(b *bool) bool { return b != nil && *b }

// challenge asks Create for a challenge and puts it to the client.
func (p *Pool) challenge(ctx context.Context, a *attempt, clientMetadata map[string]string) (*authAnswer, error) {
	_, create, _, err := p.customAuth()
	if err != nil {
		return nil, err
	}
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	var c createResponse
	err = p.invoke(ctx, create, a.userName, a.client.ID, createRequest{
		UserAttributes: p.attributesOf(u),
		ChallengeName:  customChallenge,
		Session:        a.entries,
		ClientMetadata: clientMetadata,
		UserNotFound:   a.userNotFound(),
	}, &c)
	if err != nil {
		return nil, err
	}
	if len(c.PrivateChallengeParameters) == 0 && a.notFound {
		// The service answers a known user and an unknown one differently then
		// (aws-samples/amazon-cognito-passwordless-auth#214).
		return nil, errUserNotFound()
	}

	pending := *a
	pending.challenge = customChallenge
	pending.metadata, pending.private = c.ChallengeMetadata, c.PrivateChallengeParameters
	return p.ask(&pending, c.PublicChallengeParameters)
}

// askPassword puts PASSWORD_VERIFIER to the client. It can only follow SRP_A: no
// attempt after the first has srp.
func (p *Pool) askPassword(a *attempt) (*authAnswer, error) {
	if a.srp == nil {
		return nil, errMissing(srpA)
	}
	pending := *a
	pending.challenge = passwordVerifier
	answer, err := p.ask(&pending, map[string]string{
		"SALT":            a.srp.salt.Text(16),
		"SRP_B":           a.srp.b.Text(16),
		"USER_ID_FOR_SRP": a.userName,
	})
	if err != nil {
		return nil, err
	}
	answer.ChallengeParameters["SECRET_BLOCK"] = p.block(&pending)
	return answer, nil
}

func (p *Pool) ask(a *attempt, parameters map[string]string) (*authAnswer, error) {
	session, err := p.open(a)
	if err != nil {
		return nil, err
	}
	public := map[string]string{}
	maps.Copy(public, parameters)
	public["USERNAME"] = a.userName
	return &authAnswer{ChallengeName: a.challenge, ChallengeParameters: public, Session: session}, nil
}

// respond is RespondToAuthChallenge. Requests that lack something, or come from
// somebody else, leave the session as it is; all others spend it.
func (p *Pool) respond(ctx context.Context, c *Client, challenge, session string, responses, clientMetadata map[string]string) (*authAnswer, error) {
	name := responses["USERNAME"]
	if name == "" {
		return nil, errMissing("USERNAME")
	}
	internal := p.internalName(name)
	if err := c.checkHash(responses["SECRET_HASH"], name, internal); err != nil {
		return nil, err
	}

	var required []string
	switch challenge {
	case customChallenge:
		required = []string{"ANSWER"}
	case passwordVerifier:
		required = []string{"PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP"}
	case newPasswordRequired:
		required = []string{"NEW_PASSWORD"}
	default:
		return nil, errParameter("cognitotest: the challenge %q is not there", clip(challenge))
	}
	for _, r := range required {
		if responses[r] == "" {
			return nil, errMissing(r)
		}
	}

	a, err := p.redeemEither(challenge, session, responses["PASSWORD_CLAIM_SECRET_BLOCK"])
	if err != nil {
		return nil, err
	}
	sameUser := p.fold(name) == p.fold(a.userName) || p.fold(internal) == p.fold(a.userName)
	if a.client.ID != c.ID || a.challenge != challenge || !sameUser {
		return nil, errNotAuthorized("Invalid session for the user.")
	}
	switch challenge {
	case passwordVerifier:
		return p.checkPasswordClaim(ctx, a, responses, clientMetadata)
	case newPasswordRequired:
		return p.takeNewPassword(ctx, a, responses, clientMetadata)
	default:
		return p.verifyAnswer(ctx, a, responses["ANSWER"], clientMetadata)
	}
}

// redeemEither finds the attempt by Session, or for PASSWORD_VERIFIER by the
// secret block. If both are sent they must be of one attempt.
func (p *Pool) redeemEither(challenge, session, block string) (*attempt, error) {
	var bySession, byBlock *attempt
	if session != "" {
		if err := checkSession(session); err != nil {
			return nil, err
		}
		ticket, _ := base64.RawURLEncoding.DecodeString(session)
		var err error
		if bySession, err = p.redeem("session", ticket); err != nil {
			return nil, err
		}
	}
	if challenge != passwordVerifier {
		if bySession == nil {
			return nil, errMissing("Session")
		}
		return bySession, nil
	}

	ticket, _ := base64.StdEncoding.DecodeString(block)
	byBlock, err := p.redeem("secret block", ticket)
	if err != nil || bySession != nil && bySession != byBlock {
		return nil, errIncorrect() // (observed for a wrong secret block)
	}
	return byBlock, nil
}

// checkSession checks the length of a session string (API reference, SessionType).
func checkSession(session string) error {
	if len(session) < sessionLeast {
		return errConstraint("session", "Member must have length greater than or equal to 20")
	}
	if len(session) > sessionLimit {
		return errConstraint("session", "Member must have length less than or equal to 2048")
	}
	return nil
}

// verifyAnswer asks Verify about the answer to a custom challenge.
func (p *Pool) verifyAnswer(ctx context.Context, a *attempt, answer string, clientMetadata map[string]string) (*authAnswer, error) {
	_, _, verify, err := p.customAuth()
	if err != nil {
		return nil, err
	}
	if err := p.end(a); err != nil {
		return nil, err
	}
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	var v verifyResponse
	err = p.invoke(ctx, verify, a.userName, a.client.ID, verifyRequest{
		UserAttributes:             p.attributesOf(u),
		PrivateChallengeParameters: a.private,
		ChallengeAnswer:            answer,
		ClientMetadata:             clientMetadata,
		UserNotFound:               a.userNotFound(),
	}, &v)
	if err != nil {
		return nil, err
	}
	return p.next(ctx, a.after(challengeResult{customChallenge, isSet(v.AnswerCorrect), a.metadata}), clientMetadata)
}

// checkPasswordClaim checks the proof of the password. A wrong one ends the
// sign-in: Define is not asked.
func (p *Pool) checkPasswordClaim(ctx context.Context, a *attempt, responses, clientMetadata map[string]string) (*authAnswer, error) {
	at, err := time.Parse(srpTimestamp, responses["TIMESTAMP"])
	if err != nil {
		return nil, errParameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.") // (observed)
	}
	if err := p.end(a); err != nil {
		return nil, err
	}
	block, _ := base64.StdEncoding.DecodeString(responses["PASSWORD_CLAIM_SECRET_BLOCK"])
	// The proof covers the time as the service writes it: "Sep 05" or a wrong
	// day of the week fails (observed).
	proven := a.srp.check(block, at.Format(srpTimestamp), responses["PASSWORD_CLAIM_SIGNATURE"])
	if !proven || a.notFound {
		return nil, errIncorrect()
	}
	if a.byPassword {
		return p.passwordProven(ctx, a, clientMetadata)
	}
	return p.next(ctx, a.after(challengeResult{passwordVerifier, true, nil}), clientMetadata)
}

// after returns the attempt with one more result.
func (a *attempt) after(r challengeResult) *attempt {
	return &attempt{
		client:   a.client,
		userName: a.userName,
		notFound: a.notFound,
		entries:  append(slices.Clone(a.entries), r),
	}
}

// succeed runs the last triggers and issues tokens.
func (p *Pool) succeed(ctx context.Context, a *attempt, clientMetadata map[string]string) (*authAnswer, error) {
	u, err := p.subject(a)
	if err != nil {
		return nil, err
	}
	post := trigger{name: "PostAuthentication", source: "PostAuthentication_Authentication", handler: p.settings().triggers.PostAuthentication}
	err = p.invoke(ctx, post, u.name, a.client.ID, postAuthenticationRequest{
		UserAttributes: p.attributes(u),
		ClientMetadata: clientMetadata,
	}, new(emptyResponse))
	if err != nil {
		return nil, err
	}
	// PostAuthentication may have changed the user, or deleted it.
	if u, err = p.subject(a); err != nil {
		return nil, err
	}
	g, err := p.issue(ctx, cmp.Or(a.tokenSource, "TokenGeneration_Authentication"), a.client, u, clientMetadata)
	if err != nil {
		return nil, err
	}
	return &authAnswer{grant: g, ChallengeParameters: map[string]string{}}, nil
}

// clip shortens what a client sent, for a message.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
