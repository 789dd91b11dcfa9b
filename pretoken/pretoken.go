// Package pretoken is the pre token generation trigger for a pool in which app
// clients sign in by chains of different strength. It says in the tokens what was
// proved, for step-up: an app lets a user look around after a code by SMS, and asks
// for a sign-in by a second app client, with a passkey, before money moves.
//
//	handler, err := pretoken.New(options, map[string]pretoken.Client{
//		"1example23456789abcdefghij": {Level: 1, Methods: map[string][]string{"sms": {"otp", "sms"}}},
//		"2example23456789abcdefghij": {Level: 2, Methods: map[string][]string{"passkey": {"hwk", "user", "mfa"}}},
//	})
//
// Cognito lets no trigger set amr, acr or auth_time, so the claims have names of
// their own, and are texts in every version of the event:
//
//	customauth:level     "2"
//	customauth:methods   "hwk mfa user", words of RFC 8176 in alphabetical order
//
// With version 1 of the event they are in the ID token alone; with versions 2 and 3,
// which the Lite plan of Cognito does not have, in the access token too. The module
// account has the middleware that asks for them.
//
// # What the claims rest on
//
// The event does not say how a user signed in. Only the app client's chain does, and
// only if that is the one way to sign in by it: its ExplicitAuthFlows are
// ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH and no other, and it has no OAuth
// flows. See to that in what deploys the pool: this package cannot. Nothing that an
// app sends is looked at, and nothing is kept in a store.
//
// Another handler that changes claims must not pass on what an app sends under these
// names.
package pretoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
)

const (
	// LevelClaim and MethodsClaim are the names of the claims.
	LevelClaim   = "customauth:level"
	MethodsClaim = "customauth:methods"

	// MaxLevel is the highest level.
	MaxLevel = 9
)

// A Client says what whoever signs in by an app client has proved.
type Client struct {
	// Level is how strong the app client's chain is by its weakest alternatives: 1 to
	// 9. What the numbers mean is yours to say.
	Level int

	// Methods are what passing a step proves, by the step's name, in the words of RFC
	// 8176: all steps of the app client, and for a customauth.OneOf all ways, as
	// "step/way". Of the ways of a step the claim has what all of them prove, and so
	// never more than is true: nobody knows which one it was. A OneOf within a step of
	// another type is not seen: name what the weakest way proves. An empty list is a
	// step that proves nothing, such as a CAPTCHA.
	Methods map[string][]string

	// Refreshed is the level in tokens that were refreshed, at most Level; they never
	// have methods. Default 0: no level. The event does not say how old the sign-in
	// is, so what is said here must have been true of all sign-ins by this app client
	// since its oldest refresh token (RefreshTokenValidity) that can still be used.
	// Raise it only when that time is over after Level was raised.
	Refreshed int
}

// words are those of RFC 8176, section 2.
var words = strings.Fields("face fpt geo hwk iris kba mca mfa otp pin pwd rba retina sc sms swk tel user vbm wia")

// New returns a handler for lambda.Start or, as "TokenGeneration", for
// customauth.NewHandler. The options are those of the other handlers, with Clients.
// App clients that are not in clients get no claims; one that the options do not have
// is refused, and so are steps without methods. It is safe for concurrent use.
//
// Claims are added to a sign-in that was not by managed login, and at a refresh. All
// else in the event is returned as it came: the groups stay as they are.
func New(o customauth.Options, clients map[string]Client) (lambda.Handler, error) {
	if _, err := customauth.NewDefine(o); err != nil {
		return nil, fmt.Errorf("pretoken: %w", err)
	}
	var wrong []error
	h := make(handler)
	if len(clients) == 0 {
		wrong = append(wrong, errors.New("pretoken: no clients, so no token would say anything"))
	}
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		c := clients[id]
		chain, ok := o.Clients[id]
		if !ok {
			wrong = append(wrong, fmt.Errorf("pretoken: client %q is not one of Options.Clients, so its chain is not fixed", id))
			continue
		}
		if c.Level < 1 || c.Level > MaxLevel {
			wrong = append(wrong, fmt.Errorf("pretoken: client %q: Level must be from 1 to %d, not %d", id, MaxLevel, c.Level))
		}
		if c.Refreshed < 0 || c.Refreshed > c.Level {
			wrong = append(wrong, fmt.Errorf("pretoken: client %q: Refreshed must be from 0 to Level, not %d", id, c.Refreshed))
		}
		methods, err := proved(chain.Steps, c.Methods)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("pretoken: client %q: %w", id, err))
		}
		h[id] = claims{
			signIn:  map[string]string{LevelClaim: strconv.Itoa(c.Level), MethodsClaim: strings.Join(methods, " ")},
			refresh: map[string]string{},
		}
		if len(methods) == 0 {
			delete(h[id].signIn, MethodsClaim)
		}
		if c.Refreshed > 0 {
			h[id].refresh[LevelClaim] = strconv.Itoa(c.Refreshed)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return h, nil
}

