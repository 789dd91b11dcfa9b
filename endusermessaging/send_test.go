package endusermessaging_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	sms "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	eum "github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
)

// start starts the service on loopback, where the default client finds it.
func start(t *testing.T) *smstest.Server {
	t.Helper()
	fake := smstest.New()
	t.Cleanup(fake.Close)
	for k, v := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up",
		"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": fake.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
	} {
		t.Setenv(k, v)
	}
	return fake
}

const (
	phone = "+12065550100"
	code  = "246813"
)

func message(medium string) customauth.Message {
	return customauth.Message{
		To:      customauth.Destination{Medium: medium, Address: customauth.Hide(phone)},
		Code:    customauth.Hide(code),
		Text:    customauth.Hide(code + " is your code."),
		Locale:  "de-AT",
		Request: customauth.Request{PoolID: "eu-west-1_Ab1Cd2Ef3", SignIn: "sign-in-1"},
	}
}

func TestRequests(t *testing.T) {
	tests := []struct {
		name   string
		sender customauth.Sender
		medium string
		want   map[string]any
	}{
		{"SMS of the zero value", &eum.SMS{}, "SMS", map[string]any{
			"DestinationPhoneNumber": phone, "MessageBody": code + " is your code.", "MessageType": "TRANSACTIONAL",
		}},
		{"SMS with everything", &eum.SMS{Origination: "pool-1", ConfigurationSet: "codes", ProtectConfiguration: "protect-1", MaxPrice: "0.50", EntityID: "e", TemplateID: "t", Feedback: &eum.Feedback{}}, "SMS", map[string]any{
			"DestinationPhoneNumber": phone, "MessageBody": code + " is your code.", "MessageType": "TRANSACTIONAL", "OriginationIdentity": "pool-1",
			"ConfigurationSetName": "codes", "ProtectConfigurationId": "protect-1", "MaxPrice": "0.50", "MessageFeedbackEnabled": true,
			"DestinationCountryParameters": map[string]any{"IN_ENTITY_ID": "e", "IN_TEMPLATE_ID": "t"},
		}},
		{"SMS edited", &eum.SMS{Edit: func(_ context.Context, m customauth.Message, in *sms.SendTextMessageInput) error {
			if strings.HasPrefix(m.To.Address.Reveal(), "+1") {
				in.OriginationIdentity = new("+18005550100")
			}
			return nil
		}}, "SMS", map[string]any{
			"DestinationPhoneNumber": phone, "MessageBody": code + " is your code.", "MessageType": "TRANSACTIONAL", "OriginationIdentity": "+18005550100",
		}},
		{"voice", &eum.Voice{Origination: "+12065550199", MaxPricePerMinute: "0.10", ConfigurationSet: "codes", ProtectConfiguration: "protect-1"}, "VOICE", map[string]any{
			"DestinationPhoneNumber": phone, "MessageBody": eum.SSML(code+" is your code.", code), "MessageBodyTextType": "SSML", "VoiceId": "VICKI",
			"OriginationIdentity": "+12065550199", "MaxPricePerMinute": "0.10", "ConfigurationSetName": "codes", "ProtectConfigurationId": "protect-1",
		}},
		{"voice of one's own", &eum.Voice{Origination: "pool-1", Voices: map[string]types.VoiceId{"de-at": types.VoiceIdHans}}, "VOICE", map[string]any{
			"DestinationPhoneNumber": phone, "MessageBody": eum.SSML(code+" is your code.", code), "MessageBodyTextType": "SSML", "VoiceId": "HANS",
			"OriginationIdentity": "pool-1",
		}},
		{"notify by SMS", &eum.Notify{Configuration: "nc-1"}, "SMS", map[string]any{
			"DestinationPhoneNumber": phone, "NotifyConfigurationId": "nc-1", "TemplateVariables": map[string]any{"code": code},
		}},
		{"notify in German", &eum.Notify{Configuration: "nc-1", Templates: map[string]map[string]string{"SMS": {"": "t-en", "de": "t-de"}}, ConfigurationSet: "codes", Variable: "otp"}, "SMS", map[string]any{
			"DestinationPhoneNumber": phone, "NotifyConfigurationId": "nc-1", "TemplateVariables": map[string]any{"otp": code}, "TemplateId": "t-de", "ConfigurationSetName": "codes",
		}},
		{"notify by voice", &eum.Notify{Configuration: "nc-1", Templates: map[string]map[string]string{"SMS": {"": "t-en"}, "VOICE": {"de": "v-de"}}}, "VOICE", map[string]any{
			"DestinationPhoneNumber": phone, "NotifyConfigurationId": "nc-1", "TemplateVariables": map[string]any{"code": "2. 4. 6. 8. 1. 3."}, "TemplateId": "v-de", "VoiceId": "VICKI",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake := start(t)
			if err := tt.sender.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			if fake.Warmed() != 1 {
				t.Errorf("%d connections were warmed, want 1", fake.Warmed())
			}
			if err := tt.sender.Send(t.Context(), message(tt.medium)); err != nil {
				t.Fatal(err)
			}
			got := fake.Messages()
			if len(got) != 1 {
				t.Fatalf("%d messages", len(got))
			}
			delete(got[0].Input, "DryRun") // the SDK writes false
			if diff := cmp.Diff(tt.want, got[0].Input); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOtherMediaAreRefused(t *testing.T) {
	fake := start(t)
	for name, s := range map[string]customauth.Sender{
		"EMAIL": &eum.Notify{Configuration: "nc-1"}, "VOICE": &eum.SMS{}, "SMS": &eum.Voice{Origination: "pool-1"},
	} {
		if err := s.Send(t.Context(), message(name)); !errors.Is(err, customauth.ErrInvalidDestination) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := message("SMS")
	m.Code = customauth.Hide("")
	if err := (&eum.Notify{Configuration: "nc-1"}).Send(t.Context(), m); !errors.Is(err, customauth.ErrUnauthorized) {
		t.Errorf("notify without a code: %v", err)
	}
	if n := len(fake.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A message waits no longer than its code is good, within what the API takes.
func TestTimeToLive(t *testing.T) {
	for name, tt := range map[string]struct {
		left     time.Duration
		min, max float64
	}{
		"three minutes":   {3 * time.Minute, 175, 180},
		"expired already": {-time.Minute, 5, 5},
		"a year":          {365 * 24 * time.Hour, 259_200, 259_200},
	} {
		t.Run(name, func(t *testing.T) {
			fake := start(t)
			m := message("SMS")
			m.Expires = time.Now().Add(tt.left)
			if err := (&eum.SMS{}).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got, _ := fake.Messages()[0].Input["TimeToLive"].(float64); got < tt.min || got > tt.max {
				t.Errorf("%v seconds, want %v to %v", got, tt.min, tt.max)
			}
		})
	}
}

// TestFailures: what the service says becomes what an operator understands, without
// the number and the code; one message is one request, unless the first was throttled;
// and the answer is there within the budget. The connection is one that was used
// before, as on Lambda.
func TestFailures(t *testing.T) {
	senders := map[string]struct {
		sender func() customauth.Sender
		medium string
	}{
		"SMS":          {func() customauth.Sender { return &eum.SMS{} }, "SMS"},
		"voice":        {func() customauth.Sender { return &eum.Voice{Origination: "pool-1"} }, "VOICE"},
		"notify text":  {func() customauth.Sender { return &eum.Notify{Configuration: "nc-1"} }, "SMS"},
		"notify voice": {func() customauth.Sender { return &eum.Notify{Configuration: "nc-1"} }, "VOICE"},
	}
	var doubt error
	tests := []struct {
		mode     smstest.Mode
		is       error
		requests int
		text     string
	}{
		{smstest.Throttled, customauth.ErrThrottled, 2, "ThrottlingException: Rate exceeded (HTTP 400, request id 11111111-"},
		{smstest.SpendLimit, customauth.ErrThrottled, 1, "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"},
		{smstest.TierLimit, customauth.ErrThrottled, 1, "DAILY_NOTIFY_TIER_MESSAGE_LIMIT"},
		{smstest.DestinationCall, customauth.ErrInvalidDestination, 1, "DAILY_DESTINATION_CALL_LIMIT"},
		{smstest.OptedOut, customauth.ErrOptedOut, 1, "DESTINATION_PHONE_NUMBER_OPTED_OUT"},
		{smstest.Sandbox, customauth.ErrInvalidDestination, 1, "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"},
		{smstest.CountryBlocked, customauth.ErrInvalidDestination, 1, "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"},
		{smstest.NoOrigination, customauth.ErrUnauthorized, 1, "NO_ORIGINATION_IDENTITIES_FOUND"},
		{smstest.NotActive, customauth.ErrUnauthorized, 1, "NOTIFY_CONFIGURATION_NOT_ACTIVE"},
		{smstest.TooExpensive, customauth.ErrInvalidDestination, 1, "PRICE_OVER_THRESHOLD"},
		{smstest.BadNumber, customauth.ErrInvalidDestination, 1, "FIELD_VALIDATION_FAILED"},
		{smstest.BadARN, customauth.ErrUnauthorized, 1, "INVALID_ARN"},
		{smstest.NoPool, customauth.ErrUnauthorized, 1, "ResourceNotFoundException"},
		{smstest.Disabled, customauth.ErrUnauthorized, 1, "ACCOUNT_DISABLED"},
		{smstest.InternalError, doubt, 1, "InternalServerException"},
		{smstest.Unavailable, doubt, 1, "HTTP 503"},
		{smstest.NoMessageID, doubt, 1, "without a MessageId"},
		{smstest.Hang, doubt, 1, "deadline"},
		{smstest.Stall, doubt, 1, "send failed"},
		{smstest.Drop, doubt, 1, "EOF"},
	}
	for name, by := range senders {
		for _, tt := range tests {
			t.Run(name+"/"+tt.mode.String(), func(t *testing.T) {
				fake := start(t)
				s := by.sender()
				if err := s.Send(t.Context(), message(by.medium)); err != nil {
					t.Fatal(err)
				}
				fake.SetMode(tt.mode)
				budget := 5 * time.Second
				if tt.mode == smstest.Hang || tt.mode == smstest.Stall {
					budget = time.Second // on a busy machine, too, the request arrives in this time
				}
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				defer cancel()
				began := time.Now()
				err := s.Send(ctx, message(by.medium))
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("took %v", took)
				}
				if err == nil || !strings.Contains(err.Error(), tt.text) {
					t.Fatalf("error %v, want %q", err, tt.text)
				}
				for _, sentinel := range []error{customauth.ErrThrottled, customauth.ErrUnauthorized, customauth.ErrOptedOut, customauth.ErrInvalidDestination} {
					if errors.Is(err, sentinel) != (sentinel == tt.is) {
						t.Errorf("is %v: %v", sentinel, err)
					}
				}
				for _, secret := range []string{phone, phone[1:], code, "2. 4. 6"} {
					if printed := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(printed, secret) {
						t.Errorf("%q is in %s", secret, printed)
					}
				}
				if n := len(fake.Requests()) - 1; n != tt.requests {
					t.Errorf("%d requests, want %d", n, tt.requests)
				}
				if n := len(fake.Messages()) - 1; n > 1 {
					t.Errorf("%d messages", n)
				}
			})
		}
	}
}

func TestThrottledOnceIsTriedAgain(t *testing.T) {
	fake := start(t)
	fake.SetMode(smstest.ThrottledOnce)
	if err := (&eum.SMS{}).Send(t.Context(), message("SMS")); err != nil {
		t.Fatal(err)
	}
	if n, sent := len(fake.Requests()), len(fake.Messages()); n != 2 || sent != 1 {
		t.Errorf("%d requests and %d messages, want 2 and 1", n, sent)
	}
}

func TestWarmFindsWrongFields(t *testing.T) {
	start(t)
	tests := []struct {
		name   string
		sender customauth.Sender
		text   string
	}{
		{"a price without a point", &eum.SMS{MaxPrice: "1"}, "SMS.MaxPrice"},
		{"half of India's ids", &eum.SMS{EntityID: "e"}, "go together"},
		{"a pool with a space", &eum.SMS{Origination: "my pool"}, "SMS.Origination"},
		{"a call from nowhere", &eum.Voice{}, "Voice.Origination"},
		{"a price in words", &eum.Voice{Origination: "pool-1", MaxPricePerMinute: "cheap"}, "MaxPricePerMinute"},
		{"a set with a space", &eum.Voice{Origination: "pool-1", ConfigurationSet: "my set"}, "ConfigurationSet"},
		{"no configuration", &eum.Notify{}, "Notify.Configuration"},
		{"a medium that Notify lacks", &eum.Notify{Configuration: "nc-1", Templates: map[string]map[string]string{"EMAIL": {"": "t"}}}, "EMAIL"},
		{"a template without id", &eum.Notify{Configuration: "nc-1", Templates: map[string]map[string]string{"SMS": {"de": ""}}}, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.sender.Warm(t.Context())
			if !errors.Is(err, customauth.ErrOptions) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want ErrOptions and %q", err, tt.text)
			}
		})
	}
}

// TestSSML: the code is spoken twice, one character at a time, and what is around it
// cannot become markup.
func TestSSML(t *testing.T) {
	tests := []struct{ name, text, code, want string }{
		{"digits", "Your code: 12.", "12", `Your code: <break time="300ms"/><prosody rate="slow">1<break time="300ms"/>2</prosody><break time="300ms"/>.`},
		{"letters", "A2-b3", "A2-b3", `<break time="300ms"/><prosody rate="slow"><say-as interpret-as="characters">A</say-as><break time="300ms"/>2<break time="300ms"/><say-as interpret-as="characters">B</say-as><break time="300ms"/>3</prosody><break time="300ms"/>`},
		{"markup", "<break time=\"9s\"/> & 12\u202e\nnext", "99", `&lt;break time=&#34;9s&#34;/&gt; &amp; 12 next`},
		{"no code", "Hello", "", "Hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := "<speak>" + tt.want + `<break time="1s"/>` + tt.want + "</speak>"
			if diff := cmp.Diff(want, eum.SSML(tt.text, tt.code)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSSML(f *testing.F) {
	f.Add("246813 is your code", "246813")
	f.Add("<speak>&\x00\xff", "<a>")
	f.Fuzz(func(t *testing.T, plain, code string) {
		d := xml.NewDecoder(strings.NewReader(eum.SSML(plain, code)))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("not XML: %v", err)
			}
			if e, ok := token.(xml.StartElement); ok && !strings.Contains("speak break prosody say-as", e.Name.Local) {
				t.Fatalf("element %s", e.Name.Local)
			}
		}
	})
}

func TestVoiceFor(t *testing.T) {
	for locale, want := range map[string]types.VoiceId{
		"de": types.VoiceIdVicki, "de_AT": types.VoiceIdVicki, "pt-BR": types.VoiceIdCamila, "pt": types.VoiceIdInes, "EN-gb": types.VoiceIdAmy, "hi": "", "": "",
	} {
		if got, ok := eum.VoiceFor(locale); got != want || ok != (want != "") {
			t.Errorf("%s: %s %v, want %s", locale, got, ok, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("SendTextMessage", `{"DestinationPhoneNumber":"+12065550100","MessageBody":"x","TimeToLive":5}`)
	f.Add("SendNotifyTextMessage", `{}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		m, err := smstest.Decode(operation, strings.NewReader(body))
		if err == nil && (m.To == "" || len(m.Input) == 0) {
			t.Errorf("%+v", m)
		}
	})
}
