package endusermessaging

// This file sends texts.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

// SMS sends the message's text by SMS. A text that cannot be handed over before its
// code expires is dropped.
//
// The function needs the permission sms-voice:SendTextMessage.
type SMS struct {
	// Origination is what the text comes from: a number in E.164, a sender id, or the
	// id or ARN of a pool, number or sender id. Default: what the service picks for the
	// country among what the account has.
	Origination string

	// ConfigurationSet is a name or ARN; it says where events go. Default none.
	ConfigurationSet string

	// ProtectConfiguration is the id of rules on countries. Default: the account's.
	ProtectConfiguration string

	// MaxPrice is the most that one message may cost, in USD, as "0.50". Default: no
	// bound but the account's monthly spend limit.
	MaxPrice string

	// EntityID and TemplateID are what India's regulator asks for.
	EntityID, TemplateID string

	// Feedback, if set, is told of each message.
	Feedback *Feedback

	// Client sends. Default: see the package documentation.
	Client interface {
		SendTextMessage(context.Context, *sms.SendTextMessageInput, ...func(*sms.Options)) (*sms.SendTextMessageOutput, error)
	}

	// Edit, if set, changes the request just before it is made, for example to set
	// the origination by country. It must not keep or log it. With an error, nothing is
	// sent.
	Edit func(ctx context.Context, m customauth.Message, in *sms.SendTextMessageInput) error

	lambda fromLambda
}

// Send sends the text. It refuses media other than SMS.
func (s *SMS) Send(ctx context.Context, m customauth.Message) error {
	if m.To.Medium != "SMS" {
		return refuse(m, "SMS")
	}
	in := &sms.SendTextMessageInput{
		DestinationPhoneNumber: aws.String(m.To.Address.Reveal()),
		MessageBody:            aws.String(m.Text.Reveal()),
		MessageType:            types.MessageTypeTransactional,
		OriginationIdentity:    optional(s.Origination),
		ConfigurationSetName:   optional(s.ConfigurationSet),
		ProtectConfigurationId: optional(s.ProtectConfiguration),
		MaxPrice:               optional(s.MaxPrice),
		TimeToLive:             timeToLive(m),
		MessageFeedbackEnabled: s.Feedback.enabled(),
	}
	if s.EntityID != "" {
		in.DestinationCountryParameters = map[string]string{"IN_ENTITY_ID": s.EntityID, "IN_TEMPLATE_ID": s.TemplateID}
	}
	if s.Edit != nil {
		if err := s.Edit(ctx, m, in); err != nil {
			return fmt.Errorf("endusermessaging: edit: %w", err)
		}
	}
	client := s.Client
	if client == nil {
		c, err := s.lambda.client()
		if err != nil {
			return err
		}
		client = c
	}
	out, err := client.SendTextMessage(ctx, in, onceOnly)
	if err != nil {
		return explain(err, m)
	}
	return s.Feedback.sent(ctx, m, out.MessageId)
}

// Warm reports what is wrong with the fields, builds the default client and opens its
// connection. With a Client of the caller's there is nothing to open.
func (s *SMS) Warm(ctx context.Context) error {
	switch {
	case s.MaxPrice != "" && !isPrice(s.MaxPrice):
		return wrong(`SMS.MaxPrice must be an amount in USD like "0.50"`)
	case (s.EntityID == "") != (s.TemplateID == ""):
		return wrong("SMS.EntityID and SMS.TemplateID go together")
	case !isName(s.Origination) || !isName(s.ConfigurationSet) || !isName(s.ProtectConfiguration):
		return wrong("SMS.Origination, ConfigurationSet and ProtectConfiguration must be ids, names or ARNs")
	case s.Client != nil:
		return nil
	}
	return s.lambda.warm(ctx)
}

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: endusermessaging: %w", customauth.ErrOptions, fmt.Errorf(format, args...))
}

func refuse(m customauth.Message, media string) error {
	return fmt.Errorf("%w: endusermessaging: this sender sends %s, not %.20q", customauth.ErrInvalidDestination, media, m.To.Medium)
}

var errNoMessageID = errors.New("endusermessaging: the service answered without a MessageId")

// isPrice reports whether s is as the API has it: two digits, a point, five digits.
func isPrice(s string) bool {
	whole, part, point := strings.Cut(s, ".")
	return point && text.Only(whole, 0, 2, text.Decimal) && text.Only(part, 1, 5, text.Decimal)
}

// isName reports whether s may be the name, id or ARN of something, or is empty.
func isName(s string) bool { return text.Only(s, 0, 256, text.Decimal+text.Letters+"+_:/-") }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
