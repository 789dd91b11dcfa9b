package cognitotest

// This file is the attributes that users can have, and what their values may be.

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Attribute declares an attribute of a pool's users. Standard attributes are
// there without that, and can be declared to be required.
type Attribute struct {
	// Name, "custom:plan" for example, or that of a standard attribute.
	Name string

	// Type is "String", "Number", "Boolean" or "DateTime". Default String.
	Type string

	// Immutable attributes are set when the user is made, and then stay.
	Immutable bool

	// Required attributes are standard ones that every sign-up must have.
	Required bool

	// Min and Max bound a Number's value and a String's length. Empty: no bound,
	// but 2,048 characters for a String.
	Min, Max string
}

// standardAttributes are those of OpenID Connect that every pool has (developer
// guide, "Working with user attributes").
var standardAttributes = strings.Fields(`address birthdate email email_verified family_name gender
	given_name locale middle_name name nickname phone_number phone_number_verified picture
	preferred_username profile updated_at website zoneinfo`)

// A schema is the attributes of a pool.
type schema struct {
	attributes map[string]Attribute
	open       bool // custom attributes need no declaration
}

func newSchema(declared []Attribute) (*schema, error) {
	s := &schema{attributes: make(map[string]Attribute), open: len(declared) == 0}
	for _, name := range standardAttributes {
		kind := "String"
		if strings.HasSuffix(name, "_verified") {
			kind = "Boolean"
		}
		s.attributes[name] = Attribute{Name: name, Type: kind}
	}
	for _, a := range declared {
		if err := s.declare(a); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *schema) declare(a Attribute) error {
	a.Type = cmp.Or(a.Type, "String")
	isCustom := strings.HasPrefix(a.Name, "custom:")
	_, known := s.attributes[a.Name]
	switch {
	case !known && !isCustom:
		return fmt.Errorf("cognitotest: Schema: %q is no standard attribute, and does not begin with \"custom:\"", a.Name)
	case known && isCustom:
		return fmt.Errorf("cognitotest: Schema: two attributes %q", a.Name)
	case isCustom && len(a.Name) > len("custom:")+20:
		return fmt.Errorf("cognitotest: Schema: %q: want 20 characters after custom: at most", a.Name)
	case isCustom && a.Required:
		return fmt.Errorf("cognitotest: Schema: %q: a custom attribute cannot be required", a.Name)
	case !slices.Contains([]string{"String", "Number", "Boolean", "DateTime"}, a.Type):
		return fmt.Errorf("cognitotest: Schema: %q: Type is %q: want String, Number, Boolean or DateTime", a.Name, a.Type)
	}
	for _, bound := range []string{a.Min, a.Max} {
		if _, err := strconv.Atoi(bound); bound != "" && err != nil {
			return fmt.Errorf("cognitotest: Schema: %q: Min and Max are whole numbers, not %q", a.Name, bound)
		}
	}
	s.attributes[a.Name] = a
	return nil
}

// with returns the schema with more attributes; the receiver stays as it is.
func (s *schema) with(more []Attribute) (*schema, error) {
	grown := &schema{maps.Clone(s.attributes), false}
	for _, a := range more {
		if err := grown.declare(a); err != nil {
			return nil, err
		}
	}
	return grown, nil
}

// of returns the attribute with this name, or nil.
func (s *schema) of(name string) *Attribute {
	if a, ok := s.attributes[name]; ok {
		return &a
	}
	if s.open && strings.HasPrefix(name, "custom:") {
		return &Attribute{Name: name, Type: "String"}
	}
	return nil
}

// check checks names and values.
func (s *schema) check(attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		a := s.of(name)
		if a == nil {
			return errSchema("Type for attribute {%s} could not be determined", clip(name)) // (observed)
		}
		if utf8.RuneCountInString(name) > 32 || utf8.RuneCountInString(value) > 2048 {
			return errSchema("%.32s: String must be no longer than 2048 characters", name)
		}
		if value == "" {
			continue
		}
		if err := a.check(value); err != nil {
			return err
		}
		if form := attributeForms[name]; form != nil && !form.MatchString(value) {
			return errForm(name)
		}
	}
	return nil
}

func errSchema(format string, args ...any) error { // (observed)
	return errParameter("Attributes did not conform to the schema: "+format, args...)
}

func (a *Attribute) check(value string) error {
	least, errLeast := strconv.Atoi(a.Min)
	most, errMost := strconv.Atoi(a.Max)
	switch a.Type {
	case "String":
		n := utf8.RuneCountInString(value)
		if errLeast == nil && n < least {
			return errSchema("%s: String must be longer than %d characters", a.Name, least)
		}
		if errMost == nil && n > most {
			return errSchema("%s: String must be no longer than %d characters", a.Name, most)
		}
	case "Number":
		n, err := strconv.Atoi(value)
		if err != nil {
			return errSchema("%s: Attribute value is not a number", a.Name)
		}
		if errLeast == nil && n < least || errMost == nil && n > most {
			return errSchema("%s: Number must be between %s and %s", a.Name, a.Min, a.Max)
		}
	case "Boolean":
		if !isTrue(value) && !strings.EqualFold(value, "false") {
			return errParameter("Attribute value for %s must be of boolean type", a.Name)
		}
	}
	return nil
}

var attributeForms = map[string]*regexp.Regexp{
	"phone_number": regexp.MustCompile(`^\+[0-9]{4,15}$`),
	"email":        regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`),
}

func errForm(name string) error { // (observed)
	if name == "email" {
		return errParameter("Invalid email address format.")
	}
	return errParameter("Invalid phone number format.")
}

// required checks that a new user has what every user must have.
func (s *schema) required(attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(s.attributes)) {
		if s.attributes[name].Required && attributes[name] == "" {
			return errSchema("%s: The attribute is required", name) // (observed)
		}
	}
	return nil
}

// mutable checks that a change leaves alone what cannot change.
func (s *schema) mutable(changes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if a := s.of(name); a != nil && a.Immutable {
			return errParameter("user.%s: Attribute cannot be updated.", name) // (observed)
		}
	}
	return nil
}
