package customauth_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

// exampleKeys stand for those that CUSTOMAUTH_KEYS has in a function.
var exampleKeys = []customauth.Secret{customauth.Hide("32 bytes from a random source, or")}

// printer stands for a Sender that reaches a phone.
var printer = customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
	fmt.Println("to", m.To, "-", strings.ReplaceAll(m.Text.Reveal(), m.Code.Reveal(), "123456"))
	return nil
})

func createExample() customauth.Options {
	return customauth.Options{
		Keys:    exampleKeys,
		Senders: map[string]customauth.Sender{"SMS": printer},
		Store:   customauth.NewMemoryStore(),
	}
}

// One function for every trigger, with the pre sign-up trigger plugged in.
func ExampleNewHandler() {
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    exampleKeys,
		Senders: map[string]customauth.Sender{"SMS": printer},
	}, map[string]lambda.Handler{
		"PreSignUp": lambda.NewHandler(presignup.New(nil)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a main: lambda.Start(handler)
	out, err := handler.Invoke(context.Background(), []byte(`{
		"triggerSource": "DefineAuthChallenge_Authentication",
		"userPoolId": "eu-west-1_Ab1Cd2Ef3", "userName": "alice", "request": {"session": []}, "response": {}
	}`))
	var event struct {
		Response json.RawMessage
	}
	json.Unmarshal(out, &event)
	fmt.Println(string(event.Response), err)
	// Output: {"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false} <nil>
}

func ExampleNewDefine() {
	define, err := customauth.NewDefine(customauth.Options{Keys: exampleKeys})
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a main: lambda.Start(define)
	var event events.CognitoEventUserPoolsDefineAuthChallenge
	event, err = define(context.Background(), event)
	fmt.Println(event.Response.ChallengeName, event.Response.IssueTokens, err)
	// Output: CUSTOM_CHALLENGE false <nil>
}

func ExampleNewCreate() {
	create, err := customauth.NewCreate(customauth.Options{
		Keys:    exampleKeys,
		Steps:   []customauth.Step{{Name: "otp", Challenge: customauth.OTP{WebOTPDomain: "example.com"}}},
		Senders: map[string]customauth.Sender{"SMS": printer},
		Store:   customauth.NewMemoryStore(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a main: lambda.Start(create)
	var event events.CognitoEventUserPoolsCreateAuthChallenge
	event.UserName = "alice"
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = map[string]string{"phone_number": "+12065550100"}
	event, err = create(context.Background(), event)
	fmt.Println(event.Response.PublicChallengeParameters["CODE_DELIVERY_DELIVERY_MEDIUM"], event.Response.PublicChallengeParameters["codeLength"], err)
	// Output:
	// to SMS +*******0100 - 123456 is your code. It is valid for 3 minutes. Do not share it.
	// @example.com #123456
	// SMS 6 <nil>
}

func ExampleNewVerify() {
	verify, err := customauth.NewVerify(customauth.Options{Keys: exampleKeys})
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a main: lambda.Start(verify)
	var event events.CognitoEventUserPoolsVerifyAuthChallenge
	event.Request.PrivateChallengeParameters = map[string]string{"customauth": "not what Create returned"}
	event.Request.ChallengeAnswer = "123456"
	_, err = verify(context.Background(), event)
	fmt.Println(errors.Is(err, customauth.ErrMismatch))
	fmt.Println(err)
	// Output:
	// true
	// customauth: this sign-in cannot go on, start again
}

func ExampleParseKeys() {
	_, err := customauth.ParseKeys("c2hvcnQ=")
	fmt.Println(err)
	// Output: customauth: options: key 1 has 5 bytes and needs 32; make one with: openssl rand -base64 32
}

// A password by SRP, then a code.
func ExamplePassword() {
	_, err := customauth.NewHandler(customauth.Options{
		Keys:    exampleKeys,
		Steps:   []customauth.Step{customauth.Password(), {Name: "otp", Challenge: customauth.OTP{}}},
		Senders: map[string]customauth.Sender{"SMS": printer},
	}, nil)
	fmt.Println(err)
	// Output: <nil>
}

// A text first, then an e-mail.
func ExampleOTP() {
	opts := customauth.Options{
		Keys: exampleKeys,
		Steps: []customauth.Step{
			{Name: "sms", Challenge: customauth.OTP{}},
			{Name: "mail", Challenge: customauth.OTP{Medium: "EMAIL", Generator: customauth.Alphanumeric(8), TTL: 10 * time.Minute}},
		},
		Senders: map[string]customauth.Sender{"SMS": &customauth.SNSSender{SenderID: "ACME"}, "EMAIL": printer},
	}
	_, err := customauth.NewDefine(opts)
	fmt.Println(err)
	// Output: <nil>
}

// The user chooses between a text and an e-mail.
func ExampleOneOf() {
	opts := createExample()
	opts.Steps = []customauth.Step{{Name: "proof", Challenge: customauth.OneOf{Ask: true, Ways: []customauth.Step{
		{Name: "sms", Challenge: customauth.OTP{}},
		{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
	}}}}
	opts.Senders["EMAIL"] = printer
	create, err := customauth.NewCreate(opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	var event events.CognitoEventUserPoolsCreateAuthChallenge
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event, err = create(context.Background(), event)
	fmt.Println(event.Response.PublicChallengeParameters["ways"], err)
	// Output: sms email <nil>
}

// A code that reads easily. Spaces do not count when it is compared.
func ExampleGenerator() {
	digits := customauth.Digits(6)
	grouped := func(ctx context.Context, least int) (string, error) {
		code, err := digits(ctx, least)
		if err != nil {
			return "", err
		}
		return code[:3] + " " + code[3:], nil
	}
	code, err := grouped(context.Background(), 6)
	fmt.Println(len(code), err)
	// Output: 7 <nil>
}

func ExampleDigits() {
	code, err := customauth.Digits(6)(context.Background(), 6)
	fmt.Println(len(code), err)
	// Output: 6 <nil>
}

func ExampleAlphanumeric() {
	code, err := customauth.Alphanumeric(8)(context.Background(), 6)
	fmt.Println(len(code), strings.ContainsAny(code, "01OIL"), err)
	// Output: 8 false <nil>
}

// A secret prints as nothing but a note.
func ExampleSecret() {
	opts := createExample()
	opts.Senders["SMS"] = customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
		fmt.Println(m.Code, len(m.Code.Reveal()))
		fmt.Println(m)
		return nil
	})
	create, _ := customauth.NewCreate(opts)
	var event events.CognitoEventUserPoolsCreateAuthChallenge
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = map[string]string{"phone_number": "+12065550100"}
	create(context.Background(), event)
	// Output:
	// [redacted] 6
	// message to SMS +*******0100 [redacted]
}

// A number in the United States needs an origination number of its own.
func ExampleSNSSender() {
	sender := &customauth.SNSSender{
		SenderID: "ACME",
		MaxPrice: "0.10",
		Edit: func(_ context.Context, m customauth.Message, in *sns.PublishInput) error {
			if strings.HasPrefix(m.To.Address.Reveal(), "+1") {
				in.MessageAttributes["AWS.MM.SMS.OriginationNumber"] = types.MessageAttributeValue{
					DataType: aws.String("String"), StringValue: aws.String("+18005550100"),
				}
			}
			return nil
		},
	}
	_, err := customauth.NewDefine(customauth.Options{Keys: exampleKeys, Senders: map[string]customauth.Sender{"SMS": sender}})
	fmt.Println(err)
	// Output: <nil>
}

// A sender that says when it knows that nothing was sent.
func ExampleSenderFunc() {
	sender := customauth.SenderFunc(func(ctx context.Context, m customauth.Message) error {
		if !strings.HasPrefix(m.To.Address.Reveal(), "+1") {
			return fmt.Errorf("%w: we reach North America only", customauth.ErrInvalidDestination)
		}
		return nil
	})
	err := sender.Send(context.Background(), customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide("+4915112345678")}})
	fmt.Println(errors.Is(err, customauth.ErrInvalidDestination))
	// Output: true
}

// closedAtNight refuses sends. A real Guard looks at the country, say.
type closedAtNight struct{ night bool }

func (c closedAtNight) Allow(context.Context, customauth.Request, customauth.Destination) error {
	if c.night {
		return errors.New("closed at night")
	}
	return nil
}

func (closedAtNight) Verified(context.Context, customauth.Request, customauth.Destination) {}

func ExampleGuard() {
	opts := createExample()
	opts.Logger = slog.New(slog.DiscardHandler)
	opts.Guard = closedAtNight{true}
	opts.Observe = func(_ context.Context, e customauth.Event) { fmt.Println(e.Outcome, e.Reason, e.Err) }
	create, _ := customauth.NewCreate(opts)
	var event events.CognitoEventUserPoolsCreateAuthChallenge
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = map[string]string{"phone_number": "+12065550100"}
	event, err := create(context.Background(), event)
	fmt.Println(event.Response.PublicChallengeParameters["errorCode"], err)
	// Output:
	// refused guard closed at night
	// delivery_failed <nil>
}

// One wrong answer is the end, unless the step is the e-mail.
func ExampleAttemptPolicy() {
	opts := createExample()
	opts.Attempts = func(_ context.Context, a customauth.Attempts) int {
		if a.Step == "mail" {
			return 3 - a.Wrong
		}
		return 1 - a.Wrong
	}
	_, err := customauth.NewDefine(opts)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleMaxAttempts() {
	policy := customauth.MaxAttempts(3)
	fmt.Println(policy(context.Background(), customauth.Attempts{Wrong: 2}))
	fmt.Println(policy(context.Background(), customauth.Attempts{Wrong: 3}))
	// Output:
	// 1
	// 0
}

// Fewer texts to one number, and a budget for the whole pool. All else stays as it is.
func ExampleLimits() {
	opts := createExample()
	opts.Limits = customauth.Limits{
		Destination: []customauth.Window{{Max: 3, Per: time.Hour}, {Max: 6, Per: 24 * time.Hour}},
		Named: []customauth.Limit{{
			Name:    "all-texts",
			Windows: []customauth.Window{{Max: 1000, Per: time.Hour}},
			Key:     func(context.Context, customauth.Request) (string, error) { return "pool", nil },
		}},
	}
	_, err := customauth.NewHandler(opts, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleDefaultLimits() {
	limits := customauth.DefaultLimits()
	limits.Messages = append(limits.Messages, customauth.Window{Max: 50, Per: 30 * 24 * time.Hour})
	fmt.Println(limits.Messages, limits.Failures)
	// Output: [{15 24h0m0s} {50 720h0m0s}] 100
}

// Two app clients in one handler: the second asks for more.
func ExampleOptions_clients() {
	code := customauth.Step{Name: "otp", Challenge: customauth.OTP{}}
	mail := customauth.Step{Name: "mail", Challenge: customauth.OTP{Medium: "EMAIL"}}
	opts := createExample()
	opts.Senders["EMAIL"] = printer
	opts.Clients = map[string]customauth.Options{
		"1example23456789abcdefghij": {Steps: []customauth.Step{code}},
		"2example23456789abcdefghij": {Steps: []customauth.Step{code, mail}, Attempts: customauth.MaxAttempts(1)},
	}
	_, err := customauth.NewHandler(opts, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleNewMemoryStore() {
	store := customauth.NewMemoryStore()
	once := customauth.Op{Verb: customauth.Count, Counter: "texts", Windows: []customauth.Window{{Max: 1, Per: time.Hour}}}
	for range 2 {
		found, err := store.Update(context.Background(), "example:key", once)
		fmt.Println(found[0].Wait.Round(time.Second), err)
	}
	// Output:
	// 0s <nil>
	// 1h0m0s <nil>
}

// Metrics in a few lines.
func ExampleEvent() {
	var mu sync.Mutex // events come concurrently
	counts := map[string]int{}
	opts := createExample()
	opts.Observe = func(_ context.Context, e customauth.Event) {
		mu.Lock()
		defer mu.Unlock()
		counts[string(e.Trigger)+" "+string(e.Outcome)]++
	}
	define, _ := customauth.NewDefine(opts)
	define(context.Background(), events.CognitoEventUserPoolsDefineAuthChallenge{})
	fmt.Println(counts)
	// Output: map[define asked:1]
}

// pushed is a challenge of one's own: the user approves on another device. The
// handlers send the message, hold it to the limits, and pretend for unknown users.
type pushed struct{ approved func(id string) bool }

func (pushed) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	id := rand.Text()
	return customauth.Issued{
		State:       id,
		Message:     customauth.Message{To: device(r), Text: customauth.Hide("Approve the sign-in " + id)},
		Unguessable: true, // an early answer burns no attempt
	}, nil
}

func (pushed) Show(context.Context, customauth.Request) (map[string]string, error) {
	return map[string]string{"hint": "approve on your phone, then press Enter"}, nil
}

func (p pushed) Check(_ context.Context, r customauth.Request, _ string) (customauth.Checked, error) {
	return customauth.Checked{Right: p.approved(r.State), Proved: device(r)}, nil
}

func device(r customauth.Request) customauth.Destination {
	return customauth.Destination{Medium: "PUSH", Address: r.Attributes["sub"]}
}

func ExampleChallenge() {
	opts := createExample()
	opts.Steps = []customauth.Step{{Name: "push", Challenge: pushed{approved: func(string) bool { return true }}}}
	opts.Senders["PUSH"] = printer
	_, err := customauth.NewHandler(opts, nil)
	fmt.Println(err)
	// Output: <nil>
}

// A user who was locked out is let in again, for whom strangers used up the texts, too.
func ExampleOptions_Unlock() {
	opts := createExample() // with the store that the functions share
	number := customauth.Destination{Medium: "SMS", Address: customauth.Hide("+12065550100")}
	fmt.Println(opts.Unlock(context.Background(), "eu-west-1_Ab1Cd2Ef3", "alice", number))
	// Output: <nil>
}

// A deleted user leaves nothing behind.
func ExampleOptions_Erase() {
	opts := createExample()
	fmt.Println(opts.Erase(context.Background(), "eu-west-1_Ab1Cd2Ef3", "alice"))
	// Output: <nil>
}
