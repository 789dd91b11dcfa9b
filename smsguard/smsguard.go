// Package smsguard keeps an attacker from having thousands of texts sent at your
// cost (SMS pumping, toll fraud): somebody who earns money with every text to
// certain numbers lets a script ask for codes that nobody will ever answer.
//
// A [Guard] looks at a number before a code is sent to it: is its country served,
// is it a number that people have, and are codes to its country answered? What
// pumping cannot do is answer. So every country has a budget of texts; a text
// takes one from it, and a code that was answered gives back more than its own. A
// country where people sign in never runs out, one that is pumped closes itself,
// and numbers that answered a code lately pass even then.
//
// The README derives how many texts an attack gets at most, and says how to pick
// the numbers.
package smsguard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

// Options say where texts may go, and how many. A Store and a choice of countries
// are required; the rest has defaults.
type Options struct {
	// Store counts. It must be one that all functions and instances share, such
	// as the module dynamodbstore: with customauth.NewMemoryStore, every instance
	// on Lambda has budgets of its own.
	Store customauth.Store

	// Allow are the countries that are served, as ISO 3166-1 alpha-2 codes
	// ("GB"). Countries that share a calling code are told apart: +1 is US, CA
	// and two dozen islands, some of them well known to pumpers.
	Allow []string

	// Deny are countries that are not served, whatever Allow says. With Deny
	// alone, all others are.
	Deny []string

	// InsecureAllCountries serves the whole world. Without it, Allow or Deny is
	// required: a list of the countries where your users are is the best
	// protection there is.
	InsecureAllCountries bool

	// AllowFixedLine also serves numbers that are fixed lines for certain. Few of
	// them take texts. Numbers of which nobody can tell, as in the US, are always
	// served.
	AllowFixedLine bool

	// AllowVoIP also serves ranges that are set aside for telephony over the
	// internet, as Britain's 056, France's 09 and Japan's 050. They are rented
	// cheaply and in bulk, and few of them take texts. Where a country has no
	// ranges for them, as the US, nobody can tell, and they are served.
	AllowVoIP bool

	// Country is the budget of each country: texts to numbers that did not answer
	// a code lately. Default 30 an hour and 100 a day.
	Country Budget

	// Countries are budgets of single countries, instead of Country.
	Countries map[string]Budget

	// Range is the budget of each 10,000 numbers, those that differ in their last
	// four digits. Pumpers often own whole ranges; this one closes first and
	// leaves the country open. Default 10 an hour and 20 a day.
	Range Budget

	// Total is the budget of the whole pool. Default 300 an hour and 1,000 a day. It is
	// counted only if the budgets of the countries in Allow are more together: by
	// default, from the 11th country on.
	Total Budget

	// GiveBack is how many texts a code gives back to the three budgets when it
	// is answered, its own included. Default 2: a country stays open as long as
	// half of its codes are answered. With 1, what was not answered is never
	// forgiven before its time is over. At most 10.
	GiveBack int

	// Returning is how long a number that answered a code is known. It then
	// passes closed budgets and takes nothing from open ones. Default 30 days,
	// from a day to 31 days.
	Returning time.Duration

	// RecordOnly decides, counts, logs and reports as ever, and refuses nothing.
	RecordOnly bool

	// InsecureAllowOnStoreFailure lets a text go when the Store does not answer.
	// Whoever can make it fail then sends without end. By default such a text is
	// refused.
	InsecureAllowOnStoreFailure bool

	// Logger gets a line for what the package customauth does not log: refusals
	// of SignUp, refusals that were only recorded, and failures of the Store. No
	// line holds a number. Default slog.Default().
	Logger *slog.Logger

	// Report, if set, is told of every refusal, recorded ones included. It is
	// called concurrently, before the answer: it should be quick.
	Report func(context.Context, Report)
}

// A Budget is how many texts may go out in any hour and in any 24 hours.
type Budget struct {
	Hour, Day int
}

// The defaults let a small service work at once. Whoever has more traffic raises
// them by the README's rule.
var (
	defaultCountry = Budget{Hour: 30, Day: 100}
	defaultRange   = Budget{Hour: 10, Day: 20}
	defaultTotal   = Budget{Hour: 300, Day: 1000}
)

