package ways_test

// This file has the journeys of users who choose their way, and what somebody whom the
// pool does not know sees on the same journeys.

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/captcha/captchatest"
)

// What an app answers, where it is no text of its own.
const (
	rightCode   = "the newest code"
	firstCode   = "the first code"
	linkCode    = "the code in the link, which a scanner has fetched before"
	freshToken  = "a token"
	foreignPage = "a token that was solved on somebody else's page"
	usedToken   = "a token that has passed in another sign-in"
)

// A move is an answer with its metadata.
type move struct {
	answer   string
	metadata map[string]string
}

func choose(way string, more ...string) map[string]string {
	return with(map[string]string{"action": "choose", "way": way}, more)
}

func resend(way string, more ...string) map[string]string {
	return with(map[string]string{"action": "resend", "way": way}, more)
}

// beside is what an app sends along with the token of a CAPTCHA.
func beside(way string, more ...string) map[string]string {
	return with(map[string]string{"way": way}, more)
}

func with(metadata map[string]string, more []string) map[string]string {
	if len(more) > 0 {
		metadata["locale"] = more[0]
	}
	return metadata
}

const (
	englishText = "SMS: {code} is your code. It is valid for 3 minutes. Do not share it."
	englishMail = "EMAIL: Your sign-in code / Your sign-in code is {code}."
	germanText  = "SMS: {code} ist Ihr Code. Er gilt 3 Minuten. Geben Sie ihn nicht weiter."
	germanMail  = "EMAIL: Ihr Anmeldecode / Ihr Anmeldecode ist {code}."
	germanCall  = "VOICE: VICKI / Guten Tag! Ihr Code lautet: {code}.Guten Tag! Ihr Code lautet: {code}."
	arabicText  = "SMS: رمزك {code} (3 دقائق)"
	arabicMail  = "EMAIL: رمز تسجيل الدخول / رمز تسجيل الدخول الخاص بك هو {code}"
	linkMail    = "EMAIL: Sign in / To sign in, open this link in the browser where you asked for it:"
)

