package endusermessaging

// This file sends AWS's own templates.

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

// Notify sends the code in one of AWS's pre-approved templates, from AWS's numbers, by
// text for the medium SMS and by a call for VOICE. No number of one's own and no
// registration are needed, and AWS's filters against SMS pumping are part of it.
//
// The message's Text is not sent, but the template's: without a WebOTP line, and with
// no other expiry than what the template says.
//
// A Notify configuration on the basic tier sends 200 messages a day, one a second, to
// 30 countries; a number gets 10 messages a day on any tier
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/notify-quotas.html).
//
// The function needs the permissions sms-voice:SendNotifyTextMessage and, for VOICE,
// sms-voice:SendNotifyVoiceMessage.
type Notify struct {
	// Configuration is the id or ARN of the Notify configuration. Required.
	Configuration string

	// Templates are ids of templates by medium and locale: Templates["SMS"]["de"]. The
	// message's Locale is looked up, then its language, then "". Default: the
	// configuration's own default template.
	Templates map[string]map[string]string

	// Variable is the template's variable for the code. Default "code".
	Variable string

	// ConfigurationSet is a name or ARN; it says where events go. Default none.
	ConfigurationSet string

	// Feedback, if set, is told of each message.
	Feedback *Feedback

	// Client sends. Default: see the package documentation.
	Client interface {
		SendNotifyTextMessage(context.Context, *sms.SendNotifyTextMessageInput, ...func(*sms.Options)) (*sms.SendNotifyTextMessageOutput, error)
		SendNotifyVoiceMessage(context.Context, *sms.SendNotifyVoiceMessageInput, ...func(*sms.Options)) (*sms.SendNotifyVoiceMessageOutput, error)
	}

	lambda fromLambda
}

// Send sends the code. It refuses media other than SMS and VOICE.
func (n *Notify) Send(ctx context.Context, m customauth.Message) error {
	if m.To.Medium != "SMS" && m.To.Medium != "VOICE" {
		return refuse(m, "SMS and VOICE")
	}
	code := m.Code.Reveal()
	if code == "" {
		return fmt.Errorf("%w: endusermessaging: Notify sends codes, and the message has none", customauth.ErrUnauthorized)
	}
	client := n.Client
	if client == nil {
		c, err := n.lambda.client()
		if err != nil {
			return err
		}
		client = c
	}
	name := n.Variable
	if name == "" {
		name = "code"
	}
	var id *string
	var err error
	if m.To.Medium == "SMS" {
		var out *sms.SendNotifyTextMessageOutput
		out, err = client.SendNotifyTextMessage(ctx, &sms.SendNotifyTextMessageInput{
			DestinationPhoneNumber: aws.String(m.To.Address.Reveal()),
			NotifyConfigurationId:  aws.String(n.Configuration),
			TemplateId:             n.template(m),
			TemplateVariables:      map[string]string{name: code},
			ConfigurationSetName:   optional(n.ConfigurationSet),
			TimeToLive:             timeToLive(m),
			MessageFeedbackEnabled: n.Feedback.enabled(),
		}, onceOnly)
		if err == nil {
			id = out.MessageId
		}
	} else {
		var out *sms.SendNotifyVoiceMessageOutput
		in := &sms.SendNotifyVoiceMessageInput{
			DestinationPhoneNumber: aws.String(m.To.Address.Reveal()),
			NotifyConfigurationId:  aws.String(n.Configuration),
			TemplateId:             n.template(m),
			TemplateVariables:      map[string]string{name: spaced(code)},
			ConfigurationSetName:   optional(n.ConfigurationSet),
			TimeToLive:             timeToLive(m),
			MessageFeedbackEnabled: n.Feedback.enabled(),
		}
		if voice, ok := VoiceFor(m.Locale); ok && in.TemplateId != nil {
			in.VoiceId = voice
		}
		out, err = client.SendNotifyVoiceMessage(ctx, in, onceOnly)
		if err == nil {
			id = out.MessageId
		}
	}
	if err != nil {
		return explain(err, m)
	}
	return n.Feedback.sent(ctx, m, id)
}

// template is the template for the message, nil for the configuration's own.
func (n *Notify) template(m customauth.Message) *string {
	locale := strings.ReplaceAll(m.Locale, "_", "-")
	language, _, _ := strings.Cut(locale, "-")
	for _, wanted := range []string{locale, language, ""} {
		for have, id := range n.Templates[m.To.Medium] {
			if strings.EqualFold(have, wanted) {
				return &id
			}
		}
	}
	return nil
}

// spaced makes the voice read one character at a time
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/notify-send-messages.html).
func spaced(code string) string {
	return strings.Join(strings.Split(text.Normalize(code), ""), ". ") + "."
}

// Warm reports what is wrong with the fields, builds the default client and opens its
// connection. With a Client of the caller's there is nothing to open.
func (n *Notify) Warm(ctx context.Context) error {
	if n.Configuration == "" || !isName(n.Configuration) || !isName(n.ConfigurationSet) {
		return wrong("Notify.Configuration is required: the id or ARN of a Notify configuration; ConfigurationSet is a name or ARN")
	}
	for medium, byLocale := range n.Templates {
		if medium != "SMS" && medium != "VOICE" {
			return wrong(`Notify.Templates has the medium %.20q; there are "SMS" and "VOICE"`, medium)
		}
		for locale, id := range byLocale {
			if id == "" || !isName(id) {
				return wrong("Notify.Templates: the id for %s %.20q is malformed", medium, locale)
			}
		}
	}
	if n.Client != nil {
		return nil
	}
	return n.lambda.warm(ctx)
}
