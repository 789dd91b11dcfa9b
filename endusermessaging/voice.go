package endusermessaging

// This file makes calls.

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/text"
)

// Voice calls, and speaks the message's text twice, the code in it slowly and one
// character at a time, with a voice for the message's Locale. So the text must be in
// that language, as package texts writes it. An answering machine hears it too:
// whoever reads somebody's mailbox reads the code.
//
// The function needs the permission sms-voice:SendVoiceMessage.
type Voice struct {
	// Origination is what the call comes from: a number in E.164 that can call, or the
	// id or ARN of such a number or of a pool. Required.
	Origination string

	// ConfigurationSet is a name or ARN; it says where events go. Default none.
	ConfigurationSet string

	// ProtectConfiguration is the id of rules on countries. Default: the account's.
	ProtectConfiguration string

	// MaxPricePerMinute is the most that a minute may cost, in USD, as "0.50". Default:
	// no bound but the account's monthly spend limit.
	MaxPricePerMinute string

	// Voices replace or add voices, by locale ("de", "pt-BR"). Default: see VoiceFor.
	Voices map[string]types.VoiceId

	// Feedback, if set, is told of each message.
	Feedback *Feedback

	// Client sends. Default: see the package documentation.
	Client interface {
		SendVoiceMessage(context.Context, *sms.SendVoiceMessageInput, ...func(*sms.Options)) (*sms.SendVoiceMessageOutput, error)
	}

	// Edit, if set, changes the request just before it is made. It must not keep or log
	// it. With an error, nothing is sent.
	Edit func(ctx context.Context, m customauth.Message, in *sms.SendVoiceMessageInput) error

	lambda fromLambda
}

// Send makes the call. It refuses media other than VOICE.
func (v *Voice) Send(ctx context.Context, m customauth.Message) error {
	if m.To.Medium != "VOICE" {
		return refuse(m, "VOICE")
	}
	body := SSML(m.Text.Reveal(), m.Code.Reveal())
	if len(body) > maxSSML {
		return fmt.Errorf("%w: endusermessaging: the text has %d bytes of SSML, more than %d", customauth.ErrUnauthorized, len(body), maxSSML)
	}
	in := &sms.SendVoiceMessageInput{
		DestinationPhoneNumber: aws.String(m.To.Address.Reveal()),
		OriginationIdentity:    aws.String(v.Origination),
		MessageBody:            aws.String(body),
		MessageBodyTextType:    types.VoiceMessageBodyTextTypeSsml,
		VoiceId:                v.voice(m.Locale),
		ConfigurationSetName:   optional(v.ConfigurationSet),
		ProtectConfigurationId: optional(v.ProtectConfiguration),
		MaxPricePerMinute:      optional(v.MaxPricePerMinute),
		TimeToLive:             timeToLive(m),
		MessageFeedbackEnabled: v.Feedback.enabled(),
	}
	if v.Edit != nil {
		if err := v.Edit(ctx, m, in); err != nil {
			return fmt.Errorf("endusermessaging: edit: %w", err)
		}
	}
	client := v.Client
	if client == nil {
		c, err := v.lambda.client()
		if err != nil {
			return err
		}
		client = c
	}
	out, err := client.SendVoiceMessage(ctx, in, onceOnly)
	if err != nil {
		return explain(err, m)
	}
	return v.Feedback.sent(ctx, m, out.MessageId)
}

// Warm reports what is wrong with the fields, builds the default client and opens its
// connection. With a Client of the caller's there is nothing to open.
func (v *Voice) Warm(ctx context.Context) error {
	switch {
	case v.Origination == "":
		return wrong("Voice.Origination is required: a number, or the id of a number or pool")
	case v.MaxPricePerMinute != "" && !isPrice(v.MaxPricePerMinute):
		return wrong(`Voice.MaxPricePerMinute must be an amount in USD like "0.50"`)
	case !isName(v.Origination) || !isName(v.ConfigurationSet) || !isName(v.ProtectConfiguration):
		return wrong("Voice.Origination, ConfigurationSet and ProtectConfiguration must be ids, names or ARNs")
	case v.Client != nil:
		return nil
	}
	return v.lambda.warm(ctx)
}

// voice is the voice for a locale.
func (v *Voice) voice(locale string) types.VoiceId {
	locale = strings.ReplaceAll(locale, "_", "-")
	language, _, _ := strings.Cut(locale, "-")
	for _, wanted := range []string{locale, language} {
		for have, voice := range v.Voices {
			if strings.EqualFold(have, wanted) {
				return voice
			}
		}
	}
	if voice, ok := VoiceFor(locale); ok {
		return voice
	}
	return types.VoiceIdJoanna
}

// VoiceFor is the voice that speaks a locale, a BCP 47 tag: one of the region if there
// is one, or else of the language. It reports false for a language for which the
// service has none (https://docs.aws.amazon.com/polly/latest/dg/available-voices.html);
// Voice then speaks with an English voice, which nobody understands in another
// language.
func VoiceFor(locale string) (types.VoiceId, bool) {
	locale = strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
	if voice, ok := voices[locale]; ok {
		return voice, true
	}
	language, _, _ := strings.Cut(locale, "-")
	voice, ok := voices[language]
	return voice, ok
}

// voices are the standard voices of Amazon Polly that the API knows.
var voices = map[string]types.VoiceId{
	"ar": types.VoiceIdZeina, "cy": types.VoiceIdGwyneth, "da": types.VoiceIdNaja, "de": types.VoiceIdVicki,
	"en": types.VoiceIdJoanna, "en-au": types.VoiceIdNicole, "en-gb": types.VoiceIdAmy, "en-in": types.VoiceIdRaveena, "en-ie": types.VoiceIdAmy,
	"es": types.VoiceIdLucia, "es-mx": types.VoiceIdMia, "es-us": types.VoiceIdLupe, "es-419": types.VoiceIdMia,
	"fr": types.VoiceIdCeline, "fr-ca": types.VoiceIdChantal, "is": types.VoiceIdDora, "it": types.VoiceIdCarla,
	"ja": types.VoiceIdMizuki, "ko": types.VoiceIdSeoyeon, "nb": types.VoiceIdLiv, "no": types.VoiceIdLiv, "nl": types.VoiceIdLotte,
	"pl": types.VoiceIdEwa, "pt": types.VoiceIdInes, "pt-br": types.VoiceIdCamila, "ro": types.VoiceIdCarmen, "ru": types.VoiceIdTatyana,
	"sv": types.VoiceIdAstrid, "tr": types.VoiceIdFiliz, "zh": types.VoiceIdZhiyu,
}

// maxSSML is what a message of SSML may have with its tags
// (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html).
const maxSSML = 6000

// SSML is the text twice, with a pause between, and the code in it slowly, one
// character at a time.
func SSML(plain, code string) string {
	before, after, found := strings.Cut(plain, code)
	once := escape(plain)
	if found && code != "" {
		once = escape(before) + spell(code) + escape(after)
	}
	return "<speak>" + once + `<break time="1s"/>` + once + "</speak>"
}

func spell(code string) string {
	var b strings.Builder
	b.WriteString(`<break time="300ms"/><prosody rate="slow">`)
	for i, r := range text.Normalize(code) {
		if i > 0 {
			b.WriteString(`<break time="300ms"/>`)
		}
		if unicode.IsDigit(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(`<say-as interpret-as="characters">` + escape(string(r)) + "</say-as>")
	}
	b.WriteString(`</prosody><break time="300ms"/>`)
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text.Plain(strings.ReplaceAll(s, "\n", " "))))
	return b.String()
}
