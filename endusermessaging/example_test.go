package endusermessaging_test

import (
	"context"
	"fmt"
	"os"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
)

// local starts the service on this machine, and sets what Lambda sets, so that the
// examples can show what is sent.
func local() *smstest.Server {
	fake := smstest.New()
	os.Setenv("AWS_REGION", "eu-west-1")
	os.Setenv("AWS_ACCESS_KEY_ID", "made-up")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "made-up")
	os.Setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", fake.URL)
	return fake
}

func to(medium string) customauth.Message {
	return customauth.Message{
		To:   customauth.Destination{Medium: medium, Address: customauth.Hide("+12065550100")},
		Code: customauth.Hide("246813"),
		Text: customauth.Hide("246813 is your code."),
	}
}

// Texts from a pool of numbers, which may cost half a dollar each.
func ExampleSMS() {
	fake := local()
	defer fake.Close()
	options := customauth.Options{Senders: map[string]customauth.Sender{
		"SMS": &endusermessaging.SMS{Origination: "pool-0123456789abcdef", MaxPrice: "0.50"},
	}}

	err := options.Senders["SMS"].Send(context.Background(), to("SMS"))
	for _, m := range fake.Messages() {
		fmt.Println(m.Operation, m.To, m.Body)
	}
	fmt.Println(err)
	// Output:
	// SendTextMessage +12065550100 246813 is your code.
	// <nil>
}

// A call as a second way.
func ExampleVoice() {
	fake := local()
	defer fake.Close()
	voice := &endusermessaging.Voice{Origination: "+12065550199"}

	err := voice.Send(context.Background(), to("VOICE"))
	for _, m := range fake.Messages() {
		fmt.Println(m.Operation, m.To, m.Input["VoiceId"])
	}
	fmt.Println(err)
	// Output:
	// SendVoiceMessage +12065550100 JOANNA
	// <nil>
}

// The first text without a number of one's own.
func ExampleNotify() {
	fake := local()
	defer fake.Close()
	notify := &endusermessaging.Notify{Configuration: "nc-1234567890abcdef0"}

	err := notify.Send(context.Background(), to("SMS"))
	for _, m := range fake.Messages() {
		fmt.Println(m.Operation, m.To, m.Body)
	}
	fmt.Println(err)
	// Output:
	// SendNotifyTextMessage +12065550100 Your code is 246813
	// <nil>
}

// What was answered is reported.
func ExampleFeedback() {
	fake := local()
	defer fake.Close()
	feedback := new(endusermessaging.Feedback) // in production with a Memory
	options := customauth.Options{
		Guard:   feedback,
		Senders: map[string]customauth.Sender{"SMS": &endusermessaging.SMS{Feedback: feedback}},
	}

	m := to("SMS")
	err := options.Senders["SMS"].Send(context.Background(), m)
	options.Guard.Verified(context.Background(), m.Request, m.To) // by the handlers, after a right answer
	fmt.Println(fake.Messages()[0].Received, err)
	// Output: true <nil>
}

// What the voice is given to speak.
func ExampleSSML() {
	fmt.Println(endusermessaging.SSML("Code 12", "12"))
	// Output: <speak>Code <break time="300ms"/><prosody rate="slow">1<break time="300ms"/>2</prosody><break time="300ms"/><break time="1s"/>Code <break time="300ms"/><prosody rate="slow">1<break time="300ms"/>2</prosody><break time="300ms"/></speak>
}
