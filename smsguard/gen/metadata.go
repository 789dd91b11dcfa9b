package main

// This file reads the metadata of the phone library.

import (
	"fmt"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// A country is what the numbering plan says of one of the countries of a calling
// code.
type country struct {
	id string // ISO 3166-1 alpha-2, or "001" for none
	*phonenumbers.PhoneMetadata
}

// A callingCode is a calling code and its countries. The first is the main one:
// numbers in the international form are read and written by its rules.
type callingCode struct {
	code      int
	countries []country
}

// callingCodes are all there are, in ascending order.
func callingCodes() ([]callingCode, error) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, err
	}
	find := func(code int, id string) (country, error) {
		for _, m := range all.GetMetadata() {
			if m.GetId() == id && int(m.GetCountryCode()) == code {
				return country{id, m}, nil
			}
		}
		return country{}, fmt.Errorf("no metadata of %s with calling code %d", id, code)
	}
	var codes []callingCode
	for code := range phonenumbers.GetSupportedCallingCodes() {
		c := callingCode{code: code}
		for _, id := range phonenumbers.GetRegionCodesForCountryCode(code) {
			found, err := find(code, id)
			if err != nil {
				return nil, err
			}
			c.countries = append(c.countries, found)
		}
		codes = append(codes, c)
	}
	slices.SortFunc(codes, func(a, b callingCode) int { return a.code - b.code })
	return codes, nil
}
