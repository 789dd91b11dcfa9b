// Package cognitotest is an Amazon Cognito user pool in this process, for tests
// of custom authentication triggers, as net/http/httptest is a server for tests
// of HTTP handlers. It needs no account, no network and no other program.
//
// A [Pool] takes any lambda.Handler as a trigger and calls it with the JSON that
// the service would send, so that serialisation, session strings and the
// service's own rules are part of every test:
//
//	inbox := new(cognitotest.Inbox) // a customauth.Sender that keeps the codes
//	h, err := customauth.NewHandler(customauth.Options{
//		Keys:  keys,
//		Steps: []customauth.Challenge{customauth.OTP{Sender: inbox}},
//	}, nil)
//	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
//	err = pool.AddUser("alice", map[string]string{"phone_number": "+12065550100"})
//
//	s, err := pool.SignIn(ctx, "alice")
//	err = s.Answer(ctx, inbox.Code("+12065550100"), nil)
//	s.Done()   // true
//	s.Tokens() // signed as Cognito signs them
//
// Apps and SDKs that speak to Cognito over HTTP use a [Server], or the Pool as
// an http.Handler. [StartFunction] runs a compiled Lambda function as a trigger,
// [InvokeURL] calls one elsewhere.
//
// # What it does as the service does
//
//   - CUSTOM_AUTH with and without SRP_A (SRP-6a, which public clients pass), with
//     the events, null fields and all, that each trigger gets.
//   - Session strings are used once, change with every challenge, expire, and
//     belong to one user and one app client.
//   - PreventUserExistenceErrors: with ENABLED, unknown users run through the same
//     triggers under a made-up name, and never get tokens, whatever Define says.
//   - A trigger that does not answer within 5 seconds, or that panics, is called
//     three times. Its errors reach the app with the service's names and texts.
//   - ClientMetadata of InitiateAuth reaches none of Define, Create and Verify;
//     that of RespondToAuthChallenge reaches them all, for this one answer.
//   - Tokens are JWTs with the service's claims (RS256); the key set is served.
//     Refresh tokens can be revoked and rotated.
//
// # What it does not do
//
// It is for tests on one machine. Signatures of requests are not checked: who
// reaches the server may call administrators' operations. There is no password
// sign-in without custom challenges, no MFA and no devices of the service's own,
// no hosted pages, no groups but those of PreTokenGeneration, no CustomMessage
// and MigrateUser triggers, no lockout after wrong passwords. Custom attributes
// need no schema. An operation, a flow or a challenge that is not there is an
// error that says so.
//
// Where the service's behaviour is not documented, this package follows what
// users have seen of it; the texts of errors come from such reports.
//
// # Time
//
// The pool takes its time from package time and starts no goroutine that outlives
// a call, except for triggers that do not return. So it works in a bubble of
// testing/synctest: sleep for three minutes there, and the session has expired.
// A trigger that was abandoned after 5 seconds must end before the bubble does.
//
// # The weight of a session
//
// The service carries the state of a sign-in in the session string, so it grows
// with challengeMetadata of every round and with privateChallengeParameters, and
// the API reference allows it 2,048 characters, which some clients check before
// they send it. Here it does not carry anything, but the pool estimates what it
// would weigh: those fields as JSON, sealed, in base64. Sealing adds 403 bytes,
// which is what the whole session string in the API reference's example of
// InitiateAuth shows (it is a message of the AWS Encryption SDK, whose header
// tells the length of its content). How the service writes the fields, and what
// else it puts in, is not known.
//
// A sign-in that passes the limit fails with InvalidLambdaResponseException and
// the two numbers. Config.SessionLimit sets another limit, or none: the service
// itself has been seen to name 8,192 (aws-amplify/amplify-js#14411).
//
// # Memory
//
// A pool keeps its users, up to 50,000 sign-ins that wait for an answer, and
// tokens that were revoked until they would have expired. Tokens that it has
// issued are not kept.
package cognitotest