// proved are the methods that passing all steps proves, sorted.
func proved(steps []customauth.Step, methods map[string][]string) ([]string, error) {
	unused := maps.Clone(methods)
	var all []string
	var wrong []error
	for _, s := range steps {
		m, err := passed(s.Name, s.Challenge, methods, unused)
		all, wrong = append(all, m...), append(wrong, err)
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		wrong = append(wrong, fmt.Errorf("%q in Methods is none of its steps", name))
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(wrong...)
}

// passed are the methods that passing one step proves, whichever way was taken.
func passed(name string, step customauth.Challenge, methods map[string][]string, unused map[string][]string) ([]string, error) {
	var ways []customauth.Step
	switch s := step.(type) {
	case customauth.OneOf:
		ways = s.Ways
	case *customauth.OneOf:
		ways = s.Ways
	default:
		m, ok := methods[name]
		delete(unused, name)
		if !ok {
			return nil, fmt.Errorf("%q is missing in Methods: say what it proves", name)
		}
		for _, word := range m {
			if !slices.Contains(words, word) {
				return nil, fmt.Errorf("%q has %.20q in Methods, which is no word of RFC 8176: %s", name, word, strings.Join(words, " "))
			}
		}
		return m, nil
	}
	var shared []string
	var wrong []error
	for i, w := range ways {
		m, err := passed(name+"/"+w.Name, w.Challenge, methods, unused)
		wrong = append(wrong, err)
		if i == 0 {
			shared = slices.Clone(m)
		}
		shared = slices.DeleteFunc(shared, func(word string) bool { return !slices.Contains(m, word) })
	}
	return shared, errors.Join(wrong...)
}

// handler has the claims by app client.
type handler map[string]claims

type claims struct{ signIn, refresh map[string]string }

// of are the claims that an event of this source may have.
func (h handler) of(client, source string) map[string]string {
	switch source {
	case "TokenGeneration_Authentication":
		return h[client].signIn
	case "TokenGeneration_RefreshTokens":
		return h[client].refresh
	}
	return nil
}

var errEvent = errors.New("pretoken: not a pre token generation event")

// Invoke handles one event. It goes through the JSON as it is: a value of null or {}
// that was not there before would mean something else to Cognito, and take the user's
// groups away for example.
func (h handler) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event object
	var version, source string
	var caller struct {
		ClientID string `json:"clientId"`
	}
	if json.Unmarshal(payload, &event) != nil || json.Unmarshal(event["triggerSource"], &source) != nil ||
		!strings.HasPrefix(source, "TokenGeneration_") {
		return nil, errEvent
	}
	if json.Unmarshal(event["version"], &version) != nil || json.Unmarshal(event["callerContext"], &caller) != nil {
		return nil, errEvent
	}
	add := h.of(caller.ClientID, source)
	var err error
	switch version {
	case "1":
		err = event.claims(add, "response", "claimsOverrideDetails", "claimsToAddOrOverride")
	case "2", "3":
		for _, token := range []string{"idTokenGeneration", "accessTokenGeneration"} {
			err = errors.Join(err, event.claims(add, "response", "claimsAndScopeOverrideDetails", token, "claimsToAddOrOverride"))
		}
	default:
		return nil, errEvent
	}
	if err != nil {
		return nil, errEvent
	}
	return json.Marshal(event)
}

// object is a JSON object whose members keep what this package does not know.
type object map[string]json.RawMessage

// claims makes the object at this path have these claims, and none other of this
// package's. What is not there is made only if there are claims for it.
func (o object) claims(add map[string]string, path ...string) error {
	if len(path) == 0 {
		delete(o, LevelClaim)
		delete(o, MethodsClaim)
		for name, value := range add {
			o[name], _ = json.Marshal(value) // a text
		}
		return nil
	}
	var inner object
	if raw, ok := o[path[0]]; ok {
		if err := json.Unmarshal(raw, &inner); err != nil {
			return err
		}
	}
	if inner == nil {
		if len(add) == 0 {
			return nil
		}
		inner = object{}
	}
	if err := inner.claims(add, path[1:]...); err != nil {
		return err
	}
	raw, err := json.Marshal(inner)
	o[path[0]] = raw
	return err
}
