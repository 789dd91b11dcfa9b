package customauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
)

// TestNothingPrints: no value of this package shows what is secret or personal in it,
// by itself, as a field of somebody's struct, exported or not, behind a pointer, in a
// slice or a map, in fmt, log/slog or encoding/json.
func TestNothingPrints(t *testing.T) {
	// No time has twelve digits like these in it by chance.
	const code, address, name, token = "424242424242", "someone@example.com", "jane.doe", "metadata-token"
	var seen customauth.Request
	var sent customauth.Message
	var event customauth.Event
	r := newRig(t, customauth.Options{
		Steps: only(customauth.OTP{
			Medium:    "EMAIL",
			Generator: func(context.Context, int) (string, error) { return code, nil },
			Destination: func(_ context.Context, r customauth.Request) (customauth.Destination, error) {
				if !r.Probe {
					seen = r
				}
				return customauth.Destination{Medium: "EMAIL", Address: r.Attributes["email"]}, nil
			},
		}),
		Senders: map[string]customauth.Sender{"EMAIL": customauth.SenderFunc(func(_ context.Context, m customauth.Message) error {
			sent = m
			return nil
		})},
		Observe: func(_ context.Context, e customauth.Event) { event = e },
	})
	s := r.start(named(name))
	s.answer("000000x", map[string]string{"token": token})
	s.check("1", nil)
	issued, err := customauth.OTP{Medium: "EMAIL", Generator: func(context.Context, int) (string, error) { return code, nil }}.Issue(t.Context(), seen)
	if err != nil || sent.Code.Reveal() != code || seen.Attributes["email"].Reveal() != address || seen.UserName.Reveal() != name {
		t.Fatalf("nothing to hide: %v", err)
	}
	options := r.opts
	options.Store, options.Logger, options.Observe = nil, nil, nil
	options.CounterKey = other
	otp := customauth.OTP{TestCodes: map[string]customauth.Secret{"x": customauth.Hide(code)}, TestCodesUntil: time.Now()}
	options.Steps = only(otp)
	values := []any{
		sent, sent.To, sent.Code, seen, issued, event, options, otp, options.Steps[0],
		customauth.Checked{Right: true, Proved: sent.To}, customauth.Attempts{Step: "otp"}, customauth.DefaultLimits(),
		customauth.OneOf{Ways: options.Steps}, map[string]customauth.Secret{"x": sent.Code}, []customauth.Secret{key},
	}
	secrets := []string{code, address, name, token, key.Reveal(), other.Reveal(), phone, "someone"}
	for _, v := range values {
		kind := fmt.Sprintf("%T", v)
		for how, text := range printed(v) {
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s, %s: %q is in %s", kind, how, secret, text)
				}
			}
		}
	}
}

// printed prints a value in every way that comes to mind.
func printed(v any) map[string]string {
	boxed := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "X", Type: reflect.TypeOf(v)}})).Elem()
	boxed.Field(0).Set(reflect.ValueOf(v))
	out := map[string]string{}
	for how, x := range map[string]any{
		"itself": v, "a pointer": &v, "a slice": []any{v}, "a map": map[string]any{"x": v},
		"an exported field": boxed.Interface(), "an unexported field": struct{ x any }{v},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out[how+" by "+verb] = fmt.Sprintf(verb, x)
		}
		if b, err := json.Marshal(x); err == nil {
			out[how+" as JSON"] = string(b)
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "x", x)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "x", x)
		out[how+" in a log"] = b.String()
	}
	// The types that people hold in fields of their own.
	switch v := v.(type) {
	case customauth.Message:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Message }{v}, struct{ x customauth.Message }{v}, struct{ x *customauth.Message }{&v})
	case customauth.Request:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Request }{v}, struct{ x customauth.Request }{v}, struct{ x *customauth.Request }{&v})
	case customauth.Destination:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Destination }{v}, struct{ x customauth.Destination }{v}, struct{ x *customauth.Destination }{&v})
	case customauth.Issued:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Issued }{v}, struct{ x customauth.Issued }{v}, struct{ x *customauth.Issued }{&v})
	case customauth.Options:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Options }{v}, struct{ x customauth.Options }{v}, struct{ x *customauth.Options }{&v})
	case customauth.Event:
		out["held"] = fmt.Sprintf("%v %+v %#v", struct{ x customauth.Event }{v}, struct{ x customauth.Event }{v}, struct{ x *customauth.Event }{&v})
	}
	return out
}
