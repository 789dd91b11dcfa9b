// Package cognitotest is an Amazon Cognito user pool in this process, for tests
// of custom authentication triggers, as net/http/httptest is a server for tests
// of HTTP handlers. It needs no account, no network and no other program.
//
// A [Pool] takes any lambda.Handler as a trigger and calls it with the JSON that
// the service would send, so that serialisation, session strings and the
// service's own rules are part of every test:
//
//	pool, inbox := cognitotest.Start(t, customauth.Options{})
//	err := pool.AddUser("alice", map[string]string{"phone_number": "+12065550100"})
//
//	s, err := pool.SignIn(ctx, "alice")
//	err = s.Answer(ctx, inbox.Code("+12065550100"), nil)
//	s.Done()   // true
//	s.Tokens() // signed as Cognito signs them
//
// Apps and SDKs that speak to Cognito over HTTP use a [Server], or the Pool as
// an http.Handler; [Listen] tells the URL before there is a pool, so that it can be
// the issuer of the tokens. [StartFunction] runs a compiled Lambda function as a
// trigger, [StartScript] one in JavaScript or Python, and [InvokeURL] calls one
// elsewhere. The program cmd/cognitotest is all of this for tests in any language.
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
//     three times, or as Config.TriggerTries says. Its errors reach the app with
//     the service's names and texts.
//   - ClientMetadata of InitiateAuth reaches none of Define, Create and Verify;
//     that of RespondToAuthChallenge reaches them all, for this one answer.
//   - Tokens are JWTs with the service's claims (RS256); the key set is served.
//     Refresh tokens can be revoked and rotated, with a grace period.
//   - Every request is checked by the service's own model: lengths, patterns,
//     enumerations and required members, all violations at once, in the service's
//     words. A member that the model does not have is ignored.
//   - A new pool's password policy, codes that verify an attribute, groups, schemas,
//     and lists that come in pages are as in the service.
//
// # Operations
//
// These are there, with every member of their requests and answers but those that
// are named. What is accepted without effect is described back where the service
// describes it. AnalyticsMetadata, UserContextData, ContextData and DeviceKey are
// accepted everywhere, without effect.
//
//	SignUp                            PreSignUp and CustomMessage are called
//	ConfirmSignUp
//	ResendConfirmationCode
//	InitiateAuth                      CUSTOM_AUTH, USER_SRP_AUTH, USER_PASSWORD_AUTH, REFRESH_TOKEN_AUTH; not USER_AUTH
//	RespondToAuthChallenge            CUSTOM_CHALLENGE, PASSWORD_VERIFIER, NEW_PASSWORD_REQUIRED; no others
//	GetTokensFromRefreshToken
//	RevokeToken
//	GlobalSignOut
//	ForgotPassword                    a phone number before an e-mail address, whatever AccountRecoverySetting says
//	ConfirmForgotPassword
//	ChangePassword
//	GetUser                           without MFA settings
//	DeleteUser
//	UpdateUserAttributes
//	DeleteUserAttributes
//	GetUserAttributeVerificationCode
//	VerifyUserAttribute
//
//	AdminInitiateAuth                 as InitiateAuth, with ADMIN_USER_PASSWORD_AUTH for USER_PASSWORD_AUTH
//	AdminRespondToAuthChallenge
//	AdminCreateUser                   DesiredDeliveryMediums without effect: SMS before e-mail
//	AdminGetUser                      without MFA settings
//	AdminUpdateUserAttributes
//	AdminDeleteUserAttributes
//	AdminSetUserPassword
//	AdminResetUserPassword
//	AdminConfirmSignUp
//	AdminDeleteUser
//	AdminDisableUser                  ends the user's refresh tokens too
//	AdminEnableUser
//	AdminUserGlobalSignOut
//	ListUsers                         in the order of names, or of the attribute in Filter
//
//	CreateGroup, GetGroup, UpdateGroup, DeleteGroup, ListGroups, ListUsersInGroup,
//	AdminAddUserToGroup, AdminRemoveUserFromGroup, AdminListGroupsForUser
//
//	CreateUserPool, UpdateUserPool    without effect: message templates, EmailConfiguration, SmsConfiguration,
//	                                  UserPoolTags, UserPoolAddOns, UserPoolTier, AccountRecoverySetting,
//	                                  UnusedAccountValidityDays; refused: MFA, devices, first factors but PASSWORD,
//	                                  UserMigration, custom senders, DeveloperOnlyAttribute
//	DeleteUserPool                    for pools that were made over the API
//	DescribeUserPool, ListUserPools
//	AddCustomAttributes
//	CreateUserPoolClient              without effect: everything about OAuth, AnalyticsConfiguration
//	UpdateUserPoolClient              likewise
//	DeleteUserPoolClient, DescribeUserPoolClient, ListUserPoolClients
//
// # What it does not do
//
// It is for tests on one machine. Signatures of requests are not checked: who
// reaches the server may call administrators' operations. There is no MFA, no
// USER_AUTH, no devices of the service's own, no hosted pages, domains, resource
// servers or identity providers, no UserMigration trigger, no lockout after wrong
// passwords, and no quota of requests. Custom attributes need no schema unless
// Config.Schema declares one. An operation, a flow or a challenge that is not
// there is an error that says so.
//
// Where the service's behaviour is not documented, this package follows what
// users have seen of it; the texts of errors come from such reports.
//
// # Time
//
// The pool takes its time from package time and starts no goroutine that outlives
// a call, except for triggers that do not return. So it works in a bubble of
// testing/synctest: sleep for 15 minutes there, and the session has expired.
// Elsewhere a [Clock] that is moved does the same.
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
// A pool keeps its users, up to 200,000 sign-ins that wait for an answer, and
// tokens that were revoked until they would have expired. Tokens that it has
// issued are not kept.
//
// A user with a phone number, an e-mail address and no password weighs about a
// kilobyte, and no operation takes longer than the logarithm of the number of
// users, but for the first ListUsers that filters by an attribute: it makes the
// index. BenchmarkPool states both with a million users, and that one core signs
// some thousands of users in a second, without the signatures of the tokens, which
// take a millisecond each.
package cognitotest