const (
	defaultGiveBack  = 2
	defaultReturning = 30 * 24 * time.Hour

	// patience is how long the Store may take for one decision. Cognito waits 5 s
	// for a trigger, and the text is still to be sent.
	patience = time.Second
)

// A Reason is why a text was refused. The values are stable, fit for metrics.
type Reason string

// Why a text is refused. The first five are said of a number, the others pass.
const (
	Malformed     Reason = "malformed_number"  // not E.164, or not in its one normal form
	Unassigned    Reason = "unassigned_number" // no number of its country's plan
	Premium       Reason = "premium_number"    // premium rate or shared cost, the exchange 976 included
	Kind          Reason = "number_kind"       // toll-free, personal, pager, voicemail …, fixed lines and VoIP
	CountryDenied Reason = "country_denied"    // not in Allow, in Deny, or of no country (satellites, networks)
	RangeClosed   Reason = "range_closed"      // the Range budget is used up
	CountryClosed Reason = "country_closed"    // the Country budget is used up
	TotalClosed   Reason = "total_closed"      // the Total budget is used up
	StoreFailed   Reason = "store_failed"      // the Store did not answer
)

// A Refusal is the error of [Guard.Allow]. It names no number.
type Refusal struct {
	Reason  Reason
	Country string // of the number; "" where it has none
	Err     error  // what the Store said, with StoreFailed
}

