// Package customauth has the handlers behind Amazon Cognito's custom authentication
// challenge triggers. Users sign in with a one-time code by SMS or e-mail, in another
// way that you offer them, or with a challenge of your own. These can follow one
// another, or a password.
//
// A Lambda main is all that is needed:
//
//	func main() {
//		keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
//		if err != nil {
//			log.Fatal(err)
//		}
//		handler, err := customauth.NewHandler(customauth.Options{Keys: keys}, map[string]lambda.Handler{
//			"PreSignUp": lambda.NewHandler(presignup.New(nil)), // confirms whoever signs up
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		lambda.Start(handler)
//	}
//
// [NewHandler] makes one function for all triggers. [NewDefine], [NewCreate] and
// [NewVerify] make three, which share one [Options].
//
// # A sign-in
//
// Cognito asks Define what comes next, lets Create make a challenge, and hands the
// user's answer to Verify, until Define issues tokens or gives up. The three share no
// memory, so the state of a sign-in travels sealed in what Create returns: the step,
// the expiry, the wrong answers so far, and a keyed hash (MAC) of the code. The code
// itself is stored nowhere.
//
// A wrong answer repeats the challenge: nothing is sent, no attempt is won back. To get
// another code, an app sends any answer, with ClientMetadata that has "action" set to
// "resend"; the answer itself is then not looked at. With [OneOf], "action" set to
// "choose" and "way" set to a name take that way.
//
// # What the app is told
//
// An app is shown these public parameters, all text. Each challenge has
//
//	step                the step's name
//	attemptsRemaining   how many answers are left, this one included
//	expiresAt           when it can be answered no more, RFC 3339 in UTC
//	resendAfter         seconds until a resend is possible; absent when there is none left
//	errorCode           what was wrong with the last answer or resend
//	retryAfter          seconds until trying again makes sense, with some error codes
//
// and where there is a code, and a choice,
//
//	codeLength                      how many characters the code has
//	CODE_DELIVERY_DESTINATION       the masked destination, such as +***********
//	CODE_DELIVERY_DELIVERY_MEDIUM   SMS, EMAIL, …
//	way, ways                       with OneOf: the way that is taken, and all of them
//
// The error codes, and what an app does about them:
//
//	wrong_code        say so; the same code is asked again
//	not_proved        no attempt was used up: ask again
//	expired           offer a resend; it brings another code
//	resend_too_soon   the code that was sent stays valid; retryAfter says when another can come
//	sent_recently     another sign-in of this user has just had a message; wait for retryAfter
//	no_resends_left   the code that was sent stays valid; for another one, sign in anew
//	rate_limited      a limit across sign-ins; retryAfter says when it is over
//	delivery_failed   offer a resend, or another way
//	way_not_offered   the app named a way that there is not
//
// A step of your own may add words of its own.
//
// # Deploying
//
// Lambda runs many instances, so the limits need a [Store] that all of them share,
// and a CounterKey. Set the app client's PreventUserExistenceErrors to ENABLED, and its
// AuthSessionValidity to 15 minutes, so that a user whose code expired can ask for
// another. Allow the flow ALLOW_CUSTOM_AUTH and no other, but ALLOW_REFRESH_TOKEN_AUTH
// where refresh tokens do not rotate. The folder examples has the whole system for the
// CDK, Terraform and SAM. Of the pages of the repository, docs/tasks.md has complete
// functions for what is needed most often, and docs/console.md says how to set a pool up
// by hand.
//
// # What is promised
//
// Tokens only after every step was passed, in order. No guess and no text beyond the
// limits ([Limits]); a limit that cannot be counted closes the door. Unknown users see
// the same parameters, the same limits and the same latency as known ones, and never
// get tokens. No code and no address in a log, an error or a metadata field. A trigger
// answers within Cognito's five seconds, and one request sends one message.
//
// What these promises rest on, where they end, and what they leave to you, is in
// docs/security.md of the repository.
//
// # Compatibility
//
// Until version 1 the API may change with a minor version; the changelog says how. A
// record that was sealed by one release is understood by the next.
package customauth
