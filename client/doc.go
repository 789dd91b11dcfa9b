// Package client signs users in at an Amazon Cognito user pool with custom
// challenges: for command-line tools, and for tests of a pool. It speaks to the
// service by aws-sdk-go-v2, needs no AWS credentials, and keeps nothing.
//
//	c, err := client.New(client.Settings{PoolID: "eu-west-1_AbCdEf123", ClientID: "…"})
//	o, err := c.SignIn(ctx, "+12065550100")
//	o, err = c.Answer(ctx, o.Challenge, "123456", nil)
//	o.Tokens.Access
//
// # Outcomes and errors
//
// Signing in returns an [Outcome]: tokens if the user is in, or else the challenge
// to answer next. Every error is an [*Error] with a [Code] to branch on:
//
//	errors.Is(err, client.WrongCode)
//
// An error and a challenge come together when the sign-in goes on after a mistake:
// a wrong code, no connection. With an error and no challenge it is over.
//
// The app client must have no secret, and allow ALLOW_CUSTOM_AUTH and
// ALLOW_REFRESH_TOKEN_AUTH. The client for JavaScript beside it, client.js, has the
// same codes and words.
package client
