// Package ses sends codes by e-mail over Amazon SES: a [Sender] for the medium EMAIL
// of customauth.
package ses

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

// Sender sends e-mail over Amazon SES: the message's Text always, and beside it its
// HTML, or else what Template makes of the text. Open and click tracking are turned
// off for each message, whatever the account and the configuration set say: SES
// rewrites no link and adds no image.
//
// Use a pointer; do not copy it after the first use. It is safe for concurrent use.
//
// The function needs the permission ses:SendEmail for the identity of From and for
// the configuration set. An account starts in a sandbox, which sends to verified
// addresses alone: see
// https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html.
//
// An address on SES's suppression list is no error: SES accepts the message, and
// does not send it. The configuration set's events tell.
type Sender struct {
	// From is the sender: an address of a verified identity, alone or as
	// "Example <login@example.com>". Required.
	From string

	// ReplyTo is where answers go. Default: to From.
	ReplyTo []string

	// ConfigurationSet is a name of SES's. Default: that of the identity, if any.
	ConfigurationSet string

	// Tags go into SES's events: names and values of 1 to 256 letters, digits, "_" and
	// "-" (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html).
	// Default none.
	Tags map[string]string

	// Template makes HTML of a [Mail], for messages that bring no HTML of their own.
	// Default: a small page with the code in large digits above the text.
	Template *template.Template

	// Client sends. Default: a client from AWS_REGION, AWS_ACCESS_KEY_ID,
	// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_SESV2 and
	// AWS_ENDPOINT_URL, without the SDK's config package, which would cost every cold
	// start 3 to 4 ms. Pass a *sesv2.Client where credentials come from elsewhere.
	// Whatever the client's own settings, a message is tried again only after an answer
	// that says that it was throttled.
	Client interface {
		SendEmail(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
	}

	// Edit, if set, changes the request just before it is made. It must not keep or log
	// it. With an error, nothing is sent.
	Edit func(ctx context.Context, m customauth.Message, in *sesv2.SendEmailInput) error

	once  sync.Once
	built *client
	err   error
}

// Send sends the message. It refuses media other than EMAIL, and addresses that SES
// does not take: those with characters beyond ASCII, and those with a quoted local
// part.
//
// Errors wrap customauth's: ErrThrottled for the sending rate and the daily quota;
// ErrUnauthorized where the account is paused or suspended, From is not verified, the
// configuration set is missing, or IAM refuses; ErrInvalidDestination for an address
// that SES refuses or, in the sandbox, that is not verified; ErrOptedOut where SES
// says that it is suppressed.
func (s *Sender) Send(ctx context.Context, m customauth.Message) error {
	if m.To.Medium != "EMAIL" {
		return fmt.Errorf("%w: ses sends EMAIL, not %.20q", customauth.ErrInvalidDestination, m.To.Medium)
	}
	if !isAddress(m.To.Address.Reveal()) {
		return fmt.Errorf("%w: ses: the address is none that SES takes", customauth.ErrInvalidDestination)
	}
	in, err := s.input(m)
	if err != nil {
		return err
	}
	if s.Edit != nil {
		if err := s.Edit(ctx, m, in); err != nil {
			return fmt.Errorf("ses: edit: %w", err)
		}
	}
	send := s.Client
	if send == nil {
		c, err := s.client()
		if err != nil {
			return err
		}
		send = c
	}
	out, err := send.SendEmail(ctx, in, onceOnly)
	if err != nil {
		return s.explain(err, m)
	}
	if out == nil || aws.ToString(out.MessageId) == "" {
		return errors.New("ses: SES answered without a MessageId")
	}
	return nil
}

func (s *Sender) input(m customauth.Message) (*sesv2.SendEmailInput, error) {
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", customauth.ErrUnauthorized, s.validate())
	}
	html, err := s.html(m)
	if err != nil {
		return nil, err
	}
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(from.String()),
		Destination:      &types.Destination{ToAddresses: []string{m.To.Address.Reveal()}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content(subject(m)),
			Body:    &types.Body{Text: content(m.Text.Reveal()), Html: content(html)},
			// No out-of-office answers (RFC 3834, 5).
			Headers: []types.MessageHeader{{Name: aws.String("Auto-Submitted"), Value: aws.String("auto-generated")}},
		}},
		ConfigurationOverrides: &types.ConfigurationOverrides{Tracking: &types.TrackingConfigurationOverrides{
			ClickTrackingEnabled: types.FeatureStatusDisabled,
			OpenTrackingEnabled:  types.FeatureStatusDisabled,
		}},
	}
	for _, to := range s.ReplyTo {
		if a, err := mail.ParseAddress(to); err == nil {
			in.ReplyToAddresses = append(in.ReplyToAddresses, a.String())
		}
	}
	if s.ConfigurationSet != "" {
		in.ConfigurationSetName = aws.String(s.ConfigurationSet)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tags)) {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String(name), Value: aws.String(s.Tags[name])})
	}
	return in, nil
}

func content(data string) *types.Content {
	return &types.Content{Data: aws.String(data), Charset: aws.String("UTF-8")}
}

// maxSubject keeps a subject on one line of a mail program, and far from the 998
// characters that a line may have (RFC 5322, 2.1.1).
const maxSubject = 150

// subject is one line without characters that end it or turn its direction.
func subject(m customauth.Message) string {
	line := []rune(text.Plain(strings.Join(strings.Fields(m.Subject.Reveal()), " ")))
	return string(line[:min(len(line), maxSubject)])
}

// Warm reports what is wrong with the fields, builds the default client and opens its
// connection. With a Client of the caller's there is nothing to open.
func (s *Sender) Warm(ctx context.Context) error {
	if err := s.validate(); err != nil {
		return err
	}
	if s.Client != nil {
		return nil
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.conns.Open(ctx, c.endpoint); err != nil {
		return fmt.Errorf("ses: %w", err)
	}
	return nil
}

func (s *Sender) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isMailbox(s.From) {
		bad(`Sender.From must be an address like "Example <login@example.com>"`)
	}
	for _, to := range s.ReplyTo {
		if !isMailbox(to) {
			bad(`Sender.ReplyTo must be addresses like "help@example.com"`)
		}
	}
	if s.ConfigurationSet != "" && !text.Only(s.ConfigurationSet, 1, 64, tagCharacters) {
		bad(`Sender.ConfigurationSet must be 1 to 64 letters, digits, "_" and "-"`)
	}
	for name, value := range s.Tags {
		if !text.Only(name, 1, 256, tagCharacters) || !text.Only(value, 1, 256, tagCharacters) {
			bad(`names and values of Sender.Tags must be 1 to 256 letters, digits, "_" and "-"`)
		}
	}
	if err := s.probe(); err != nil {
		bad("Sender.Template: %w", err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: ses: %w", customauth.ErrOptions, errors.Join(errs...))
}

const tagCharacters = text.Decimal + text.Letters + "_-"

// isMailbox reports whether s is one address that SES takes, with a name or without.
func isMailbox(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && !strings.ContainsFunc(s, isLineBreak) && isAddress(a.Address)
}

func isLineBreak(r rune) bool { return r < ' ' || r == 0x7F }

// isAddress reports whether s is exactly one address, without a name: nothing that
// could be read as a list, a group, a comment or a second line. SES does not have
// SMTPUTF8, so it is ASCII
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html).
func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && text.Only(local, 1, 64, text.Decimal+text.Letters+".!#$%&'*+-/=?^_`{|}~") &&
		text.Only(domain, 1, 253, text.Decimal+text.Letters+".-") && len(s) <= 254
}
