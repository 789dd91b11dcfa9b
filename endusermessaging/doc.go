// Package endusermessaging sends codes over AWS End User Messaging: [SMS] by text,
// [Voice] by a call that speaks the code, [Notify] by both with AWS's own numbers and
// pre-approved templates. [Feedback] tells AWS which messages were answered.
//
// Each of the three is a Sender for customauth's Options.Senders. Use pointers; do not
// copy one after the first use. All are safe for concurrent use. A request is tried
// again only after an answer that says that it was throttled.
//
// Without a Client they make one from AWS_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2 and
// AWS_ENDPOINT_URL, without the SDK's config package, which would cost every cold
// start 3 to 4 ms.
//
// Errors wrap customauth's: ErrThrottled for a rate, a daily quota or the monthly
// spend limit; ErrOptedOut; ErrInvalidDestination for a number, a country or a price
// that is not served, a number that is not verified in the sandbox, and one that was
// called too often today; ErrUnauthorized for what the operator has to put right.
package endusermessaging
