package main

// This file lists the example numbers of the metadata, and what the library says
// of them: for tests that do without the library.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cyber-eternal/customauth/smsguard/internal/plan"
	"github.com/nyaruka/phonenumbers"
)

// An example is an example number of the metadata.
type example struct {
	e164     string
	national string
	code     int
	country  country
}

// examples are those of each country and each of its kinds.
func examples(codes []callingCode) (all []example) {
	for _, code := range codes {
		for _, c := range code.countries {
			for _, d := range []*phonenumbers.PhoneNumberDesc{
				c.GetGeneralDesc(), c.GetFixedLine(), c.GetMobile(), c.GetTollFree(), c.GetPremiumRate(), c.GetSharedCost(),
				c.GetPersonalNumber(), c.GetVoip(), c.GetPager(), c.GetUan(), c.GetVoicemail(),
			} {
				if national := d.GetExampleNumber(); national != "" {
					all = append(all, example{fmt.Sprintf("+%d%s", code.code, national), national, code.code, c})
				}
			}
		}
	}
	return all
}

// listExamples is one line for each, such as "+447400123456 GB mobile".
func listExamples(codes []callingCode) string {
	var lines []string
	for _, e := range examples(codes) {
		if len(e.e164) < 1+shortest || len(e.e164) > 1+longest {
			continue
		}
		country, kind := library(e.e164)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %v", e.e164, country, kind))+"\n")
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "")
}

// library is what the library says of a number, in the words of package plan.
func library(number string) (country string, kind plan.Kind) {
	n, err := phonenumbers.Parse(number, "ZZ")
	if err != nil {
		return "", plan.NoCountry
	}
	if phonenumbers.Format(n, phonenumbers.E164) != number {
		return "", plan.NotNormal
	}
	country = phonenumbers.GetRegionCodeForNumber(n)
	if country == "" {
		return "", plan.NoCountry
	}
	return country, kinds[phonenumbers.GetNumberType(n)]
}

var kinds = map[phonenumbers.PhoneNumberType]plan.Kind{
	phonenumbers.FIXED_LINE:           plan.FixedLine,
	phonenumbers.MOBILE:               plan.Mobile,
	phonenumbers.FIXED_LINE_OR_MOBILE: plan.FixedLineOrMobile,
	phonenumbers.TOLL_FREE:            plan.TollFree,
	phonenumbers.PREMIUM_RATE:         plan.Premium,
	phonenumbers.SHARED_COST:          plan.SharedCost,
	phonenumbers.VOIP:                 plan.VoIP,
	phonenumbers.PERSONAL_NUMBER:      plan.Personal,
	phonenumbers.PAGER:                plan.Pager,
	phonenumbers.UAN:                  plan.UAN,
	phonenumbers.VOICEMAIL:            plan.Voicemail,
	phonenumbers.UNKNOWN:              plan.Unassigned,
}
