// Package postauth is the post authentication trigger that marks what a sign-in
// proved: after the first code was answered, it sets phone_number_verified (or
// email_verified) to true, once.
//
// See the README for the wiring and for the two permissions that it needs.
package postauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// Client is what the trigger needs of *cognitoidentityprovider.Client.
type Client interface {
	// AdminUpdateUserAttributes sets the attributes to "true".
	AdminUpdateUserAttributes(context.Context, *cognitoidentityprovider.AdminUpdateUserAttributesInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.AdminUpdateUserAttributesOutput, error)

	// DescribeUserPoolClient is asked by which flows an app client signs in. It
	// is not called for the clients named in Options.ClientIDs.
	DescribeUserPoolClient(context.Context, *cognitoidentityprovider.DescribeUserPoolClientInput, ...func(*cognitoidentityprovider.Options)) (*cognitoidentityprovider.DescribeUserPoolClientOutput, error)
}

// Options say what a sign-in proves, and what happens when it cannot be written
// down. The zero value marks phone_number_verified and never fails a sign-in.
type Options struct {
	// Client calls Cognito. Nil: one built from Lambda's environment (AWS_REGION,
	// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN;
	// AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER and AWS_ENDPOINT_URL are
	// honoured).
	Client Client

	// Attributes are what every sign-in proves: "phone_number", "email", or both
	// where a code goes to each. Nil: "phone_number".
	Attributes []string

	// ClientIDs are the app clients by which nobody signs in without the code.
	//
	// The event does not say how a user signed in. Cognito calls this trigger
	// after a password, a passkey or a managed login just as well, and these
	// prove no phone number. Nil: the trigger looks the app client up and marks
	// nothing unless the client allows ALLOW_CUSTOM_AUTH and, besides it, at most
	// ALLOW_REFRESH_TOKEN_AUTH, and no OAuth flow. What it found holds for 5
	// minutes. List an app client here only if its flows are these and stay so.
	ClientIDs []string

	// Timeout bounds the calls to Cognito, retries included. Default 3s, at most
	// 4s: Cognito waits 5 s for a trigger. It is shortened to end half a second
	// before the Lambda function itself would be stopped.
	Timeout time.Duration

	// FailSignIn lets a sign-in fail whose proof could not be written down. By
	// default the failure is logged, and the next sign-in tries again.
	FailSignIn bool

	// Logger gets a line for each user who was marked, and for each failure. No
	// line holds a phone number, an e-mail address or a user name; users are
	// named by their sub. Nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultTimeout = 3 * time.Second
	maxTimeout     = 4 * time.Second
	reserve        = 500 * time.Millisecond
)

// errUnmarked is public: Cognito shows it to the app.
var errUnmarked = errors.New("the sign-in could not be completed")

// New returns a handler for lambda.Start or, through lambda.NewHandler, for
// customauth.NewHandler. It is safe for concurrent use.
//
// It marks an attribute if the user has it, if it is not marked yet (booleans
// among the attributes are strings, and "True" was seen), and if the app client
// allows no sign-in without the code. It marks nothing for users of an identity
// provider (EXTERNAL_PROVIDER): they answered no code. It never changes another
// attribute.
//
// An event of another trigger is an error. With FailSignIn, so is a failure to
// mark; the text of both is neutral.
func New(o Options) (func(context.Context, events.CognitoEventUserPoolsPostAuthentication) (events.CognitoEventUserPoolsPostAuthentication, error), error) {
	m, err := newMarker(o)
	if err != nil {
		return nil, err
	}
	return m.handle, nil
}

