package smsguard_test

// How often the Store is asked, and how often one request waits for another.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/smsguard"
	"github.com/google/go-cmp/cmp"
)

// A slowStore takes 300 ms for each request, and notes what it is about.
type slowStore struct {
	customauth.Store

	mu    sync.Mutex
	asked []string
}

const aRequest = 300 * time.Millisecond

func (s *slowStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	s.mu.Lock()
	about, _, _ := strings.Cut(key, ":")
	s.asked = append(s.asked, about)
	s.mu.Unlock()
	time.Sleep(aRequest)
	return s.Store.Update(ctx, key, ops...)
}

// take is what was asked since the last take, in order of the alphabet.
func (s *slowStore) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, " ")
}

// A number that Cognito has as not verified is asked about together with its budgets.
// Where such a number has answered after all, it is let in, its budgets have their texts
// back, and numbers are asked about first from then on.
func TestStages(t *testing.T) {
	const verified, unverified = "true", "false"
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: customauth.NewMemoryStore()}
		p := newPool(t, smsguard.Options{Allow: []string{"JM"}, Store: store, Country: smsguard.Budget{Hour: 2, Day: 2}})
		for _, step := range []struct {
			name, verified string
			number         int
			asked          string
			stages         int
			why            string
		}{
			{"a new number", unverified, 1, "sms-JM sms-number sms-range", 1, ""},
			{"another, verified elsewhere", verified, 2, "sms-JM sms-number sms-range", 2, ""},
			{"closed", unverified, 3, "sms-JM sms-number sms-range sms-range", 2, "country_closed JM"},
			{"known, though not verified", unverified, 1, "sms-JM sms-number sms-range sms-range", 2, ""},
			{"known", unverified, 1, "sms-number", 1, ""},
			{"closed, again", unverified, 4, "sms-JM sms-number sms-range sms-range", 3, "country_closed JM"},
		} {
			began := time.Now()
			sent, why := p.askFor(t, map[string]string{"phone_number": jamaican(step.number), "phone_number_verified": step.verified})
			stages := int(time.Since(began) / aRequest)
			if diff := cmp.Diff([]any{step.asked, step.stages, step.why}, []any{store.take(), stages, why}); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
			if step.number == 1 {
				p.answer(t, sent)
				if step.name == "a new number" { // take what the answer gave back
					p.ask(t, jamaican(9))
				}
				store.take()
			}
			time.Sleep(time.Minute)
		}
	})
}

// What was asked at once, and taken in vain, is taken back also if the store fails.
func TestStagesAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &blindStore{Store: customauth.NewMemoryStore()}
		p := newPool(t, smsguard.Options{Allow: []string{"JM"}, Store: store, Country: smsguard.Budget{Hour: 1, Day: 1}})
		ask := func(number int) string {
			_, why := p.askFor(t, map[string]string{"phone_number": jamaican(number), "phone_number_verified": "false"})
			return why
		}
		store.blind = true
		if why := ask(1); !strings.HasPrefix(why, "store_failed JM") {
			t.Errorf("reason %q, want store_failed", why)
		}
		store.blind = false
		if why := ask(2); why != "" {
			t.Errorf("reason %q, want none: nothing was sent before", why)
		}
	})
}

// A blindStore cannot look, only count.
type blindStore struct {
	customauth.Store
	blind bool
}

func (s *blindStore) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	if s.blind && ops[0].Verb == customauth.Look {
		return nil, errors.New("the table is gone")
	}
	return s.Store.Update(ctx, key, ops...)
}

// The total is counted only where it could be used up before the countries are.
func TestTotalThatCannotBind(t *testing.T) {
	ten := []string{"AT", "BE", "CH", "DE", "DK", "FR", "GB", "JM", "NL", "SE"}
	for name, test := range map[string]struct {
		options smsguard.Options
		counted bool
	}{
		"one country":                  {smsguard.Options{Allow: []string{"JM"}}, false},
		"ten":                          {smsguard.Options{Allow: ten}, false},
		"ten, one of them twice":       {smsguard.Options{Allow: append(slices.Clone(ten), "JM")}, false},
		"eleven":                       {smsguard.Options{Allow: append(slices.Clone(ten), "LK")}, true},
		"eleven, of which one is not":  {smsguard.Options{Allow: append(slices.Clone(ten), "LK"), Deny: []string{"LK"}}, false},
		"all but one":                  {smsguard.Options{Deny: []string{"LK"}}, true},
		"all":                          {smsguard.Options{InsecureAllCountries: true}, true},
		"a total below the country's":  {smsguard.Options{Allow: []string{"JM"}, Total: smsguard.Budget{Hour: 29, Day: 1000}}, true},
		"in a day":                     {smsguard.Options{Allow: []string{"JM"}, Total: smsguard.Budget{Hour: 30, Day: 99}}, true},
		"a country with more than all": {smsguard.Options{Allow: []string{"JM"}, Countries: map[string]smsguard.Budget{"JM": {Hour: 301, Day: 301}}}, true},
		"one that is not served":       {smsguard.Options{Allow: []string{"JM"}, Countries: map[string]smsguard.Budget{"US": {Hour: 301, Day: 301}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slowStore{Store: customauth.NewMemoryStore()}
				test.options.Store = store
				p := newPool(t, test.options)
				sent, why := p.ask(t, jamaican(1))
				if why != "" {
					t.Fatal(why)
				}
				asked := store.take()
				p.answer(t, sent)
				for _, asked := range []string{asked, store.take()} {
					if counted := strings.Contains(asked, "sms-total"); counted != test.counted {
						t.Errorf("asked about %s; the total is among it: %v, want %v", asked, counted, test.counted)
					}
				}
			})
		})
	}
}