// journeys are sign-ins of a user who has proved a number and an address. Seen is what
// the app is told at first and after each move, with how many messages there were.
var journeys = []struct {
	name, client, locale string
	moves                []move
	seen                 []string
	messages             []string
}{
	{
		name: "e-mail, by the way that is asked for", client: asking,
		moves:    []move{{"-", choose("email")}, {rightCode, nil}},
		seen:     []string{"proof, 0", "proof email, 1", "tokens, 1"},
		messages: []string{englishMail},
	},
	{
		name: "a code where a way is asked for", client: asking,
		moves:    []move{{"123456", nil}, {"-", choose("pigeon")}, {"-", choose("sms")}, {rightCode, nil}},
		seen:     []string{"proof, 0", "proof not_proved, 0", "proof way_not_offered, 0", "proof sms, 1", "tokens, 1"},
		messages: []string{englishText},
	},
	{
		name: "e-mail, and then SMS by a resend", client: asking,
		moves:    []move{{"-", choose("email")}, {"-", resend("sms")}, {firstCode, nil}, {rightCode, nil}},
		seen:     []string{"proof, 0", "proof email, 1", "proof sms, 2", "proof sms wrong_code, 2", "tokens, 2"},
		messages: []string{englishMail, englishText},
	},
	{
		name: "SMS at once, and then e-mail by a resend", client: atOnce,
		moves:    []move{{"-", resend("email")}, {rightCode, nil}},
		seen:     []string{"proof sms, 1", "proof email, 2", "tokens, 2"},
		messages: []string{englishText, englishMail},
	},
	{
		name: "all that there is, and no more messages", client: atOnce,
		moves:    []move{{"-", resend("email")}, {"-", resend("call")}, {"-", resend("sms")}, {rightCode, nil}},
		seen:     []string{"proof sms, 1", "proof email, 2", "proof call, 3", "proof call no_resends_left, 3", "tokens, 3"},
		messages: []string{englishText, englishMail, "VOICE: JOANNA / Hello! Your code is: {code}.Hello! Your code is: {code}."},
	},
	{
		name: "a CAPTCHA that is refused, and then passed", client: human,
		moves: []move{
			{"made up", beside("email")}, {foreignPage, beside("email")}, {usedToken, beside("email")}, {"-", choose("email")},
			{freshToken, beside("email")}, {rightCode, nil},
		},
		seen: []string{
			"captcha, 0", "captcha not_proved, 0", "captcha not_proved, 0", "captcha not_proved, 0", "captcha, 0",
			"proof email, 1", "tokens, 1",
		},
		messages: []string{englishMail},
	},
	{
		name: "a CAPTCHA without a way: the first one", client: human,
		moves:    []move{{freshToken, nil}, {rightCode, nil}},
		seen:     []string{"captcha, 0", "proof sms, 1", "tokens, 1"},
		messages: []string{englishText},
	},
	{
		name: "German, of the profile", client: atOnce, locale: "de-AT",
		moves:    []move{{"-", resend("email")}, {"-", resend("call")}, {rightCode, nil}},
		seen:     []string{"proof sms, 1", "proof email, 2", "proof call, 3", "tokens, 3"},
		messages: []string{germanText, germanMail, germanCall},
	},
	{
		name: "Arabic, of the profile", client: atOnce, locale: "ar",
		moves:    []move{{"-", resend("email")}, {rightCode, nil}},
		seen:     []string{"proof sms, 1", "proof email, 2", "tokens, 2"},
		messages: []string{arabicText, arabicMail},
	},
	{
		name: "Arabic, of the choice, and not German, of the profile", client: asking, locale: "de",
		moves:    []move{{"-", choose("sms", "ar-EG")}, {"-", resend("email")}, {rightCode, nil}},
		seen:     []string{"proof, 0", "proof sms, 1", "proof email, 2", "tokens, 2"},
		messages: []string{arabicText, arabicMail},
	},
	{
		name: "German beside the token of a CAPTCHA", client: human,
		moves:    []move{{freshToken, beside("call", "de-CH")}, {"-", resend("")}, {rightCode, nil}},
		seen:     []string{"captcha, 0", "proof call, 1", "proof call, 2", "tokens, 2"},
		messages: []string{germanCall, germanCall},
	},
	{
		name: "a link", client: asking,
		moves:    []move{{"-", choose("link")}, {linkCode, nil}},
		seen:     []string{"proof, 0", "proof link, 1", "tokens, 1"},
		messages: []string{linkMail},
	},
	{
		name: "a link after a CAPTCHA, and its code typed", client: human,
		moves:    []move{{freshToken, beside("link")}, {rightCode, nil}},
		seen:     []string{"captcha, 0", "proof link, 1", "tokens, 1"},
		messages: []string{linkMail},
	},
}

const (
	number  = "+12065550100"
	address = "ada@example.com"
)

