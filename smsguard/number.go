package smsguard

// This file judges numbers: what country one belongs to, and whether it is one
// that a person has.

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/nyaruka/phonenumbers"
)

// e164 is ITU-T E.164, as strictly as the package customauth has it. The parser
// below would also take spaces, letters, extensions and RFC 3966 parameters.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// rules are the part of Options that needs no Store.
type rules struct {
	allow, deny map[string]bool // nil allow: all
	fixedLine   bool
}

func newRules(o Options) (rules, error) {
	if len(o.Allow) == 0 && len(o.Deny) == 0 && !o.InsecureAllCountries {
		return rules{}, errors.New("smsguard: name the countries that are served in Allow, or those that are not in Deny (see InsecureAllCountries)")
	}
	if len(o.Allow) > 0 && o.InsecureAllCountries {
		return rules{}, errors.New("smsguard: Allow and InsecureAllCountries contradict each other")
	}
	r := rules{fixedLine: o.AllowFixedLine}
	var err error
	if r.allow, err = set("Allow", o.Allow); err != nil {
		return rules{}, err
	}
	if r.deny, err = set("Deny", o.Deny); err != nil {
		return rules{}, err
	}
	r.judge("+12065550100") // loads the numbering plans, while CPU is free
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
	if len(country) != 2 || !phonenumbers.GetSupportedRegions()[country] {
		return fmt.Errorf("%q is not the code of a country, such as \"GB\"", country)
	}
	return nil
}

// judge finds the country of a number, and why it is not served, if it is not.
//
// A number must be in its one normal form: +4407911123456 reaches the same phone
// as +447911123456, and whoever could use both would have every limit twice.
func (r rules) judge(number string) (country string, no *Refusal) {
	if !e164.MatchString(number) {
		return "", &Refusal{Reason: Malformed}
	}
	n, err := phonenumbers.Parse(number, "ZZ")
	if err != nil {
		return "", &Refusal{Reason: Unassigned}
	}
	if phonenumbers.Format(n, phonenumbers.E164) != number {
		return "", &Refusal{Reason: Malformed}
	}
	country = phonenumbers.GetRegionCodeForNumber(n)
	if country == "" {
		return "", &Refusal{Reason: Unassigned}
	}
	// "001" is what belongs to no country: satellite phones, international
	// networks and premium services.
	if country == "001" || r.deny[country] || r.allow != nil && !r.allow[country] {
		return country, &Refusal{Reason: CountryDenied, Country: country}
	}
	if reason := r.kind(phonenumbers.GetNumberType(n)); reason != "" {
		return country, &Refusal{Reason: reason, Country: country}
	}
	return country, nil
}

// kind is why numbers of this type are not served. A type that is added later is
// refused.
func (r rules) kind(t phonenumbers.PhoneNumberType) Reason {
	switch t {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.VOIP:
		return ""
	case phonenumbers.FIXED_LINE:
		if r.fixedLine {
			return ""
		}
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return Premium
	case phonenumbers.UNKNOWN:
		return Unassigned
	}
	return Kind
}
