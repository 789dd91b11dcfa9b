// Package usual has the three triggers as they are usually written by hand: no
// expiry, no limits, no protection of the code. Package customauth is measured
// beside it, because this is what people would use instead. Do not deploy it.
package usual

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/aws/aws-lambda-go/events"
)

// Send sends a text.
type Send func(ctx context.Context, phone, text string) error

// Handler returns one function for the three triggers, for lambda.Start.
func Handler(send Send) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var header events.CognitoEventUserPoolsHeader
		if err := json.Unmarshal(payload, &header); err != nil {
			return nil, err
		}
		switch header.TriggerSource {
		case "DefineAuthChallenge_Authentication":
			return handle(payload, define)
		case "CreateAuthChallenge_Authentication":
			return handle(payload, func(e *events.CognitoEventUserPoolsCreateAuthChallenge) error { return create(ctx, send, e) })
		case "VerifyAuthChallengeResponse_Authentication":
			return handle(payload, verify)
		}
		return nil, fmt.Errorf("unknown trigger %s", header.TriggerSource)
	}
}

func handle[E any](payload []byte, f func(*E) error) (any, error) {
	e := new(E)
	if err := json.Unmarshal(payload, e); err != nil {
		return nil, err
	}
	return e, f(e)
}

func define(e *events.CognitoEventUserPoolsDefineAuthChallenge) error {
	session := e.Request.Session
	switch {
	case len(session) > 0 && session[len(session)-1].ChallengeResult:
		e.Response.IssueTokens = true
	case len(session) >= 3:
		e.Response.FailAuthentication = true
	default:
		e.Response.ChallengeName = "CUSTOM_CHALLENGE"
	}
	return nil
}

func create(ctx context.Context, send Send, e *events.CognitoEventUserPoolsCreateAuthChallenge) error {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	code := fmt.Sprintf("%06d", n)
	if err := send(ctx, e.Request.UserAttributes["phone_number"], "Your code is "+code); err != nil {
		return err
	}
	e.Response.PublicChallengeParameters = map[string]string{"phone": e.Request.UserAttributes["phone_number"]}
	e.Response.PrivateChallengeParameters = map[string]string{"code": code}
	e.Response.ChallengeMetadata = "CODE"
	return nil
}

func verify(e *events.CognitoEventUserPoolsVerifyAuthChallenge) error {
	answer, _ := e.Request.ChallengeAnswer.(string)
	e.Response.AnswerCorrect = answer == e.Request.PrivateChallengeParameters["code"]
	return nil
}