func TestJourneys(t *testing.T) {
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add(t, number, address, j.locale)
			a := w.begin(t, j.client, number)
			var seen []string
			note := func() { seen = append(seen, fmt.Sprintf("%s, %d", a.outcome(), len(w.messages(number, address)))) }
			note()
			for _, m := range j.moves {
				if m.metadata["action"] != "" {
					countdown(a)
				}
				a.answer(w.text(t, a, m.answer), m.metadata)
				note()
			}
			if diff := cmp.Diff(j.seen, seen); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			var messages []string
			for _, m := range w.messages(number, address) {
				first := strings.SplitN(strings.ReplaceAll(m.text, m.code, "{code}"), "\n", 3)
				messages = append(messages, m.medium+": "+strings.Join(first[:min(len(first), 2)], " / "))
			}
			if diff := cmp.Diff(j.messages, messages); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// text is what a person who reads the messages and solves the CAPTCHA answers.
func (w *world) text(t *testing.T, a *app, answer string) string {
	t.Helper()
	all := w.messages(number, address)
	switch answer {
	case rightCode:
		return all[len(all)-1].code
	case firstCode:
		return all[0].code
	case linkCode:
		return w.follow(t, a, all[len(all)-1].text)
	}
	return w.token(t, answer)
}

// token is one of the provider's, or the answer as it is.
func (w *world) token(t *testing.T, answer string) string {
	t.Helper()
	token := w.provider.Solve(captchatest.Solved{Hostname: host})
	switch answer {
	case freshToken:
		return token
	case foreignPage:
		return w.provider.Solve(captchatest.Solved{Hostname: "evil.example"})
	case usedToken:
		if a := w.begin(t, human, "+12065550188").answer(token, nil); a.parameters["step"] != "proof" {
			t.Fatalf("the token did not pass elsewhere: %v", a.parameters)
		}
		return token
	}
	return answer
}

// follow is what comes of a link: a scanner fetches it first, and the server sees no
// code; then the page in the user's browser reads the fragment.
func (w *world) follow(t *testing.T, a *app, text string) (code string) {
	t.Helper()
	u, err := url.Parse(regexp.MustCompile(`http://\S+`).FindString(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, u.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if diff := cmp.Diff([]string{"HEAD /sign-in ", "GET /sign-in ", "GET /sign-in "}, w.site.seen()); diff != "" {
		t.Errorf("what the site was asked for (-want +got):\n%s", diff)
	}
	fragment, err := url.ParseQuery(u.EscapedFragment())
	if err != nil {
		t.Fatal(err)
	}
	if got := fragment.Get("link"); got == "" || got != a.parameters["link"] {
		t.Errorf("the link is of sign-in %q, and the app has %q", got, a.parameters["link"])
	}
	return fragment.Get("code")
}

// TestUnknownUsersOnJourneys: on each journey, with the code wrong at its end, somebody
// whom the pool does not know is told name by name and value by value what a user is
// told, and so is a user who has no address. No message goes to where there is nobody.
func TestUnknownUsersOnJourneys(t *testing.T) {
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			known, unknown, lacking := newWorld(t), newWorld(t), newWorld(t)
			known.add(t, number, address, j.locale)
			lacking.add(t, number, "", j.locale)
			told := transcripts(t, j.client, j.moves, known, unknown, lacking)
			if diff := cmp.Diff(told[0], told[1]); diff != "" {
				t.Errorf("(-known +unknown):\n%s", diff)
			}
			if diff := cmp.Diff(told[0], told[2]); diff != "" {
				t.Errorf("(-known +without an address):\n%s", diff)
			}
			if all := unknown.messages(number, address); len(all) != 0 {
				t.Errorf("%d messages to nobody", len(all))
			}
			if len(lacking.mails.Requests()) != 0 {
				t.Error("an e-mail for who has no address")
			}
		})
	}
}

// transcripts are all that apps are told along a journey with wrong codes, each in a
// world of its own. What is random or the time is left out, and that it is there is not.
func transcripts(t *testing.T, client string, moves []move, worlds ...*world) [][]map[string]string {
	t.Helper()
	told := make([][]map[string]string, len(worlds))
	apps := make([]*app, len(worlds))
	note := func(i int) {
		p := maps.Clone(apps[i].parameters)
		for _, name := range []string{"USERNAME", "link", "expiresAt", "resendAfter"} {
			if p[name] != "" {
				p[name] = "there"
			}
		}
		if err := apps[i].err; err != nil {
			p = map[string]string{"error": public(err)}
		}
		told[i] = append(told[i], p)
	}
	for i, w := range worlds {
		apps[i] = w.begin(t, client, number)
		note(i)
	}
	for _, m := range moves {
		switch m.answer {
		case rightCode, firstCode, linkCode:
			m.answer = "0000000" // one digit more than a code has
		}
		if m.metadata["action"] != "" {
			countdown(apps...)
		}
		for i, w := range worlds {
			apps[i].answer(w.token(t, m.answer), m.metadata)
			note(i)
		}
	}
	return told
}

// public is what the service says of an error, without the id of the request.
func public(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}
