package smsguard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/smsguard"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var world = smsguard.Options{InsecureAllCountries: true}

// in is the options with a store in memory.
func in(o smsguard.Options) smsguard.Options {
	o.Store = customauth.NewMemoryStore()
	return o
}

// Every number through the whole create trigger: a text, or a reason.
func TestNumbers(t *testing.T) {
	gb := smsguard.Options{Allow: []string{"GB"}}
	for name, tt := range map[string]struct {
		options smsguard.Options
		number  string
		want    string
	}{
		"a mobile number":           {gb, "+447400123456", ""},
		"fixed or mobile, as in US": {world, "+12065550100", ""},
		"another country":           {gb, "+33612345678", "country_denied FR"},
		"Guernsey is not GB":        {gb, "+447911123456", "country_denied GG"},
		"Jamaica is not the US":     {smsguard.Options{Allow: []string{"US"}}, jamaican(1), "country_denied JM"},
		"denied":                    {smsguard.Options{Deny: []string{"JM"}}, jamaican(1), "country_denied JM"},
		"denied, another":           {smsguard.Options{Deny: []string{"JM"}}, "+12065550100", ""},
		"allowed and denied":        {smsguard.Options{Allow: []string{"GB", "JM"}, Deny: []string{"JM"}}, jamaican(1), "country_denied JM"},
		"premium rate":              {world, "+19005551234", "premium_number US"},
		"shared cost":               {world, "+33899123456", "premium_number FR"},
		"toll-free":                 {world, "+18005551234", "number_kind US"},
		"a personal number":         {world, "+447012345678", "number_kind GB"},
		"a fixed line":              {world, "+442079460958", "number_kind GB"},
		"a fixed line, allowed":     {smsguard.Options{Allow: []string{"GB"}, AllowFixedLine: true}, "+442079460958", ""},
		"premium is no fixed line":  {smsguard.Options{Allow: []string{"US"}, AllowFixedLine: true}, "+19005551234", "premium_number US"},
		"VoIP, as GB has it":        {world, "+445612345678", "number_kind GB"},
		"VoIP, as FR has it":        {world, "+33912345678", "number_kind FR"},
		"VoIP, as JP has it":        {world, "+815012345678", "number_kind JP"},
		"VoIP, as DE does not":      {world, "+4915123456789", ""},
		"VoIP, allowed":             {smsguard.Options{Allow: []string{"FR"}, AllowVoIP: true}, "+33912345678", ""},
		"VoIP is no fixed line":     {smsguard.Options{Allow: []string{"FR"}, AllowFixedLine: true}, "+33912345678", "number_kind FR"},
		"a fixed line is no VoIP":   {smsguard.Options{Allow: []string{"GB"}, AllowVoIP: true}, "+442079460958", "number_kind GB"},
		"the exchange 976":          {world, "+12129765000", "premium_number US"},
		"the exchange 976, in CA":   {world, "+14169765000", "premium_number CA"},
		"976, all kinds allowed":    {smsguard.Options{Allow: []string{"JM"}, AllowFixedLine: true, AllowVoIP: true}, "+18769765000", "premium_number JM"},
		"976 is denied as others":   {gb, "+12129765000", "country_denied US"},
		"976 elsewhere in a number": {world, "+12065559765", ""},
		"976 as a calling code":     {world, "+97688123456", ""},
		"a satellite phone":         {world, "+870773111632", "country_denied 001"},
		"an international network":  {world, "+882161234567", "country_denied 001"},
		"international premium":     {world, "+97912345678", "country_denied 001"},
		"not assigned":              {world, "+447700900123", "unassigned_number"},
		"no such country":           {world, "+21012345678", "unassigned_number"},
		"too short":                 {world, "+4474001234", "unassigned_number"},
		"the trunk prefix left in":  {world, "+4407400123456", "malformed_number"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, in(tt.options))
				sent, why := p.ask(t, tt.number)
				if diff := cmp.Diff(tt.want, why); diff != "" {
					t.Errorf("reason (-want +got):\n%s", diff)
				}
				if sent == nil != (tt.want != "") {
					t.Errorf("sent = %v", sent != nil)
				}
			})
		})
	}
}

