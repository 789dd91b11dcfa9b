package cognitotest

// This file calls the triggers: the JSON that they get, what their answers may
// be, and what becomes of errors, panics and silence.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Triggers are the functions that the pool calls, each any lambda.Handler: one
// made by lambda.NewHandler or customauth.NewHandler, or a [Function]. The pool
// calls what is set, as the service does: a function that knows a trigger is not
// called for it unless it is named here.
type Triggers struct {
	// All stands for Define, Create and Verify where they are nil. The others
	// must be named even if it is the same function.
	All lambda.Handler

	Define, Create, Verify lambda.Handler

	PreSignUp          lambda.Handler // PreSignUp_SignUp, PreSignUp_AdminCreateUser
	PostConfirmation   lambda.Handler // PostConfirmation_ConfirmSignUp
	PreAuthentication  lambda.Handler // before Define is called for the first time
	PostAuthentication lambda.Handler // before tokens are issued, not for a refresh
	CustomMessage      lambda.Handler // CustomMessage_*, the texts of the pool's own messages
	PreTokenGeneration lambda.Handler // TokenGeneration_*

	// PreTokenGenerationVersion is the version of PreTokenGeneration's event:
	// "V1_0", "V2_0" or "V3_0". Default V1_0, which knows the ID token and the
	// groups alone.
	PreTokenGenerationVersion string
}

const (
	// The service waits 5 seconds for a trigger and calls it three times in all,
	// by the older text of its guide, which names no number any more (developer
	// guide, "Customizing user pool workflows with Lambda triggers").
	triggerTimeout = 5 * time.Second
	triggerTries   = 3
)

// A trigger is one of the functions, with the names that it goes by.
type trigger struct {
	name    string // in the texts of errors
	source  string // triggerSource
	handler lambda.Handler
	version string // of the event, "1" if empty
}

