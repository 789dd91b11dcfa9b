package customauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
var exampleKeys = [][]byte{bytes.Repeat([]byte{1}, 32)}

// printer stands for a Sender that reaches a phone.
var printer = customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
	fmt.Println("to", m.To, "-", strings.ReplaceAll(m.Text, m.Code.Reveal(), "123456"))
	return nil
})

func createExample() customauth.Options {
	return customauth.Options{Keys: exampleKeys, Steps: []customauth.Challenge{customauth.OTP{Sender: printer}}}
}

// One function for every trigger, with the pre sign-up trigger plugged in.
func ExampleNewHandler() {
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:  exampleKeys,
		Steps: []customauth.Challenge{customauth.OTP{Sender: printer}},
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
		Keys:  exampleKeys,
		Steps: []customauth.Challenge{customauth.OTP{Sender: printer, WebOTPDomain: "example.com"}},
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
	// Output: customauth: key 1 has 5 bytes and needs 32; make one with: openssl rand -base64 32
}

// A password by SRP, then a code.
func ExamplePassword() {
	_, err := customauth.NewHandler(customauth.Options{
		Keys:  exampleKeys,
		Steps: []customauth.Challenge{customauth.Password(), customauth.OTP{Sender: printer}},
	}, nil)
	fmt.Println(err)
	// Output: <nil>
}

// A text first, then an e-mail.
func ExampleOTP() {
	byMail := func(r customauth.Request) (customauth.Destination, error) {
		return customauth.Destination{Medium: "EMAIL", Address: r.Attributes["email"]}, nil
	}
	opts := customauth.Options{
		Keys: exampleKeys,
		Steps: []customauth.Challenge{
			customauth.OTP{ID: "sms", Sender: &customauth.SNSSender{SenderID: "ACME"}},
			customauth.OTP{ID: "mail", Sender: printer, Destination: byMail, Generator: customauth.Alphanumeric(8), TTL: 10 * time.Minute},
		},
	}
	_, err := customauth.NewDefine(opts)
	fmt.Println(err)
	// Output: <nil>
}

// A code that reads easily. Spaces do not count when it is compared.
func ExampleGeneratorFunc() {
	digits := customauth.Digits(6)
	grouped := customauth.GeneratorFunc(func(ctx context.Context) (string, error) {
		code, err := digits.Generate(ctx)
		if err != nil {
			return "", err
		}
		return code[:3] + " " + code[3:], nil
	})
	code, err := grouped.Generate(context.Background())
	fmt.Println(len(code), err)
	// Output: 7 <nil>
}

func ExampleDigits() {
	code, err := customauth.Digits(6).Generate(context.Background())
	fmt.Println(len(code), err)
	// Output: 6 <nil>
}

func ExampleAlphanumeric() {
	code, err := customauth.Alphanumeric(8).Generate(context.Background())
	fmt.Println(len(code), strings.ContainsAny(code, "01OIL"), err)
	// Output: 8 false <nil>
}

// A secret prints as nothing but a note.
func ExampleCode() {
	sender := customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
		fmt.Println(m.Code, len(m.Code.Reveal()))
		fmt.Println(m)
		return nil
	})
	create, _ := customauth.NewCreate(customauth.Options{Keys: exampleKeys, Steps: []customauth.Challenge{customauth.OTP{Sender: sender}}})
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
		Edit: func(to customauth.Destination, in *sns.PublishInput) {
			if strings.HasPrefix(to.Address, "+1") {
				in.MessageAttributes["AWS.MM.SMS.OriginationNumber"] = types.MessageAttributeValue{
					DataType: aws.String("String"), StringValue: aws.String("+18005550100"),
				}
			}
		},
	}
	_, err := customauth.NewDefine(customauth.Options{Keys: exampleKeys, Steps: []customauth.Challenge{customauth.OTP{Sender: sender}}})
	fmt.Println(err)
	// Output: <nil>
}