// What customauth's own check does not let through to the guard is refused too.
func TestMalformedNumbers(t *testing.T) {
	guard := newGuard(t, in(world))
	for name, number := range map[string]string{
		"empty":            "",
		"no plus":          "447400123456",
		"spaces":           "+44 7400 123456",
		"an extension":     "+447400123456;ext=5",
		"RFC 3966":         "tel:+447400123456",
		"letters":          "+1800FLOWERS",
		"other digits":     "+٤٤٧٤٠٠١٢٣٤٥٦",
		"a line feed":      "+447400123456\n",
		"a zero in front":  "+047400123456",
		"sixteen digits":   "+4474001234567890",
		"a million digits": "+" + strings.Repeat("4", 1e6),
	} {
		t.Run(name, func(t *testing.T) {
			err := guard.Allow(t.Context(), customauth.Request{}, customauth.Destination{Medium: "SMS", Address: customauth.Hide(number)})
			if diff := cmp.Diff(&smsguard.Refusal{Reason: smsguard.Malformed}, refusal(err)); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOtherMediaPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := smsguard.Options{Allow: []string{"GB"}, Store: brokenStore{}}
		sent, why := newPool(t, o).askFor(t, map[string]string{"email": "someone@example.com"})
		if sent == nil {
			t.Fatalf("an e-mail was refused: %s", why)
		}
	})
}

// A call is judged and counted like a text.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(smsguard.Options{Allow: []string{"JM"}})
		o.Country = smsguard.Budget{Hour: 2, Day: 2}
		p := newPool(t, o)
		call := func(number string) (*text, string) {
			return p.askFor(t, map[string]string{"phone_number": number, "custom:calls": "yes"})
		}
		var got []string
		for _, number := range []string{british(1), jamaican(1), jamaican(2), jamaican(3)} {
			_, why := call(number)
			got = append(got, why)
		}
		_, why := p.ask(t, jamaican(4))
		got = append(got, why)
		want := []string{"country_denied GB", "", "", "country_closed JM", "country_closed JM"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

func TestBudgets(t *testing.T) {
	small := smsguard.Budget{Hour: 3, Day: 5}
	large := smsguard.Budget{Hour: 1000, Day: 1000}
	for name, tt := range map[string]struct {
		options smsguard.Options
		number  func(int) string
		want    string
	}{
		"country": {
			smsguard.Options{InsecureAllCountries: true, Country: small, Range: large, Total: large},
			jamaican, "country_closed JM",
		},
		"a country of its own": {
			smsguard.Options{InsecureAllCountries: true, Countries: map[string]smsguard.Budget{"JM": small}, Country: large, Range: large, Total: large},
			jamaican, "country_closed JM",
		},
		"range": {
			smsguard.Options{InsecureAllCountries: true, Country: large, Range: small, Total: large},
			func(n int) string { return jamaican(ranges * n) }, "range_closed JM",
		},
		"total": {
			smsguard.Options{InsecureAllCountries: true, Country: large, Range: large, Total: small},
			jamaican, "total_closed JM",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, in(tt.options))
				var got []string
				n := 0
				for range 3 { // hours
					for range 4 {
						_, why := p.ask(t, tt.number(n))
						got = append(got, why)
						n++
					}
					time.Sleep(time.Hour)
				}
				x := tt.want
				want := []string{"", "", "", x /* the hour */, "", "", x, x /* the day */, x, x, x, x}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("reasons by hour (-want +got):\n%s", diff)
				}
				time.Sleep(24 * time.Hour)
				if _, why := p.ask(t, tt.number(n)); why != "" {
					t.Errorf("still closed after a day: %s", why)
				}
			})
		})
	}
}