// event is what every trigger gets.
type event struct {
	Version       string        `json:"version"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext callerContext `json:"callerContext"`
	TriggerSource string        `json:"triggerSource"`
	Request       any           `json:"request"`
	Response      any           `json:"response"`
}

type callerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

// The requests and responses. A response is sent with its nulls and read back
// from the answer. Fields that the service leaves out are omitted.
type (
	defineRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		Session        []challengeResult `json:"session"`
		ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
		UserNotFound   *bool             `json:"userNotFound,omitempty"`
	}
	defineResponse struct {
		ChallengeName      *string `json:"challengeName"`
		IssueTokens        *bool   `json:"issueTokens"`
		FailAuthentication *bool   `json:"failAuthentication"`
	}

	createRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ChallengeName  string            `json:"challengeName"`
		Session        []challengeResult `json:"session"`
		ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
		UserNotFound   *bool             `json:"userNotFound,omitempty"`
	}
	createResponse struct {
		PublicChallengeParameters  map[string]string `json:"publicChallengeParameters"`
		PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
		ChallengeMetadata          *string           `json:"challengeMetadata"`
	}

	verifyRequest struct {
		UserAttributes             map[string]string `json:"userAttributes"`
		PrivateChallengeParameters map[string]string `json:"privateChallengeParameters"`
		ChallengeAnswer            string            `json:"challengeAnswer"`
		ClientMetadata             map[string]string `json:"clientMetadata,omitempty"`
		UserNotFound               *bool             `json:"userNotFound,omitempty"`
	}
	verifyResponse struct {
		AnswerCorrect *bool `json:"answerCorrect"`
	}

	signUpRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ValidationData map[string]string `json:"validationData"`
		ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	}
	signUpResponse struct {
		AutoConfirmUser bool `json:"autoConfirmUser"`
		AutoVerifyEmail bool `json:"autoVerifyEmail"`
		AutoVerifyPhone bool `json:"autoVerifyPhone"`
	}

	confirmationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	}

	preAuthenticationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		ValidationData map[string]string `json:"validationData"`
		UserNotFound   *bool             `json:"userNotFound,omitempty"`
	}

	postAuthenticationRequest struct {
		UserAttributes map[string]string `json:"userAttributes"`
		NewDeviceUsed  bool              `json:"newDeviceUsed"`
		ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
	}

	messageRequest struct {
		UserAttributes    map[string]string `json:"userAttributes"`
		CodeParameter     string            `json:"codeParameter"`
		LinkParameter     string            `json:"linkParameter"`
		UsernameParameter *string           `json:"usernameParameter"`
		ClientMetadata    map[string]string `json:"clientMetadata,omitempty"`
	}
	messageResponse struct {
		SMSMessage   *string `json:"smsMessage"`
		EmailMessage *string `json:"emailMessage"`
		EmailSubject *string `json:"emailSubject"`
	}

	// emptyResponse is the response of triggers that answer nothing.
	emptyResponse struct{}
)

type challengeResult struct {
	ChallengeName     string  `json:"challengeName"`
	ChallengeResult   bool    `json:"challengeResult"`
	ChallengeMetadata *string `json:"challengeMetadata"`
}

// customAuth returns the three triggers of a custom sign-in.
func (p *Pool) customAuth() (define, create, verify trigger, err error) {
	t := p.settings().triggers.named()
	of := func(name string) trigger {
		return trigger{name: name, source: name + "_Authentication", handler: t[name]}
	}
	define, create, verify = of("DefineAuthChallenge"), of("CreateAuthChallenge"), of("VerifyAuthChallengeResponse")
	if define.handler == nil || create.handler == nil || verify.handler == nil {
		err = errParameter("Custom auth lambda trigger is not configured for the user pool.") // (observed)
	}
	return define, create, verify, err
}

// invoke calls the trigger with the request and an empty response, and reads the
// answer into response, a pointer. A trigger without a handler is skipped: the
// response stays as it is.
func (p *Pool) invoke(ctx context.Context, t trigger, userName, clientID string, request, response any) error {
	if t.handler == nil {
		return nil
	}
	payload, err := json.Marshal(event{
		Version:       cmp.Or(t.version, "1"),
		Region:        p.region,
		UserPoolID:    p.config.ID,
		UserName:      userName,
		CallerContext: callerContext{"aws-sdk-unknown-unknown", clientID},
		TriggerSource: t.source,
		Request:       request,
		Response:      response,
	})
	if err != nil {
		return fmt.Errorf("cognitotest: %s event: %w", t.name, err)
	}
	answer, err := p.try(ctx, t, payload)
	if err == nil {
		err = unrecognizable(t, decodeAnswer(answer, response))
	}
	if err != nil && p.config.Logf != nil {
		p.config.Logf("cognitotest: %s of user %s: %v", t.source, userName, err)
	}
	return err
}

// unrecognizable is the error of an answer that cannot be read. Why stays in it
// for a test to see.
func unrecognizable(t trigger, why error) error {
	if why == nil {
		return nil
	}
	return &Error{
		Type:    "InvalidLambdaResponseException",
		Message: "Unrecognizable lambda output", // (observed)
		cause:   fmt.Errorf("the answer of %s: %w", t.name, why),
	}
}

// decodeAnswer reads the response out of what a trigger answered.
func decodeAnswer(answer []byte, response any) error {
	var e struct {
		Response json.RawMessage `json:"response"`
	}
	if err := decodeExact(answer, &e); err != nil {
		return err
	}
	if _, nothing := response.(*emptyResponse); nothing && e.Response == nil {
		return nil
	}
	return decodeExact(e.Response, response)
}

// try calls the trigger until it answers, at most as often as the pool tries.
func (p *Pool) try(ctx context.Context, t trigger, payload []byte) ([]byte, error) {
	var unexpected error
	text := "Socket timeout while invoking Lambda function."
	for range p.config.TriggerTries {
		answer, err := p.call(ctx, t, payload)
		var crash *crashError
		var function *FunctionError
		switch {
		case err == nil:
			return answer, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("cognitotest: %s: %w", t.name, context.Cause(ctx))
		case errors.Is(err, errTriggerTimeout):
			unexpected = err
		case errors.As(err, &crash):
			unexpected, text = err, "Unhandled."
		case errors.As(err, &function) && strings.HasPrefix(function.Type, "Sandbox."):
			unexpected = err
		case errors.As(err, &function) && function.Type == "Runtime.ExitError":
			unexpected, text = err, "Unhandled."
		default:
			return nil, &Error{
				Type:    "UserLambdaValidationException",
				Message: t.name + " failed with error " + handlerText(err) + ".", // (observed)
				cause:   err,
			}
		}
	}
	return nil, &Error{
		Type:    "UnexpectedLambdaException",
		Message: t.name + " invocation failed due to error " + text, // (observed, for the timeout)
		cause:   unexpected,
	}
}

// handlerText is the text of a handler's error, as the Lambda runtime reports it.
func handlerText(err error) string {
	if e, ok := err.(messages.InvokeResponse_Error); ok {
		return e.Message
	}
	return err.Error()
}

var errTriggerTimeout = errors.New("no answer within 5 seconds")

// A crashError is the end of a handler that neither answered nor failed.
type crashError struct{ text string }

func (e *crashError) Error() string { return e.text }

// call calls the handler once. One that does not answer in time is abandoned:
// its context is done, and it may run on.
func (p *Pool) call(ctx context.Context, t trigger, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, triggerTimeout, errTriggerTimeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       uuid(random(16)),
		InvokedFunctionArn: p.functionARN(t.name),
	})

	type outcome struct {
		answer []byte
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{err: &crashError{"the handler ended its goroutine"}}
		defer func() {
			if v := recover(); v != nil {
				o.err = &crashError{fmt.Sprintf("panic: %v\n\n%s", v, debug.Stack())}
			}
			done <- o
		}()
		answer, err := t.handler.Invoke(ctx, bytes.Clone(payload))
		o = outcome{answer, err}
	}()

	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *Pool) functionARN(name string) string {
	return "arn:aws:lambda:" + p.region + ":000000000000:function:" + name
}

// decodeExact decodes a JSON object into a struct by the exact names of its tags
// or fields, where package json would let "Issuetokens" stand for "issueTokens", which
// the service does not. Unknown members are ignored: events and requests grow.
func decodeExact(data []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if members == nil {
		return errors.New("want an object")
	}
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		name = cmp.Or(name, field.Name)
		raw, ok := members[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, v.Field(i).Addr().Interface()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
