package route_test

import (
	"context"
	"fmt"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/route"
)

// named prints that it sends, or refuses with err.
func named(name string, err error) customauth.Sender {
	return customauth.SenderFunc(func(context.Context, customauth.Message) error {
		fmt.Println(name, "is asked")
		return err
	})
}

// Two providers of SMS: while the first one is throttled, the second one sends.
func ExampleFailover() {
	sms := route.Failover{
		named("the first provider", customauth.ErrThrottled), // such as new(customauth.SNSSender)
		named("the second provider", nil),
	}
	options := customauth.Options{Senders: map[string]customauth.Sender{"SMS": sms}}

	m := customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide("+12065550100")}}
	fmt.Println(options.Senders["SMS"].Send(context.Background(), m))
	// Output:
	// the first provider is asked
	// the second provider is asked
	// <nil>
}

// A provider of its own for India, and Jamaica apart from the other countries of +1.
func ExamplePrefixes() {
	sms := route.Prefixes{
		Senders: map[string]customauth.Sender{
			"+91":   named("the provider for India", nil),
			"+1876": named("the provider for Jamaica", nil),
		},
		Otherwise: named("the provider for the world", nil),
	}
	for _, number := range []string{"+919876543210", "+18765550100", "+12065550100"} {
		m := customauth.Message{To: customauth.Destination{Medium: "SMS", Address: customauth.Hide(number)}}
		if err := sms.Send(context.Background(), m); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// the provider for India is asked
	// the provider for Jamaica is asked
	// the provider for the world is asked
}