// Error is the reason and the country, such as "smsguard: country_closed JM".
func (r *Refusal) Error() string {
	text := "smsguard: " + string(r.Reason)
	if r.Country != "" {
		text += " " + r.Country
	}
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

// A Report is one refusal as Options.Report sees it.
type Report struct {
	Refusal
	Refused  bool // false if the text went out all the same: RecordOnly, InsecureAllowOnStoreFailure
	SignUp   bool // a sign-up was refused, not a text
	PoolID   string
	ClientID string
}

// A Guard implements customauth.Guard: put it into Options.Guard. It is safe for
// concurrent use. Guards with the same Options and Store share their budgets.
type Guard struct {
	o     Options
	rules rules
	total bool // Total can be used up before the countries are

	lookFirst atomic.Bool // a number that Cognito has as not verified did answer
}

var _ customauth.Guard = (*Guard)(nil)

// New checks the options and returns a Guard.
func New(o Options) (*Guard, error) {
	rules, err := newRules(o)
	if err != nil {
		return nil, err
	}
	if o.Store == nil {
		return nil, errors.New("smsguard: Store is required: one that all instances share, such as dynamodbstore")
	}
	o.Country = cmp.Or(o.Country, defaultCountry)
	o.Range = cmp.Or(o.Range, defaultRange)
	o.Total = cmp.Or(o.Total, defaultTotal)
	o.GiveBack = cmp.Or(o.GiveBack, defaultGiveBack)
	o.Returning = cmp.Or(o.Returning, defaultReturning)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.Countries = maps.Clone(o.Countries)

	budgets := map[string]Budget{"Country": o.Country, "Range": o.Range, "Total": o.Total}
	for country, b := range o.Countries {
		if err := known(country); err != nil {
			return nil, fmt.Errorf("smsguard: Countries: %w", err)
		}
		budgets["Countries, "+country] = b
	}
	for _, name := range slices.Sorted(maps.Keys(budgets)) {
		if b := budgets[name]; b.Hour < 1 || b.Day < b.Hour {
			return nil, fmt.Errorf("smsguard: %s: a budget needs Hour from 1 and Day from Hour, not %d and %d", name, b.Hour, b.Day)
		}
	}
	if o.GiveBack < 1 || o.GiveBack > 10 {
		return nil, fmt.Errorf("smsguard: GiveBack must be from 1 to 10, not %d", o.GiveBack)
	}
	if o.Returning < 24*time.Hour || o.Returning > 31*24*time.Hour {
		return nil, fmt.Errorf("smsguard: Returning must be from 24h to 744h, not %v", o.Returning)
	}
	return &Guard{o: o, rules: rules, total: totalBinds(o)}, nil
}

// Allow decides about a text, and takes it from the budgets if it may go. Its
// error is a [*Refusal], which customauth puts into the log and into Event.Err. A
// call ("VOICE") is decided about, and counted, like a text: it is paid for in the
// same way. Other media pass.
//
// It asks the Store once for a number that answered a code lately, else about the
// number, its range, its country and, if need be, the total: at once where the number
// is the user's phone_number and Cognito has it as not verified, and else about the
// number first. It waits for one second in all.
func (g *Guard) Allow(ctx context.Context, r customauth.Request, to customauth.Destination) error {
	if !isPhone(to.Medium) {
		return nil
	}
	country, refusal := g.rules.judge(to.Address.Reveal())
	if refusal == nil {
		refusal = g.take(ctx, r, to.Address.Reveal(), country)
	}
	if refusal == nil {
		return nil
	}
	report := Report{Refusal: *refusal, PoolID: r.PoolID, ClientID: r.ClientID}
	report.Refused = !g.o.RecordOnly && !(refusal.Reason == StoreFailed && g.o.InsecureAllowOnStoreFailure)
	g.tell(ctx, report)
	if !report.Refused {
		return nil
	}
	return refusal
}

func isPhone(medium string) bool { return medium == "SMS" || medium == "VOICE" }

// Verified tells the budgets that a code was answered, once for each number in
// the time of Returning, so that nobody earns texts by answering one code after
// the other. A failure of the Store is logged; the budgets then stay too full,
// which is the safe side.
func (g *Guard) Verified(ctx context.Context, r customauth.Request, to customauth.Destination) {
	if !isPhone(to.Medium) {
		return
	}
	country, refusal := g.rules.judge(to.Address.Reveal())
	if refusal != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := g.giveBack(ctx, r, to.Address.Reveal(), country); err != nil {
		g.o.Logger.WarnContext(ctx, "smsguard: an answered code was not counted", "country", country, "error", err)
	}
}

// SignUp is a hook for presignup.New: a number that no text would go to cannot
// even register. It knows countries and kinds of numbers, no budgets. It judges
// PreSignUp_SignUp alone and lets users without a phone_number in. The text of
// its refusal, which is public, does not say why.
func (g *Guard) SignUp(ctx context.Context, e events.CognitoEventUserPoolsPreSignup) error {
	number := e.Request.UserAttributes["phone_number"]
	if e.TriggerSource != "PreSignUp_SignUp" || number == "" {
		return nil
	}
	_, refusal := g.rules.judge(number)
	if refusal == nil {
		return nil
	}
	g.tell(ctx, Report{
		Refusal: *refusal, Refused: !g.o.RecordOnly, SignUp: true,
		PoolID: e.UserPoolID, ClientID: e.CallerContext.ClientID,
	})
	if g.o.RecordOnly {
		return nil
	}
	return presignup.Refusal("this phone number cannot be used")
}

// Reopen empties a country's budget, for an operator who knows that an attack is
// over. Ranges stay as they are.
func (g *Guard) Reopen(ctx context.Context, poolID, country string) error {
	if err := known(country); err != nil {
		return fmt.Errorf("smsguard: reopen: %w", err)
	}
	b := g.country(poolID, country)
	if _, err := g.ask(ctx, b.key, b.op(customauth.Reset, 1)); err != nil {
		return fmt.Errorf("smsguard: reopen: %w", err)
	}
	return nil
}

// tell lets the operator know of a refusal.
func (g *Guard) tell(ctx context.Context, r Report) {
	if !r.Refused || r.SignUp {
		attrs := []any{"reason", string(r.Reason), "country", r.Country, "refused", r.Refused, "sign_up", r.SignUp}
		if r.Err != nil {
			attrs = append(attrs, "error", r.Err)
		}
		g.o.Logger.WarnContext(ctx, "smsguard: refusal", attrs...)
	}
	if g.o.Report != nil {
		g.o.Report(ctx, r)
	}
}