// A text that one budget refuses is taken from no other: else the reason would
// change to that other budget's.
func TestRefusedTextsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		o.Range = smsguard.Budget{Hour: 3, Day: 3}
		o.Country = smsguard.Budget{Hour: 2, Day: 2}
		o.Total = smsguard.Budget{Hour: 4, Day: 4}
		p := newPool(t, o)
		var got []string
		ask := func(number string) {
			_, why := p.ask(t, number)
			got = append(got, why)
		}
		for n := range 6 {
			ask(jamaican(ranges * n)) // all in one range
		}
		ask(british(1))
		ask(srilankan(1))
		for n := range 4 {
			ask(british(2 + n)) // each in a range of its own
		}
		const (
			country = "country_closed JM"
			total   = "total_closed GB"
		)
		want := []string{"", "", country, country, country, country, "", "", total, total, total, total}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

func TestAnswersGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		o.Country = smsguard.Budget{Hour: 2, Day: 2}
		p := newPool(t, o)
		ask := func(n int, want string) *text {
			t.Helper()
			sent, why := p.ask(t, jamaican(n))
			if diff := cmp.Diff(want, why); diff != "" {
				t.Fatalf("number %d (-want +got):\n%s", n, diff)
			}
			return sent
		}
		first := ask(1, "")
		ask(2, "")
		ask(3, "country_closed JM")
		p.answer(t, first)           // gives back two, its own and one more
		time.Sleep(30 * time.Second) // a refused text counts for the cooldown of its number
		ask(3, "")
		ask(4, "")
		ask(5, "country_closed JM")

		// A number that answered passes while the country is closed, takes
		// nothing, and gives nothing either: one phone opens no country.
		for range 3 {
			time.Sleep(time.Minute)
			p.answer(t, ask(1, ""))
		}
		ask(5, "country_closed JM")
	})
}