// A sender that says when it knows that nothing was sent.
func ExampleSenderFunc() {
	sender := customauth.SenderFunc(func(ctx context.Context, m customauth.Message) error {
		if !strings.HasPrefix(m.To.Address, "+1") {
			return fmt.Errorf("%w: we reach North America only", customauth.ErrInvalidDestination)
		}
		return nil
	})
	err := sender.Send(context.Background(), customauth.Message{To: customauth.Destination{Medium: "SMS", Address: "+4915112345678"}})
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
	opts.Steps = []customauth.Challenge{customauth.OTP{Sender: printer, Guard: closedAtNight{true}}}
	opts.Observe = func(_ context.Context, e customauth.Event) { fmt.Println(e.Outcome, e.Reason) }
	create, _ := customauth.NewCreate(opts)
	var event events.CognitoEventUserPoolsCreateAuthChallenge
	event.Request.ChallengeName = "CUSTOM_CHALLENGE"
	event.Request.UserAttributes = map[string]string{"phone_number": "+12065550100"}
	event, err := create(context.Background(), event)
	fmt.Println(event.Response.PublicChallengeParameters["errorCode"], err)
	// Output:
	// refused guard: closed at night
	// delivery_failed <nil>
}

// One wrong answer is the end, unless the step is the e-mail.
func ExampleAttemptPolicyFunc() {
	policy := customauth.AttemptPolicyFunc(func(_ context.Context, a customauth.Attempts) customauth.Decision {
		if a.Wrong == 0 || a.Step == "mail" && a.Wrong < 3 {
			return customauth.Retry
		}
		return customauth.Fail
	})
	fmt.Println(policy.Decide(context.Background(), customauth.Attempts{Step: "sms", Wrong: 1}) == customauth.Fail)
	// Output: true
}

func ExampleMaxAttempts() {
	policy := customauth.MaxAttempts(3)
	fmt.Println(policy.Decide(context.Background(), customauth.Attempts{Wrong: 2}) == customauth.Retry)
	fmt.Println(policy.Decide(context.Background(), customauth.Attempts{Wrong: 3}) == customauth.Retry)
	// Output:
	// true
	// false
}

// Several windows, and a budget for all texts together.
func ExampleLimits() {
	opts := createExample()
	opts.Limits = customauth.Limits{
		Sends: []customauth.Limit{
			{Max: 3, Per: time.Hour},
			{Max: 6, Per: 24 * time.Hour},
			{Max: 1000, Per: time.Hour, Key: func(customauth.Request) string { return "all texts" }},
		},
		Guesses: []customauth.Limit{{Max: 5, Per: time.Hour}, {Max: 50}},
	}
	_, err := customauth.NewHandler(opts, nil)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleNewMemoryStore() {
	store := customauth.NewMemoryStore()
	limits := []customauth.Limit{{Max: 1, Per: time.Hour}}
	for range 2 {
		wait, err := store.Count(context.Background(), "a key", 1, limits)
		fmt.Println(wait.Round(time.Second), err)
	}
	// Output:
	// 0s <nil>
	// 1h0m0s <nil>
}

// Metrics in five lines.
func ExampleEvent() {
	counts := map[string]int{}
	opts := createExample()
	opts.Observe = func(_ context.Context, e customauth.Event) {
		counts[e.Trigger+" "+string(e.Outcome)]++
	}
	define, _ := customauth.NewDefine(opts)
	define(context.Background(), events.CognitoEventUserPoolsDefineAuthChallenge{})
	fmt.Println(counts)
	// Output: map[define asked:1]
}

// pushed is a challenge of one's own: the user approves on another device.
type pushed struct{ approved func(user string) bool }

func (pushed) Name() string { return "push" }

func (pushed) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	if !r.UserNotFound {
		// Ask the user's device here.
	}
	return customauth.Issued{TTL: time.Minute, Public: map[string]string{"hint": "approve on your phone"}}, nil
}

func (p pushed) Check(_ context.Context, r customauth.Request, _ string) (bool, error) {
	return p.approved(r.UserName), nil
}

func ExampleChallenge() {
	opts := customauth.Options{Keys: exampleKeys, Steps: []customauth.Challenge{
		customauth.OTP{Sender: printer},
		pushed{approved: func(string) bool { return true }},
	}}
	_, err := customauth.NewHandler(opts, nil)
	fmt.Println(err)
	// Output: <nil>
}

// A user who was locked out for guessing is let in again.
func ExampleOptions_Unlock() {
	opts := createExample()
	opts.Store = customauth.NewMemoryStore() // in production, the store that the functions share
	fmt.Println(opts.Unlock(context.Background(), "eu-west-1_Ab1Cd2Ef3", "alice"))
	// Output: <nil>
}
