package customauth

// This file has the one handler for all triggers of a pool.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
)

// NewHandler returns one handler for all triggers of a pool, by triggerSource: one
// function, and so one cold start, for a whole sign-in. Other triggers come in by
// name, as "PreSignUp" for all of its sources or "PreSignUp_SignUp" for one:
//
//	customauth.NewHandler(opts, map[string]lambda.Handler{
//		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
//	})
//
// A name that Cognito does not have is refused, and a source that nothing handles is
// an error. All fields of an event that the handler does not know are returned as
// they came.
//
// NewHandler warms the senders and the store (see [Sender]), so call it before
// lambda.Start. The handler is safe for concurrent use.
func NewHandler(o Options, triggers map[string]lambda.Handler) (lambda.Handler, error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	for name, h := range triggers {
		if err := checkTrigger(name, h); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
	}
	if err := e.warm(true); err != nil {
		return nil, err
	}
	return &handler{e, maps.Clone(triggers)}, nil
}

var own = []string{"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}

// sources are the trigger sources that Cognito has
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools-working-with-lambda-triggers.html),
// but for the package's own. A new one can be given with its full name as soon as
// its trigger is here.
var sources = map[string][]string{
	"PreSignUp":          {"SignUp", "AdminCreateUser", "ExternalProvider"},
	"PostConfirmation":   {"ConfirmSignUp", "ConfirmForgotPassword"},
	"PreAuthentication":  {"Authentication"},
	"PostAuthentication": {"Authentication"},
	"TokenGeneration":    {"HostedAuth", "Authentication", "NewPasswordChallenge", "AuthenticateDevice", "RefreshTokens", "ClientCredentials"},
	"UserMigration":      {"Authentication", "ForgotPassword"},
	"CustomMessage":      {"SignUp", "AdminCreateUser", "ResendCode", "ForgotPassword", "UpdateUserAttribute", "VerifyUserAttribute", "Authentication"},
	"CustomEmailSender":  {"SignUp", "ResendCode", "ForgotPassword", "UpdateUserAttribute", "VerifyUserAttribute", "AdminCreateUser", "AccountTakeOverNotification", "Authentication"},
	"CustomSMSSender":    {"SignUp", "ResendCode", "ForgotPassword", "UpdateUserAttribute", "VerifyUserAttribute", "AdminCreateUser", "Authentication"},
	"InboundFederation":  {"ExternalProvider"},
}

func checkTrigger(name string, h lambda.Handler) error {
	trigger, source, named := strings.Cut(name, "_")
	known, ok := sources[trigger]
	switch {
	case slices.Contains(own, trigger):
		return fmt.Errorf("the trigger %s is handled by this package: leave it out", name)
	case !ok:
		names := slices.Sorted(maps.Keys(sources))
		return fmt.Errorf("there is no trigger named %.40q; Cognito has %s", trigger, strings.Join(names, ", "))
	case named && !slices.Contains(known, source):
		return fmt.Errorf("the trigger %s has no source %.40q; it has %s", trigger, source, strings.Join(known, ", "))
	case isNil(h):
		return fmt.Errorf("the handler for %s is nil", name)
	}
	return nil
}

type handler struct {
	engine   *engine
	triggers map[string]lambda.Handler
}

// Invoke implements lambda.Handler.
func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := time.Now()
	c, err := event.Parse(payload)
	if err != nil {
		return nil, h.engine.reject(ctx, began, new(event.Call), ReasonEvent, err)
	}
	trigger, _, _ := strings.Cut(c.Source, "_")
	switch trigger {
	case "DefineAuthChallenge":
		return invoke(ctx, payload, c, h.engine, h.engine.define, defined.members)
	case "CreateAuthChallenge":
		return invoke(ctx, payload, c, h.engine, h.engine.create, created.members)
	case "VerifyAuthChallengeResponse":
		return invoke(ctx, payload, c, h.engine, h.engine.verify, verified.members)
	}
	other, ok := h.triggers[c.Source]
	if !ok {
		other, ok = h.triggers[trigger]
	}
	if !ok {
		return nil, h.engine.reject(ctx, began, c, ReasonTrigger, fmt.Errorf("nothing handles the trigger source %.64q", c.Source))
	}
	return h.plugged(ctx, began, trigger, other, payload, c)
}

// invoke runs one of the package's own triggers on JSON.
func invoke[T any](ctx context.Context, payload []byte, c *event.Call, e *engine, run func(context.Context, *event.Call) (T, error), members func(T) []event.Member) ([]byte, error) {
	began := time.Now()
	answer, err := run(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := c.Respond(payload, members(answer))
	if err != nil {
		return nil, e.reject(ctx, began, c, ReasonEvent, err)
	}
	return out, nil
}

// plugged runs another trigger's handler. Its errors are its own: they reach the app
// as they are. Of its answer the response is taken, and the event kept: the typed
// events of aws-lambda-go drop the fields that they do not know.
func (h *handler) plugged(ctx context.Context, began time.Time, trigger string, other lambda.Handler, payload []byte, c *event.Call) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, h.engine.reject(ctx, began, c, ReasonPanic, bounded.Caught(v))
		}
	}()
	answer, err := other.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	var got struct {
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, h.engine.reject(ctx, began, c, ReasonPlugged, fmt.Errorf("the handler for %s answered no event: %w", trigger, err))
	}
	members := make([]event.Member, 0, len(got.Response))
	for name, value := range got.Response {
		members = append(members, event.Member{Name: name, Value: value})
	}
	return c.Respond(payload, members)
}

// reject ends a call that did not get as far as one of the package's own triggers.
func (e *engine) reject(ctx context.Context, began time.Time, c *event.Call, why Reason, cause error) error {
	e.report(ctx, Event{
		Trigger: OtherTrigger, Outcome: Broken, Reason: why, Elapsed: time.Since(began), Err: errors.Join(cause),
		PoolID: c.Pool, ClientID: c.Client, UserName: Hide(c.User), UserNotFound: c.UserNotFound,
	}, "")
	return publicError(cause)
}