// Two answers at once, which both find that the number is not known yet, give
// back once.
func TestAnswersAtOnceGiveBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		o.Store = staleStore{o.Store}
		o.Country = smsguard.Budget{Hour: 4, Day: 4}
		p := newPool(t, o)
		var texts []*text
		var got []string
		ask := func(n int) {
			sent, why := p.ask(t, jamaican(n))
			texts, got = append(texts, sent), append(got, why)
		}
		ask(1)
		time.Sleep(time.Minute)
		ask(1)
		ask(2)
		ask(3)
		p.answer(t, texts[0])
		p.answer(t, texts[1])
		for n := range 3 {
			ask(4 + n)
		}
		want := []string{"", "", "", "", "", "", "country_closed JM"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

// A staleStore does not know what happened a moment ago, when it is only asked.
type staleStore struct{ customauth.Store }

func (s staleStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	if ops[0].Verb == customauth.Look {
		return []customauth.Found{{Age: -1}}, nil
	}
	return s.Store.Update(ctx, key, ops...)
}

func TestReturningNumbers(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		returning time.Duration
		signIns   []time.Duration // after each other, all of which answer
		then      time.Duration
		want      string
	}{
		"after a month less a bit":       {signIns: []time.Duration{0}, then: 30*day - time.Hour},
		"after a month and a bit":        {signIns: []time.Duration{0}, then: 30*day + time.Hour, want: "country_closed JM"},
		"refreshed in the second half":   {signIns: []time.Duration{0, 20 * day}, then: 29 * day},
		"refreshed again and again":      {signIns: []time.Duration{0, 20 * day, 20 * day, 20 * day, 20 * day}, then: 29 * day},
		"not refreshed in the first":     {signIns: []time.Duration{0, 10 * day}, then: 21 * day, want: "country_closed JM"},
		"shorter, by configuration":      {returning: 2 * day, signIns: []time.Duration{0}, then: 2*day + time.Hour, want: "country_closed JM"},
		"shorter, and still in its time": {returning: 2 * day, signIns: []time.Duration{0}, then: 2*day - time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := in(world)
				o.Returning = tt.returning
				o.Country = smsguard.Budget{Hour: 1, Day: 1}
				p := newPool(t, o)
				for i, d := range tt.signIns {
					time.Sleep(d)
					if why := p.signIn(t, jamaican(1)); why != "" {
						t.Fatalf("sign-in %d: %s", i, why)
					}
				}
				time.Sleep(tt.then)
				if _, why := p.ask(t, jamaican(2)); why != "" { // closes the country
					t.Fatal(why)
				}
				_, why := p.ask(t, jamaican(1))
				if diff := cmp.Diff(tt.want, why); diff != "" {
					t.Errorf("reason (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The guard is asked for a caller's own step as for OTP. However many ask at once, no
// text more than the budget goes.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		o.Country = smsguard.Budget{Hour: 7, Day: 50}
		var sent atomic.Int64
		create, err := customauth.NewCreate(customauth.Options{
			Keys:   keys,
			Steps:  []customauth.Step{{Name: "own", Challenge: ownStep{}}},
			Store:  customauth.NewMemoryStore(),
			Guard:  newGuard(t, o),
			Logger: slog.New(slog.DiscardHandler),
			Senders: map[string]customauth.Sender{"SMS": customauth.SenderFunc(func(context.Context, customauth.Message) error {
				sent.Add(1)
				return nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				var e events.CognitoEventUserPoolsCreateAuthChallenge
				e.TriggerSource, e.UserPoolID, e.UserName = "CreateAuthChallenge_Authentication", poolID, jamaican(n)
				e.Request.ChallengeName = "CUSTOM_CHALLENGE"
				e.Request.UserAttributes = map[string]string{"phone_number": jamaican(n)}
				create(t.Context(), e)
			})
		}
		all.Wait()
		if got := sent.Load(); got != 7 {
			t.Errorf("%d texts, want 7", got)
		}
	})
}

type ownStep struct{}

func (ownStep) Issue(_ context.Context, r customauth.Request) (customauth.Issued, error) {
	code := customauth.Hide("123456789")
	to := customauth.Destination{Medium: "SMS", Address: r.Attributes["phone_number"]}
	return customauth.Issued{Answer: code, Message: customauth.Message{To: to, Text: code}}, nil
}

func (ownStep) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }

func (ownStep) Check(context.Context, customauth.Request, string) (customauth.Checked, error) {
	return customauth.Checked{}, nil
}

// What a sign-in costs in calls of the Store, as the README has it.
func TestStoreCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		store := &countingStore{Store: o.Store}
		o.Store = store
		p := newPool(t, o)
		var got []calls
		for range 3 { // new, known, known for more than half of Returning
			sent, _ := p.ask(t, jamaican(1))
			asked := store.take()
			p.answer(t, sent)
			got = append(got, asked, store.take())
			time.Sleep(10 * 24 * time.Hour)
		}
		want := []calls{
			{Reads: 1, Writes: 3}, {Writes: 4},
			{Reads: 1}, {Writes: 1}, // which finds no room, and changes nothing
			{Reads: 1}, {Writes: 2},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// calls of a Store.
type calls struct{ Reads, Writes int }

type countingStore struct {
	customauth.Store

	mu   sync.Mutex
	seen calls
}

func (s *countingStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ops[0].Verb == customauth.Look {
		s.seen.Reads++
	} else {
		s.seen.Writes++
	}
	if !aKey.MatchString(key) || len(key) > 64 || strings.Contains(key, "876") {
		return nil, errors.New("the key is none of a Store, or shows a number")
	}
	return s.Store.Update(ctx, key, ops...)
}

// aKey is what customauth.Store says of keys.
var aKey = regexp.MustCompile(`^[a-zA-Z-]+:[a-zA-Z0-9_-]+$`)

func (s *countingStore) take() calls {
	seen := s.seen
	s.seen = calls{}
	return seen
}

// Two pools that share a table share no budget.
func TestPoolsAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := in(world)
		o.Country = smsguard.Budget{Hour: 1, Day: 1}
		guard := newGuard(t, o)
		p := (&pool{}).with(t, guard)
		p.ask(t, jamaican(1))
		if _, why := p.ask(t, jamaican(2)); why != "country_closed JM" {
			t.Fatalf("reason = %q", why)
		}
		if err := guard.Reopen(t.Context(), "eu-west-1_Another", "JM"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second) // a refused text counts for the cooldown of its number
		if _, why := p.ask(t, jamaican(2)); why != "country_closed JM" {
			t.Errorf("another pool was reopened, and this one: %q", why)
		}
		if err := guard.Reopen(t.Context(), poolID, "JM"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if _, why := p.ask(t, jamaican(2)); why != "" {
			t.Errorf("reopened, and %q", why)
		}
		if err := guard.Reopen(t.Context(), poolID, "Jamaica"); err == nil {
			t.Error("reopened no country")
		}
	})
}

// A store that fails closes the door, unless somebody asked for an open one.
func TestStoreFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		edit   func(*smsguard.Options)
		sent   bool
		log    string
		report smsguard.Report
	}{
		"fails": {
			edit:   func(o *smsguard.Options) { o.Store = brokenStore{} },
			report: smsguard.Report{Refused: true},
		},
		"answers nonsense": {
			edit:   func(o *smsguard.Options) { o.Store = shortStore{} },
			report: smsguard.Report{Refused: true},
		},
		"hangs": {
			edit:   func(o *smsguard.Options) { o.Store = hangingStore{} },
			report: smsguard.Report{Refused: true},
		},
		"fails, recorded": {
			edit: func(o *smsguard.Options) { o.Store, o.RecordOnly = brokenStore{}, true },
			sent: true, log: "reason=store_failed",
		},
		"fails, open": {
			edit: func(o *smsguard.Options) { o.Store, o.InsecureAllowOnStoreFailure = brokenStore{}, true },
			sent: true, log: "reason=store_failed",
		},
		"hangs, open": {
			edit: func(o *smsguard.Options) { o.Store, o.InsecureAllowOnStoreFailure = hangingStore{}, true },
			sent: true, log: "reason=store_failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				o := world
				o.Logger = slog.New(slog.NewTextHandler(&log, nil))
				tt.edit(&o)
				p := newPool(t, o)
				start := time.Now()
				sent, why := p.ask(t, jamaican(1))
				if took := time.Since(start); took > time.Second {
					t.Errorf("took %v", took)
				}
				if (sent != nil) != tt.sent || !tt.sent && !strings.HasPrefix(why, "store_failed JM") {
					t.Errorf("sent = %v, reason %q", sent != nil, why)
				}
				if !strings.Contains(log.String(), tt.log) || tt.log == "" && log.Len() > 0 {
					t.Errorf("log = %q, want %q in it", &log, tt.log)
				}
				tt.report.Reason, tt.report.Country = smsguard.StoreFailed, "JM"
				tt.report.PoolID, tt.report.ClientID = poolID, "client"
				if diff := cmp.Diff([]smsguard.Report{tt.report}, p.report, cmpopts.IgnoreFields(smsguard.Refusal{}, "Err")); diff != "" {
					t.Errorf("reports (-want +got):\n%s", diff)
				}
				if sent != nil {
					p.answer(t, sent) // must not fail with the store
					if !strings.Contains(log.String(), "an answered code was not counted") {
						t.Errorf("log = %s", &log)
					}
				}
			})
		})
	}
}

