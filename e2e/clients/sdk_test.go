package clients_test

// This file signs in with aws-sdk-go-v2, as a Go program would.

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
	"github.com/cyber-eternal/customauth/presignup"
)

// newSDK is a client as programs make it, but for the endpoint, and for a fault by which
// it now and then loses an answer on a busy machine. Administrators' operations are
// signed with made-up credentials.
func newSDK(s *service) *cognito.Client {
	return cognito.New(cognito.Options{
		Region:       region,
		BaseEndpoint: &s.url,
		HTTPClient:   httpbody.Client(awshttp.NewBuildableClient()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "not a secret"}, nil
		}),
	})
}

// initiate begins a sign-in with these parameters.
func initiate(t *testing.T, c *cognito.Client, parameters map[string]string) (*cognito.InitiateAuthOutput, error) {
	t.Helper()
	return c.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeCustomAuth, ClientId: aws.String(clientID), AuthParameters: parameters,
	})
}

// respond answers a custom challenge.
func respond(t *testing.T, c *cognito.Client, session *string, responses map[string]string, clientMetadata map[string]string) (*cognito.RespondToAuthChallengeOutput, error) {
	t.Helper()
	return c.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
		ChallengeName: types.ChallengeNameTypeCustomChallenge, ClientId: aws.String(clientID),
		Session: session, ChallengeResponses: responses, ClientMetadata: clientMetadata,
	})
}

