package captcha

// This file guards sign-up.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

// NotSolved is the public text of a refused sign-up: Cognito's message to the app is
// "PreSignUp failed with error the CAPTCHA was not solved."
const NotSolved = presignup.Refusal("the CAPTCHA was not solved")

// SignUp is a hook for presignup.New: it confirms nobody without a token, which the app
// sends as "captcha" in ValidationData. Cognito takes 2,048 characters there
// (https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AttributeType.html);
// a longer token, as hCaptcha makes them, goes as "captcha" into ClientMetadata. Users
// whom an administrator or an identity provider makes are not its business.
//
//	"PreSignUp": lambda.NewHandler(presignup.New(human.SignUp)),
//
// Nobody has probed the fields: an error of the first call says what is wrong with them,
// where the same Challenge is no step.
func (c Challenge) SignUp(ctx context.Context, e events.CognitoEventUserPoolsPreSignup) error {
	if e.TriggerSource != "PreSignUp_SignUp" {
		return nil
	}
	if err := c.validate(); err != nil {
		return fmt.Errorf("%w: captcha: %w", customauth.ErrOptions, err)
	}
	token := cmp.Or(e.Request.ValidationData["captcha"], e.Request.ClientMetadata["captcha"])
	if token == "" || len(token) > c.maxToken() {
		return NotSolved
	}
	// Cognito repeats a call that took too long: what belongs to one user name is one use.
	use := sha256.Sum256([]byte(e.UserPoolID + "\x00" + e.CallerContext.ClientID + "\x00" + e.UserName))
	right, err := c.pass(ctx, customauth.Request{}.Key("captcha-signup", token), fmt.Sprintf("%x", use[:16]), token)
	if err == nil && !right {
		return NotSolved
	}
	return err
}