// The store dies between two budgets: the text is refused.
func TestStoreDiesHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for calls := range 4 {
			o := world
			store := &dyingStore{Store: customauth.NewMemoryStore()}
			store.calls.Store(int64(calls))
			o.Store = store
			_, why := newPool(t, o).ask(t, jamaican(1))
			if !strings.HasPrefix(why, "store_failed JM: the table is gone") {
				t.Errorf("after %d calls: %q", calls, why)
			}
		}
	})
}

// A guard that is called by hand, without a handler's request, tells numbers apart
// all the same.
func TestOutsideOfAHandler(t *testing.T) {
	o := in(world)
	o.Country = smsguard.Budget{Hour: 2, Day: 2}
	o.GiveBack = 1
	guard := newGuard(t, o)
	r := customauth.Request{PoolID: poolID}
	to := func(n int) customauth.Destination {
		return customauth.Destination{Medium: "SMS", Address: customauth.Hide(jamaican(n))}
	}
	var got []string
	for i, n := range []int{1, 2, 3, 3, 1} {
		got = append(got, message(guard.Allow(t.Context(), r, to(n))))
		if i == 0 {
			guard.Verified(t.Context(), r, to(n)) // gives its own text back
		}
	}
	want := []string{"", "", "", "smsguard: country_closed JM", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestSignUp(t *testing.T) {
	gb := smsguard.Options{Allow: []string{"GB"}}
	recorded := gb
	recorded.RecordOnly = true
	for name, tt := range map[string]struct {
		options smsguard.Options
		source  string
		number  string
		want    string
		report  []smsguard.Report
	}{
		"served":                    {options: gb, number: british(1)},
		"not served":                {options: gb, number: jamaican(1), want: "this phone number cannot be used", report: []smsguard.Report{{Refusal: smsguard.Refusal{Reason: smsguard.CountryDenied, Country: "JM"}, Refused: true}}},
		"premium":                   {options: world, number: "+19005551234", want: "this phone number cannot be used", report: []smsguard.Report{{Refusal: smsguard.Refusal{Reason: smsguard.Premium, Country: "US"}, Refused: true}}},
		"no number":                 {options: gb},
		"not served, recorded only": {options: recorded, number: jamaican(1), report: []smsguard.Report{{Refusal: smsguard.Refusal{Reason: smsguard.CountryDenied, Country: "JM"}}}},
		"made by an administrator":  {options: gb, source: "PreSignUp_AdminCreateUser", number: jamaican(1)},
	} {
		t.Run(name, func(t *testing.T) {
			var got []smsguard.Report
			var log bytes.Buffer
			o := in(tt.options)
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			o.Report = func(_ context.Context, r smsguard.Report) { got = append(got, r) }
			handle := presignup.New(newGuard(t, o).SignUp)

			var e events.CognitoEventUserPoolsPreSignup
			e.TriggerSource, e.UserPoolID = tt.source, poolID
			if tt.source == "" {
				e.TriggerSource = "PreSignUp_SignUp"
			}
			if tt.number != "" {
				e.Request.UserAttributes = map[string]string{"phone_number": tt.number}
			}
			e, err := handle(t.Context(), e)
			if diff := cmp.Diff(tt.want, message(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if want := tt.want == "" && tt.source == ""; e.Response.AutoConfirmUser != want {
				t.Errorf("AutoConfirmUser = %v, want %v", e.Response.AutoConfirmUser, want)
			}
			for i := range tt.report {
				tt.report[i].PoolID, tt.report[i].SignUp = poolID, true
			}
			if diff := cmp.Diff(tt.report, got); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if logged := strings.Contains(log.String(), "smsguard: refusal"); logged != (tt.report != nil) {
				t.Errorf("log = %s", &log)
			}
			if tt.number != "" && strings.Contains(log.String(), tt.number) {
				t.Errorf("the log names the number: %s", &log)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	budget := func(hour, day int) smsguard.Options {
		return smsguard.Options{InsecureAllCountries: true, Country: smsguard.Budget{Hour: hour, Day: day}}
	}
	for name, tt := range map[string]struct {
		options smsguard.Options
		want    string
	}{
		"nothing":             {smsguard.Options{}, "smsguard: name the countries that are served in Allow, or those that are not in Deny (see InsecureAllCountries)"},
		"all and some":        {smsguard.Options{Allow: []string{"GB"}, InsecureAllCountries: true}, "smsguard: Allow and InsecureAllCountries contradict each other"},
		"small letters":       {smsguard.Options{Allow: []string{"gb"}}, `smsguard: Allow: "gb" is not the code of a country, such as "GB"`},
		"a calling code":      {smsguard.Options{Deny: []string{"44"}}, `smsguard: Deny: "44" is not the code of a country, such as "GB"`},
		"no country":          {smsguard.Options{Allow: []string{"001"}}, `smsguard: Allow: "001" is not the code of a country, such as "GB"`},
		"a budget of nowhere": {smsguard.Options{InsecureAllCountries: true, Countries: map[string]smsguard.Budget{"UK": {Hour: 1, Day: 1}}}, `smsguard: Countries: "UK" is not the code of a country, such as "GB"`},
		"an empty budget":     {smsguard.Options{InsecureAllCountries: true, Countries: map[string]smsguard.Budget{"GB": {}}}, "smsguard: Countries, GB: a budget needs Hour from 1 and Day from Hour, not 0 and 0"},
		"no day":              {budget(5, 0), "smsguard: Country: a budget needs Hour from 1 and Day from Hour, not 5 and 0"},
		"a day under an hour": {budget(5, 4), "smsguard: Country: a budget needs Hour from 1 and Day from Hour, not 5 and 4"},
		"negative":            {budget(-1, 4), "smsguard: Country: a budget needs Hour from 1 and Day from Hour, not -1 and 4"},
		"generous":            {smsguard.Options{InsecureAllCountries: true, GiveBack: 11}, "smsguard: GiveBack must be from 1 to 10, not 11"},
		"grudging":            {smsguard.Options{InsecureAllCountries: true, GiveBack: -1}, "smsguard: GiveBack must be from 1 to 10, not -1"},
		"forgetful":           {smsguard.Options{InsecureAllCountries: true, Returning: time.Hour}, "smsguard: Returning must be from 24h to 744h, not 1h0m0s"},
		"unforgetting":        {smsguard.Options{InsecureAllCountries: true, Returning: 1000 * time.Hour}, "smsguard: Returning must be from 24h to 744h, not 1000h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := smsguard.New(in(tt.options))
			if diff := cmp.Diff(tt.want, message(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
	_, err := smsguard.New(world)
	if diff := cmp.Diff("smsguard: Store is required: one that all instances share, such as dynamodbstore", message(err)); diff != "" {
		t.Errorf("no store (-want +got):\n%s", diff)
	}
}

// Whatever is let in is a number of an allowed country in its one form.
func FuzzSignUp(f *testing.F) {
	for _, s := range []string{
		"", "+", "+447400123456", "+4407400123456", "+12065550100", "+19005551234", "+33612345678",
		"+870773111632", "tel:+447400123456;ext=1", "+44 7400 123456", "+٤٤٧٤٠٠", "+1800FLOWERS", "+447400123456\x00",
	} {
		f.Add(s)
	}
	guard, err := smsguard.New(smsguard.Options{
		Allow: []string{"GB", "US"}, Store: customauth.NewMemoryStore(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	normal := regexp.MustCompile(`^\+(44[1-9][0-9]{6,9}|1[2-9][0-9]{9})$`)
	f.Fuzz(func(t *testing.T, number string) {
		var e events.CognitoEventUserPoolsPreSignup
		e.TriggerSource = "PreSignUp_SignUp"
		e.Request.UserAttributes = map[string]string{"phone_number": number}
		err := guard.SignUp(t.Context(), e)
		if err != nil {
			if _, ok := errors.AsType[presignup.Refusal](err); !ok {
				t.Errorf("%q: not a public refusal: %v", number, err)
			}
			return
		}
		if number == "" {
			return
		}
		if !normal.MatchString(number) {
			t.Errorf("let in %q", number)
		}
	})
}

type brokenStore struct{ customauth.Store }

func (brokenStore) Update(context.Context, string, ...customauth.Op) ([]customauth.Found, error) {
	return nil, errors.New("the table is gone")
}

type hangingStore struct{ customauth.Store }

func (hangingStore) Update(ctx context.Context, _ string, _ ...customauth.Op) ([]customauth.Found, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A dyingStore answers a few calls.
type dyingStore struct {
	customauth.Store
	calls atomic.Int64
}

func (s *dyingStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	if s.calls.Add(-1) < 0 {
		return nil, errors.New("the table is gone")
	}
	return s.Store.Update(ctx, key, ops...)
}

// A shortStore answers less than it was asked.
type shortStore struct{ customauth.Store }

func (shortStore) Update(context.Context, string, ...customauth.Op) ([]customauth.Found, error) {
	return nil, nil
}

func newGuard(t testing.TB, o smsguard.Options) *smsguard.Guard {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	guard, err := smsguard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func refusal(err error) *smsguard.Refusal {
	r, _ := errors.AsType[*smsguard.Refusal](err)
	return r
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