// signIn is a whole sign-in with the right code.
func signIn(t *testing.T, s *service, c *cognito.Client) *types.AuthenticationResultType {
	t.Helper()
	first, err := initiate(t, c, map[string]string{"USERNAME": phone})
	if err != nil {
		t.Fatal(err)
	}
	last, err := respond(t, c, first.Session, map[string]string{"USERNAME": phone, "ANSWER": s.inbox.Code(phone)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return last.AuthenticationResult
}

// wantAs fails the test unless err is an error of the SDK's type T with this
// message.
func wantAs[T smithy.APIError](t *testing.T, err error, message string) {
	t.Helper()
	var want T
	if !errors.As(err, &want) {
		t.Errorf("error is %v, want a %T", err, want)
		return
	}
	if got := want.ErrorMessage(); got != message {
		t.Errorf("message of %T: %q, want %q", want, got, message)
	}
}

const incorrect = "Incorrect username or password."

// TestSDK walks from sign-up to the end of the account.
func TestSDK(t *testing.T) {
	s := newService(t, nil)
	c := newSDK(s)
	ctx := t.Context()

	signedUp, err := c.SignUp(ctx, &cognito.SignUpInput{
		ClientId: aws.String(clientID), Username: aws.String(phone), Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ada Byron")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !signedUp.UserConfirmed || len(aws.ToString(signedUp.UserSub)) != 36 {
		t.Errorf("SignUp: confirmed %t, sub %q", signedUp.UserConfirmed, aws.ToString(signedUp.UserSub))
	}
	sub := *signedUp.UserSub

	first, err := initiate(t, c, map[string]string{"USERNAME": phone})
	if err != nil {
		t.Fatal(err)
	}
	if first.ChallengeName != types.ChallengeNameTypeCustomChallenge || first.AuthenticationResult != nil {
		t.Fatalf("InitiateAuth: challenge %q, signed in: %t", first.ChallengeName, first.AuthenticationResult != nil)
	}
	checkParameters(t, first.ChallengeParameters, map[string]string{
		"USERNAME": sub, "step": "otp", "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
		"codeLength": "6", "attemptsRemaining": "3",
	})

	// A wrong answer, without a new text.
	code := s.inbox.Code(phone)
	second, err := respond(t, c, first.Session, map[string]string{"USERNAME": sub, "ANSWER": s.wrongCode(phone)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkParameters(t, second.ChallengeParameters, map[string]string{"errorCode": "wrong_code", "attemptsRemaining": "2"})
	if n := len(s.inbox.Messages(phone)); n != 1 || second.AuthenticationResult != nil {
		t.Fatalf("after a wrong answer: %d texts, signed in: %t", n, second.AuthenticationResult != nil)
	}

	// Another code, even with the right answer to the first.
	waitToResend(t, second.ChallengeParameters)
	third, err := respond(t, c, second.Session, map[string]string{"USERNAME": sub, "ANSWER": code}, map[string]string{"action": "resend"})
	if err != nil {
		t.Fatal(err)
	}
	checkParameters(t, third.ChallengeParameters, map[string]string{"attemptsRemaining": "2"})
	if n := len(s.inbox.Messages(phone)); n != 2 || third.AuthenticationResult != nil {
		t.Fatalf("after a resend: %d texts, signed in: %t", n, third.AuthenticationResult != nil)
	}

	last, err := respond(t, c, third.Session, map[string]string{"USERNAME": sub, "ANSWER": s.inbox.Code(phone)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	result := last.AuthenticationResult
	if result == nil || result.ExpiresIn != 3600 || aws.ToString(result.TokenType) != "Bearer" || last.ChallengeName != "" {
		t.Fatalf("the right code: challenge %q, result there: %t", last.ChallengeName, result != nil)
	}
	checkTokens(t, s, sub, *result.AccessToken, *result.IdToken)

	// A session is for one answer.
	_, err = respond(t, c, third.Session, map[string]string{"USERNAME": sub, "ANSWER": s.inbox.Code(phone)}, nil)
	wantAs[*types.NotAuthorizedException](t, err, "Invalid session for the user, session can only be used once.")

	checkProfile(t, c, result.AccessToken, map[string]string{"sub": sub, "phone_number": phone, "phone_number_verified": "false", "name": "Ada Byron"})
	_, err = c.UpdateUserAttributes(ctx, &cognito.UpdateUserAttributesInput{
		AccessToken:    result.AccessToken,
		UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ada Lovelace")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkProfile(t, c, result.AccessToken, map[string]string{"sub": sub, "phone_number": phone, "phone_number_verified": "false", "name": "Ada Lovelace"})

	t.Run("refresh", func(t *testing.T) {
		old, err := c.InitiateAuth(ctx, refreshInput(result.RefreshToken))
		if err != nil {
			t.Fatal(err)
		}
		checkTokens(t, s, sub, *old.AuthenticationResult.AccessToken, *old.AuthenticationResult.IdToken)
		fresh, err := c.GetTokensFromRefreshToken(ctx, &cognito.GetTokensFromRefreshTokenInput{
			ClientId: aws.String(clientID), RefreshToken: result.RefreshToken,
		})
		if err != nil {
			t.Fatal(err)
		}
		checkTokens(t, s, sub, *fresh.AuthenticationResult.AccessToken, *fresh.AuthenticationResult.IdToken)
		if old.AuthenticationResult.RefreshToken != nil || fresh.AuthenticationResult.RefreshToken != nil {
			t.Error("a new refresh token, though the client does not rotate them")
		}
	})

	t.Run("revoke", func(t *testing.T) {
		if _, err := c.RevokeToken(ctx, &cognito.RevokeTokenInput{ClientId: aws.String(clientID), Token: result.RefreshToken}); err != nil {
			t.Fatal(err)
		}
		_, err := c.InitiateAuth(ctx, refreshInput(result.RefreshToken))
		wantAs[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
		_, err = c.GetUser(ctx, &cognito.GetUserInput{AccessToken: result.AccessToken})
		wantAs[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
	})

	t.Run("global sign-out", func(t *testing.T) {
		phoneA, phoneB := signIn(t, s, c), signIn(t, s, c)
		if _, err := c.GlobalSignOut(ctx, &cognito.GlobalSignOutInput{AccessToken: phoneA.AccessToken}); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*types.AuthenticationResultType{phoneA, phoneB} {
			_, err := c.GetUser(ctx, &cognito.GetUserInput{AccessToken: r.AccessToken})
			wantAs[*types.NotAuthorizedException](t, err, "Access Token has been revoked")
			_, err = c.InitiateAuth(ctx, refreshInput(r.RefreshToken))
			wantAs[*types.NotAuthorizedException](t, err, "Refresh Token has been revoked")
		}
	})

	again := signIn(t, s, c)
	if _, err := c.DeleteUser(ctx, &cognito.DeleteUserInput{AccessToken: again.AccessToken}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetUser(ctx, &cognito.GetUserInput{AccessToken: again.AccessToken})
	wantAs[*types.UserNotFoundException](t, err, "User does not exist.")
}

func refreshInput(token *string) *cognito.InitiateAuthInput {
	return &cognito.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeRefreshTokenAuth, ClientId: aws.String(clientID),
		AuthParameters: map[string]string{"REFRESH_TOKEN": *token},
	}
}

// waitToResend is the countdown of an app, before it lets the user ask for another
// code.
func waitToResend(t *testing.T, parameters map[string]string) {
	t.Helper()
	seconds, err := strconv.Atoi(parameters["resendAfter"])
	if err != nil || seconds > 2 {
		t.Fatalf("resendAfter is %q, want a second or two", parameters["resendAfter"])
	}
	time.Sleep(time.Duration(seconds) * time.Second)
}

// checkParameters compares those parameters that want has.
func checkParameters(t *testing.T, got, want map[string]string) {
	t.Helper()
	got = maps.Clone(got)
	maps.DeleteFunc(got, func(name, _ string) bool { _, ok := want[name]; return !ok })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("challenge parameters (-want +got):\n%s", diff)
	}
}

func checkProfile(t *testing.T, c *cognito.Client, access *string, want map[string]string) {
	t.Helper()
	user, err := c.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: access})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, attributeMap(user.UserAttributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got := aws.ToString(user.Username); got != want["sub"] {
		t.Errorf("user name %q, want %q", got, want["sub"])
	}
}

func attributeMap(list []types.AttributeType) map[string]string {
	m := make(map[string]string)
	for _, a := range list {
		m[*a.Name] = *a.Value
	}
	return m
}

// TestSDKTooManyWrong: the third wrong answer ends the sign-in.
func TestSDKTooManyWrong(t *testing.T) {
	s := newService(t, nil)
	c := newSDK(s)
	s.addUser(t, phone)
	first, err := initiate(t, c, map[string]string{"USERNAME": phone})
	if err != nil {
		t.Fatal(err)
	}
	session := first.Session
	wrong := map[string]string{"USERNAME": phone, "ANSWER": s.wrongCode(phone)}
	for range 2 {
		next, err := respond(t, c, session, wrong, nil)
		if err != nil {
			t.Fatal(err)
		}
		session = next.Session
	}
	_, err = respond(t, c, session, wrong, nil)
	wantAs[*types.NotAuthorizedException](t, err, incorrect)
}

// TestSDKUnknownUser: nobody gets the challenge that somebody gets, and no text.
func TestSDKUnknownUser(t *testing.T) {
	s := newService(t, nil)
	c := newSDK(s)
	s.addUser(t, phone)
	known, err := initiate(t, c, map[string]string{"USERNAME": phone})
	if err != nil {
		t.Fatal(err)
	}
	const nobody = "+12065550199"
	unknown, err := initiate(t, c, map[string]string{"USERNAME": nobody})
	if err != nil {
		t.Fatal(err)
	}
	names := func(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
	if diff := cmp.Diff(names(known.ChallengeParameters), names(unknown.ChallengeParameters)); diff != "" {
		t.Errorf("names of the parameters (-known +unknown):\n%s", diff)
	}
	for _, name := range []string{"CODE_DELIVERY_DESTINATION", "CODE_DELIVERY_DELIVERY_MEDIUM", "attemptsRemaining", "codeLength", "step"} {
		if k, u := known.ChallengeParameters[name], unknown.ChallengeParameters[name]; k != u {
			t.Errorf("%s: %q for a known user, %q for an unknown one", name, k, u)
		}
	}
	if n := len(s.inbox.Messages("")); n != 1 {
		t.Errorf("%d texts, want 1, to the known user", n)
	}
	session := unknown.Session
	answer := map[string]string{"USERNAME": nobody, "ANSWER": "123456"}
	for range 2 {
		next, err := respond(t, c, session, answer, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkParameters(t, next.ChallengeParameters, map[string]string{"errorCode": "wrong_code"})
		session = next.Session
	}
	_, err = respond(t, c, session, answer, nil)
	wantAs[*types.NotAuthorizedException](t, err, incorrect)
}

// TestSDKPassword: the password by SRP, then the code.
func TestSDKPassword(t *testing.T) {
	s := newService(t, passwordFirst)
	c := newSDK(s)
	sub := s.addUser(t, phone)

	// start sends SRP_A, and the proof of a password with or without the session.
	start := func(t *testing.T, name, password string, withSession bool) (*cognito.RespondToAuthChallengeOutput, error) {
		t.Helper()
		srp := newSRPClient(t)
		first, err := initiate(t, c, map[string]string{"USERNAME": name, "CHALLENGE_NAME": "SRP_A", "SRP_A": srp.srpA()})
		if err != nil {
			t.Fatal(err)
		}
		if first.ChallengeName != types.ChallengeNameTypePasswordVerifier {
			t.Fatalf("challenge %q, want PASSWORD_VERIFIER", first.ChallengeName)
		}
		session := first.Session
		if !withSession {
			session = nil
		}
		return c.RespondToAuthChallenge(t.Context(), &cognito.RespondToAuthChallengeInput{
			ChallengeName: first.ChallengeName, ClientId: aws.String(clientID), Session: session,
			ChallengeResponses: srp.respond(t, first.ChallengeParameters, password),
		})
	}

	for _, withSession := range []bool{true, false} {
		second, err := start(t, phone, password, withSession)
		if err != nil {
			t.Fatalf("right password, session sent: %t: %v", withSession, err)
		}
		last, err := respond(t, c, second.Session, map[string]string{"USERNAME": sub, "ANSWER": s.inbox.Code(phone)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if last.AuthenticationResult == nil {
			t.Fatal("no tokens after the password and the code")
		}
		checkTokens(t, s, sub, *last.AuthenticationResult.AccessToken, *last.AuthenticationResult.IdToken)
	}

	texts := len(s.inbox.Messages(""))
	_, err := start(t, phone, "not "+password, true)
	wantAs[*types.NotAuthorizedException](t, err, incorrect)
	_, err = start(t, "+12065550199", password, true)
	wantAs[*types.NotAuthorizedException](t, err, incorrect)
	if n := len(s.inbox.Messages("")); n != texts {
		t.Errorf("%d texts for wrong passwords", n-texts)
	}

	// Whoever leaves the password out does not get past it.
	_, err = initiate(t, c, map[string]string{"USERNAME": phone})
	wantAs[*types.NotAuthorizedException](t, err, incorrect)
}

// TestSDKSRPWithoutPassword: a client that always sends SRP_A gets its code where
// no password is asked for.
func TestSDKSRPWithoutPassword(t *testing.T) {
	s := newService(t, nil)
	c := newSDK(s)
	s.addUser(t, phone)
	first, err := initiate(t, c, map[string]string{"USERNAME": phone, "CHALLENGE_NAME": "SRP_A", "SRP_A": newSRPClient(t).srpA()})
	if err != nil {
		t.Fatal(err)
	}
	checkParameters(t, first.ChallengeParameters, map[string]string{"attemptsRemaining": "3"})
	last, err := respond(t, c, first.Session, map[string]string{"USERNAME": phone, "ANSWER": s.inbox.Code(phone)}, nil)
	if err != nil || last.AuthenticationResult == nil {
		t.Fatalf("no tokens for the right code: %v", err)
	}
}

// TestSDKSecretHash: an app client with a secret.
func TestSDKSecretHash(t *testing.T) {
	const secret = "an+example+not+a+secret+0"
	s := newService(t, func(s *setup) { s.config.Clients[0].Secret = secret })
	c := newSDK(s)
	ctx := t.Context()
	hash := func(name string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(name + clientID))
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	_, err := c.SignUp(ctx, &cognito.SignUpInput{
		ClientId: aws.String(clientID), Username: aws.String(phone), Password: aws.String(password), SecretHash: aws.String(hash(phone)),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = initiate(t, c, map[string]string{"USERNAME": phone})
	wantAs[*types.NotAuthorizedException](t, err, "Client "+clientID+" is configured with secret but SECRET_HASH was not received")
	_, err = initiate(t, c, map[string]string{"USERNAME": phone, "SECRET_HASH": hash("+12065550199")})
	wantAs[*types.NotAuthorizedException](t, err, "Unable to verify secret hash for client "+clientID)
	if n := len(s.inbox.Messages("")); n != 0 {
		t.Errorf("%d texts without the proof of the secret", n)
	}

	first, err := initiate(t, c, map[string]string{"USERNAME": phone, "SECRET_HASH": hash(phone)})
	if err != nil {
		t.Fatal(err)
	}
	name := first.ChallengeParameters["USERNAME"]
	last, err := respond(t, c, first.Session, map[string]string{"USERNAME": name, "ANSWER": s.inbox.Code(phone), "SECRET_HASH": hash(name)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, s, name, *last.AuthenticationResult.AccessToken, *last.AuthenticationResult.IdToken)

	refresh := refreshInput(last.AuthenticationResult.RefreshToken)
	_, err = c.InitiateAuth(ctx, refresh)
	wantAs[*types.NotAuthorizedException](t, err, "Client "+clientID+" is configured with secret but SECRET_HASH was not received")
	refresh.AuthParameters["SECRET_HASH"] = hash(name)
	if _, err := c.InitiateAuth(ctx, refresh); err != nil {
		t.Error(err)
	}
	get := &cognito.GetTokensFromRefreshTokenInput{ClientId: aws.String(clientID), RefreshToken: last.AuthenticationResult.RefreshToken}
	if _, err := c.GetTokensFromRefreshToken(ctx, get); err == nil {
		t.Error("refreshed without the secret")
	}
	get.ClientSecret = aws.String(secret)
	if _, err := c.GetTokensFromRefreshToken(ctx, get); err != nil {
		t.Error(err)
	}
}

// TestSDKConfirmation: a pool without the pre sign-up trigger, where a code
// confirms the user before the first sign-in.
func TestSDKConfirmation(t *testing.T) {
	s := newService(t, func(s *setup) {
		s.config.Triggers.All = failing(func() (any, error) { return nil, errors.New("called for a user who is not confirmed") }).handler()
		s.config.AutoVerifiedAttributes = []string{"phone_number"}
	})
	c := newSDK(s)
	ctx := t.Context()
	up := &cognito.SignUpInput{ClientId: aws.String(clientID), Username: aws.String(phone), Password: aws.String(password)}
	signedUp, err := c.SignUp(ctx, up)
	if err != nil {
		t.Fatal(err)
	}
	details := signedUp.CodeDeliveryDetails
	if signedUp.UserConfirmed || details == nil || details.DeliveryMedium != types.DeliveryMediumTypeSms || aws.ToString(details.AttributeName) != "phone_number" {
		t.Fatalf("SignUp: confirmed %t, delivery %+v", signedUp.UserConfirmed, details)
	}
	_, err = c.SignUp(ctx, up)
	wantAs[*types.UsernameExistsException](t, err, "An account with the given phone_number already exists.")
	_, err = initiate(t, c, map[string]string{"USERNAME": phone})
	wantAs[*types.UserNotConfirmedException](t, err, "User is not confirmed.")

	confirm := &cognito.ConfirmSignUpInput{ClientId: aws.String(clientID), Username: aws.String(phone), ConfirmationCode: aws.String(s.wrongCode(phone))}
	_, err = c.ConfirmSignUp(ctx, confirm)
	wantAs[*types.CodeMismatchException](t, err, "Invalid verification code provided, please try again.")
	again, err := c.ResendConfirmationCode(ctx, &cognito.ResendConfirmationCodeInput{ClientId: aws.String(clientID), Username: aws.String(phone)})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(again.CodeDeliveryDetails.Destination); got != "+*******0100" {
		t.Errorf("destination %q", got)
	}
	confirm.ConfirmationCode = aws.String(s.inbox.Code(phone))
	if _, err := c.ConfirmSignUp(ctx, confirm); err != nil {
		t.Fatal(err)
	}
	if got := s.pool.Attributes(phone)["phone_number_verified"]; got != "true" {
		t.Errorf("phone_number_verified after the code: %q", got)
	}
}

// A failing is a trigger that goes wrong in one way.
type failing func() (any, error)

func (f failing) handler() lambda.Handler {
	return lambda.NewHandler(func(context.Context, map[string]any) (any, error) { return f() })
}

// TestSDKErrors: what goes wrong arrives as the SDK's own type.
func TestSDKErrors(t *testing.T) {
	define := func(f failing) func(*setup) {
		return func(s *setup) { s.config.Triggers.All = f.handler() }
	}
	begin := func(t *testing.T, c *cognito.Client, name string) error {
		_, err := initiate(t, c, map[string]string{"USERNAME": name})
		return err
	}
	tests := map[string]struct {
		setup func(*setup)
		do    func(t *testing.T, c *cognito.Client) error
		check func(t *testing.T, err error)
	}{
		"an unknown user, who may be known to be": {
			func(s *setup) { s.config.Clients[0].PreventUserExistenceErrors = "LEGACY" },
			func(t *testing.T, c *cognito.Client) error { return begin(t, c, "+12065550199") },
			func(t *testing.T, err error) { wantAs[*types.UserNotFoundException](t, err, "User does not exist.") },
		},
		"an unknown app client": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
					AuthFlow: types.AuthFlowTypeCustomAuth, ClientId: aws.String("nobody"), AuthParameters: map[string]string{"USERNAME": phone},
				})
				return err
			},
			func(t *testing.T, err error) {
				wantAs[*types.ResourceNotFoundException](t, err, "User pool client nobody does not exist.")
			},
		},
		"a trigger's own error": {
			define(func() (any, error) { return nil, errors.New("the shop is closed") }),
			func(t *testing.T, c *cognito.Client) error { return begin(t, c, phone) },
			func(t *testing.T, err error) {
				wantAs[*types.UserLambdaValidationException](t, err, "DefineAuthChallenge failed with error the shop is closed.")
			},
		},
		"a sign-up that was refused": {
			func(s *setup) {
				s.refuse = func(context.Context, events.CognitoEventUserPoolsPreSignup) error {
					return presignup.Refusal("by invitation only")
				}
			},
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.SignUp(t.Context(), &cognito.SignUpInput{
					ClientId: aws.String(clientID), Username: aws.String("+12065550101"), Password: aws.String(password),
				})
				return err
			},
			func(t *testing.T, err error) {
				wantAs[*types.UserLambdaValidationException](t, err, "PreSignUp failed with error by invitation only.")
			},
		},
		"a trigger that answers nonsense": {
			define(func() (any, error) { return "yes", nil }),
			func(t *testing.T, c *cognito.Client) error { return begin(t, c, phone) },
			func(t *testing.T, err error) {
				wantAs[*types.InvalidLambdaResponseException](t, err, "Unrecognizable lambda output")
			},
		},
		"a trigger that panics": {
			define(func() (any, error) { panic("ouch") }),
			func(t *testing.T, c *cognito.Client) error { return begin(t, c, phone) },
			func(t *testing.T, err error) {
				var want *types.UnexpectedLambdaException
				if !errors.As(err, &want) {
					t.Errorf("error is %v, want an UnexpectedLambdaException", err)
				}
			},
		},
		"a user name that is no phone number": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.SignUp(t.Context(), &cognito.SignUpInput{
					ClientId: aws.String(clientID), Username: aws.String("ada"), Password: aws.String(password),
				})
				return err
			},
			func(t *testing.T, err error) {
				wantAs[*types.InvalidParameterException](t, err, "Username should be a phone number.")
			},
		},
		"a bad password": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.SignUp(t.Context(), &cognito.SignUpInput{
					ClientId: aws.String(clientID), Username: aws.String("+12065550101"), Password: aws.String("short"),
				})
				return err
			},
			func(t *testing.T, err error) {
				var want *types.InvalidPasswordException
				if !errors.As(err, &want) {
					t.Errorf("error is %v, want an InvalidPasswordException", err)
				}
			},
		},
		"an access token that is none": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.GetUser(t.Context(), &cognito.GetUserInput{AccessToken: aws.String("x.y.z")})
				return err
			},
			func(t *testing.T, err error) { wantAs[*types.NotAuthorizedException](t, err, "Invalid Access Token") },
		},
		"an operation that is not there": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.GetUserPoolMfaConfig(t.Context(), &cognito.GetUserPoolMfaConfigInput{UserPoolId: aws.String(poolID)})
				return err
			},
			func(t *testing.T, err error) {
				var got smithy.APIError
				if !errors.As(err, &got) || got.ErrorCode() != "UnknownOperationException" {
					t.Errorf("error is %v, want an UnknownOperationException", err)
				}
			},
		},
		"a flow that is not there": {
			nil,
			func(t *testing.T, c *cognito.Client) error {
				_, err := c.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
					AuthFlow: types.AuthFlowTypeUserAuth, ClientId: aws.String(clientID),
					AuthParameters: map[string]string{"USERNAME": phone},
				})
				return err
			},
			func(t *testing.T, err error) {
				wantAs[*types.InvalidParameterException](t, err, `cognitotest: the AuthFlow "USER_AUTH" is not there`)
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newService(t, tt.setup)
			s.addUser(t, phone)
			tt.check(t, tt.do(t, newSDK(s)))
		})
	}
}

// TestSDKAdmin: what a back end does with a user.
func TestSDKAdmin(t *testing.T) {
	s := newService(t, func(s *setup) {
		s.config.Clients = append(s.config.Clients, cognitotest.Client{ID: "2example23456789e2eclients", Name: "second"})
	})
	c := newSDK(s)
	ctx := t.Context()
	pool := aws.String(poolID)

	created, err := c.AdminCreateUser(ctx, &cognito.AdminCreateUserInput{
		UserPoolId: pool, Username: aws.String(phone), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("phone_number_verified"), Value: aws.String("true")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sub := aws.ToString(created.User.Username)
	if created.User.UserStatus != types.UserStatusTypeForceChangePassword || created.User.UserCreateDate == nil || created.User.UserCreateDate.IsZero() {
		t.Errorf("AdminCreateUser: status %s, created %v", created.User.UserStatus, created.User.UserCreateDate)
	}
	if n := len(s.inbox.Messages("")); n != 0 {
		t.Errorf("%d messages, though they are suppressed", n)
	}

	_, err = c.AdminUpdateUserAttributes(ctx, &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: pool, Username: aws.String(phone),
		UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ada Byron")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: pool, Username: aws.String(phone), Password: aws.String(password), Permanent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	user, err := c.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: pool, Username: aws.String(phone)})
	if err != nil {
		t.Fatal(err)
	}
	if user.UserStatus != types.UserStatusTypeConfirmed || !user.Enabled || aws.ToString(user.Username) != sub {
		t.Errorf("AdminGetUser: status %s, enabled %t, name %q", user.UserStatus, user.Enabled, aws.ToString(user.Username))
	}
	want := map[string]string{"sub": sub, "phone_number": phone, "phone_number_verified": "true", "name": "Ada Byron"}
	if diff := cmp.Diff(want, attributeMap(user.UserAttributes)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}

	first, err := c.AdminInitiateAuth(ctx, &cognito.AdminInitiateAuthInput{
		UserPoolId: pool, ClientId: aws.String(clientID), AuthFlow: types.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": phone},
	})
	if err != nil {
		t.Fatal(err)
	}
	last, err := c.AdminRespondToAuthChallenge(ctx, &cognito.AdminRespondToAuthChallengeInput{
		UserPoolId: pool, ClientId: aws.String(clientID), ChallengeName: first.ChallengeName, Session: first.Session,
		ChallengeResponses: map[string]string{"USERNAME": sub, "ANSWER": s.inbox.Code(phone)},
	})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verify(publicKeys(t, s.url), *last.AuthenticationResult.IdToken)
	if err != nil || claims["phone_number_verified"] != true || claims["name"] != "Ada Byron" {
		t.Errorf("ID token: %v, phone_number_verified %v, name %v", err, claims["phone_number_verified"], claims["name"])
	}

	list, err := c.ListUsers(ctx, &cognito.ListUsersInput{UserPoolId: pool, Filter: aws.String(`phone_number = "` + phone + `"`)})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Users) != 1 || aws.ToString(list.Users[0].Username) != sub {
		t.Errorf("ListUsers: %d users", len(list.Users))
	}
	described, err := c.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: pool})
	if err != nil {
		t.Fatal(err)
	}
	if d := described.UserPool; aws.ToString(d.Id) != poolID || !slices.Contains(d.UsernameAttributes, types.UsernameAttributeTypePhoneNumber) {
		t.Errorf("DescribeUserPool: id %q, user name attributes %v", aws.ToString(d.Id), d.UsernameAttributes)
	}
	client, err := c.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: aws.String("2example23456789e2eclients")})
	if err != nil {
		t.Fatal(err)
	}
	if d := client.UserPoolClient; aws.ToString(d.ClientName) != "second" || !slices.Contains(d.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowCustomAuth) {
		t.Errorf("DescribeUserPoolClient: name %q, flows %v", aws.ToString(d.ClientName), d.ExplicitAuthFlows)
	}

	_, err = c.SignUp(ctx, &cognito.SignUpInput{ClientId: aws.String(clientID), Username: aws.String("+12065550101"), Password: aws.String(password)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AdminConfirmSignUp(ctx, &cognito.AdminConfirmSignUpInput{UserPoolId: pool, Username: aws.String("+12065550101")})
	wantAs[*types.NotAuthorizedException](t, err, "User cannot be confirmed. Current status is CONFIRMED")
	if _, err := c.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: pool, Username: aws.String(phone)}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: pool, Username: aws.String(phone)})
	wantAs[*types.UserNotFoundException](t, err, "User does not exist.")
	_, err = c.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: aws.String("eu-west-1_NotThere1")})
	wantAs[*types.ResourceNotFoundException](t, err, "User pool eu-west-1_NotThere1 does not exist.")
}
