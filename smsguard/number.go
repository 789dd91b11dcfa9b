package smsguard

// This file judges numbers: what country one belongs to, and whether it is one
// that a person has.

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
)

// rules are the part of Options that needs no Store.
type rules struct {
	allow, deny map[string]bool // nil allow: all
	fixedLine   bool
	voip        bool
}

func newRules(o Options) (rules, error) {
	if len(o.Allow) == 0 && len(o.Deny) == 0 && !o.InsecureAllCountries {
		return rules{}, errors.New("smsguard: name the countries that are served in Allow, or those that are not in Deny (see InsecureAllCountries)")
	}
	if len(o.Allow) > 0 && o.InsecureAllCountries {
		return rules{}, errors.New("smsguard: Allow and InsecureAllCountries contradict each other")
	}
	r := rules{fixedLine: o.AllowFixedLine, voip: o.AllowVoIP}
	var err error
	if r.allow, err = set("Allow", o.Allow); err != nil {
		return rules{}, err
	}
	if r.deny, err = set("Deny", o.Deny); err != nil {
		return rules{}, err
	}
	return r, nil
}

func set(field string, countries []string) (map[string]bool, error) {
	if len(countries) == 0 {
		return nil, nil
	}
	s := make(map[string]bool, len(countries))
	for _, c := range countries {
		if err := known(c); err != nil {
			return nil, fmt.Errorf("smsguard: %s: %w", field, err)
		}
		s[c] = true
	}
	return s, nil
}

// known reports codes that no number would ever have.
func known(country string) error {
	if !plan.IsCountry(country) {
		return fmt.Errorf("%q is not the code of a country, such as \"GB\"", country)
	}
	return nil
}

// judge finds the country of a number, and why it is not served, if it is not.
//
// A number must be in its one normal form: +4407911123456 reaches the same phone
// as +447911123456, and whoever could use both would have every limit twice.
func (r rules) judge(number string) (country string, no *Refusal) {
	if !isE164(number) {
		return "", &Refusal{Reason: Malformed}
	}
	country, kind := plan.Lookup(number)
	switch kind {
	case plan.NotNormal:
		return "", &Refusal{Reason: Malformed}
	case plan.NoCountry:
		return "", &Refusal{Reason: Unassigned}
	}
	// What belongs to no country is satellite phones, international networks and
	// premium services.
	if country == plan.World || r.deny[country] || r.allow != nil && !r.allow[country] {
		return country, &Refusal{Reason: CountryDenied, Country: country}
	}
	reason := r.kind(kind)
	if reason == "" && isExchange976(number) {
		reason = Premium
	}
	if reason != "" {
		return country, &Refusal{Reason: reason, Country: country}
	}
	return country, nil
}

// kind is why numbers of this kind are not served. A kind that is added later is
// refused.
func (r rules) kind(k plan.Kind) Reason {
	switch k {
	case plan.Mobile, plan.FixedLineOrMobile:
		return ""
	case plan.FixedLine:
		if r.fixedLine {
			return ""
		}
	case plan.VoIP:
		if r.voip {
			return ""
		}
	case plan.Premium, plan.SharedCost:
		return Premium
	case plan.Unassigned:
		return Unassigned
	}
	return Kind
}

// isE164 reports whether this is a number as ITU-T E.164 has it: a plus and 7 to
// 15 digits, the first of which is not 0. The package customauth is as strict.
func isE164(number string) bool {
	if len(number) < 1+7 || len(number) > 1+15 || number[0] != '+' || number[1] == '0' {
		return false
	}
	return strings.Trim(number[1:], "0123456789") == ""
}

// isExchange976 reports numbers in the exchange 976 of an area code of North
// America, such as +1 212 976 …, where callers pay for what they hear. The
// numbering plan takes them for ordinary numbers, so the table does too.
func isExchange976(number string) bool {
	return len(number) == len("+12129760000") && strings.HasPrefix(number, "+1") && number[5:8] == "976"
}