func newMarker(o Options) (*marker, error) {
	if o.Attributes == nil {
		o.Attributes = []string{"phone_number"}
	}
	if len(o.Attributes) == 0 {
		return nil, errors.New("postauth: Attributes is empty: name \"phone_number\" or \"email\"")
	}
	for i, name := range o.Attributes {
		if name != "phone_number" && name != "email" {
			return nil, fmt.Errorf("postauth: Attributes: %q is neither \"phone_number\" nor \"email\"", name)
		}
		if slices.Contains(o.Attributes[:i], name) {
			return nil, fmt.Errorf("postauth: Attributes: %q is named twice", name)
		}
	}
	if slices.Contains(o.ClientIDs, "") {
		return nil, errors.New("postauth: ClientIDs: an id is empty")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Timeout < 0 || o.Timeout > maxTimeout {
		return nil, fmt.Errorf("postauth: Timeout must be from 0 to %v, not %v", maxTimeout, o.Timeout)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Client == nil {
		client, err := newClient()
		if err != nil {
			return nil, err
		}
		o.Client = client
	}
	o.Attributes, o.ClientIDs = slices.Clone(o.Attributes), slices.Clone(o.ClientIDs)
	return &marker{Options: o, flows: flows{client: o.Client}}, nil
}

type marker struct {
	Options
	flows flows
}

func (m *marker) handle(ctx context.Context, event events.CognitoEventUserPoolsPostAuthentication) (events.CognitoEventUserPoolsPostAuthentication, error) {
	if !strings.HasPrefix(event.TriggerSource, "PostAuthentication_") {
		return event, errors.New("postauth: not a post authentication event")
	}
	missing := m.unmarked(event.Request.UserAttributes)
	if len(missing) == 0 {
		return event, nil
	}
	log := m.Logger.With("attributes", missing, "sub", event.Request.UserAttributes["sub"], "client_id", event.CallerContext.ClientID)

	ctx, cancel := m.bound(ctx)
	defer cancel()
	marked, err := m.mark(ctx, event, missing)
	switch {
	case err != nil:
		log.ErrorContext(ctx, "postauth: could not mark the user as verified", explain(err)...)
		if m.FailSignIn {
			return event, errUnmarked
		}
	case marked:
		log.InfoContext(ctx, "postauth: marked the user as verified")
	default:
		log.WarnContext(ctx, "postauth: not marked: this app client allows other sign-ins than by a code")
	}
	return event, nil
}

// unmarked are the attributes that this sign-in proves and that do not say so yet.
func (m *marker) unmarked(user map[string]string) []string {
	if strings.EqualFold(user["cognito:user_status"], "EXTERNAL_PROVIDER") {
		return nil
	}
	var missing []string
	for _, name := range m.Attributes {
		if user[name] != "" && !strings.EqualFold(user[name+"_verified"], "true") {
			missing = append(missing, name)
		}
	}
	return missing
}

// bound ends the context before Cognito or Lambda would lose patience.
func (m *marker) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(m.Timeout)
	if last, ok := ctx.Deadline(); ok && last.Add(-reserve).Before(end) {
		end = last.Add(-reserve)
	}
	return context.WithDeadline(ctx, end)
}

// mark reports whether the attributes were set. False without an error: this
// sign-in need not have proven anything.
func (m *marker) mark(ctx context.Context, event events.CognitoEventUserPoolsPostAuthentication, missing []string) (marked bool, err error) {
	defer func() {
		if recover() != nil {
			marked, err = false, errPanicked
		}
	}()
	client := event.CallerContext.ClientID
	if !slices.Contains(m.ClientIDs, client) {
		if only, err := m.flows.codeOnly(ctx, event.UserPoolID, client); err != nil || !only {
			return false, err
		}
	}
	in := &cognitoidentityprovider.AdminUpdateUserAttributesInput{
		UserPoolId: aws.String(event.UserPoolID),
		Username:   aws.String(event.UserName),
	}
	for _, name := range missing {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{
			Name:  aws.String(name + "_verified"),
			Value: aws.String("true"),
		})
	}
	if _, err := m.Client.AdminUpdateUserAttributes(ctx, in, quickly); err != nil {
		return false, err
	}
	return true, nil
}
