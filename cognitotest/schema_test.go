package cognitotest_test

// This file tests what attributes and names may be.

import (
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestSchema(t *testing.T) {
	declared := []cognitotest.Attribute{
		{Name: "name", Required: true},
		{Name: "custom:plan", Min: "2", Max: "4"},
		{Name: "custom:age", Type: "Number", Min: "18", Max: "120"},
		{Name: "custom:vip", Type: "Boolean"},
		{Name: "custom:tenant", Immutable: true},
	}
	const schema = "InvalidParameterException: Attributes did not conform to the schema: "
	tests := map[string]struct {
		attributes []string
		want       string
	}{
		"all of them":        {[]string{"name", "A", "custom:plan", "gold", "custom:age", "18", "custom:vip", "True", "custom:tenant", "acme"}, ""},
		"one missing":        {[]string{"custom:plan", "gold"}, schema + "name: The attribute is required"},
		"one too long":       {[]string{"name", "A", "custom:plan", "golden"}, schema + "custom:plan: String must be no longer than 4 characters"},
		"one too short":      {[]string{"name", "A", "custom:plan", "x"}, schema + "custom:plan: String must be longer than 2 characters"},
		"one too small":      {[]string{"name", "A", "custom:age", "17"}, schema + "custom:age: Number must be between 18 and 120"},
		"one too large":      {[]string{"name", "A", "custom:age", "121"}, schema + "custom:age: Number must be between 18 and 120"},
		"no number":          {[]string{"name", "A", "custom:age", "x"}, schema + "custom:age: Attribute value is not a number"},
		"no boolean":         {[]string{"name", "A", "custom:vip", "yes"}, "InvalidParameterException: Attribute value for custom:vip must be of boolean type"},
		"one undeclared":     {[]string{"name", "A", "custom:shoe", "42"}, schema + "Type for attribute {custom:shoe} could not be determined"},
		"not even custom":    {[]string{"name", "A", "shoe", "42"}, schema + "Type for attribute {shoe} could not be determined"},
		"a bad phone number": {[]string{"name", "A", "phone_number", "555"}, "InvalidParameterException: Invalid phone number format."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{Schema: declared, Triggers: every(new(fake))})
			if got := outcome(t, pool, "SignUp", object{"ClientId": clientID, "Username": "bob", "UserAttributes": attributes(tt.attributes...)}); got != tt.want {
				t.Errorf("SignUp: %s, want %s", got, tt.want)
			}
		})
	}

	pool := newPool(t, cognitotest.Config{Schema: declared, Triggers: every(new(fake))})
	if err := pool.AddUser("alice", map[string]string{"name": "A", "custom:tenant": "acme"}); err != nil {
		t.Fatal(err)
	}
	token := signIn(t, pool, "alice")["AccessToken"]
	for _, tt := range []struct {
		operation string
		request   object
		want      string
	}{
		{"UpdateUserAttributes", object{"AccessToken": token, "UserAttributes": attributes("custom:tenant", "other")}, "InvalidParameterException: user.custom:tenant: Attribute cannot be updated."},
		{"AdminDeleteUserAttributes", inPool(object{"Username": "alice", "UserAttributeNames": []string{"custom:tenant"}}), "InvalidParameterException: user.custom:tenant: Attribute cannot be updated."},
		{"DeleteUserAttributes", object{"AccessToken": token, "UserAttributeNames": []string{"name"}}, "InvalidParameterException: cognitotest: name is required and cannot be removed"},
		{"AdminUpdateUserAttributes", inPool(object{"Username": "alice", "UserAttributes": attributes("custom:late", "x")}), schema + "Type for attribute {custom:late} could not be determined"},
		{"AddCustomAttributes", inPool(object{"CustomAttributes": []object{{"Name": "late", "AttributeDataType": "String"}}}), ""},
		{"AddCustomAttributes", inPool(object{"CustomAttributes": []object{{"Name": "late"}}}), `InvalidParameterException: cognitotest: Schema: two attributes "custom:late"`},
		{"AdminUpdateUserAttributes", inPool(object{"Username": "alice", "UserAttributes": attributes("custom:late", "x")}), ""},
	} {
		if got := outcome(t, pool, tt.operation, tt.request); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.operation, got, tt.want)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	for name, a := range map[string]cognitotest.Attribute{
		"not custom":                {Name: "shoe"},
		"a name of 21 characters":   {Name: "custom:" + strings.Repeat("x", 21)},
		"a required custom one":     {Name: "custom:plan", Required: true},
		"another type":              {Name: "custom:plan", Type: "Text"},
		"a bound that is no number": {Name: "custom:plan", Max: "many"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cognitotest.NewPool(cognitotest.Config{Schema: []cognitotest.Attribute{a}}); err == nil || !strings.HasPrefix(err.Error(), "cognitotest: Schema: ") {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// TestCase: names and aliases that differ in case alone.
func TestCase(t *testing.T) {
	for _, sensitive := range []bool{false, true} {
		pool := newPool(t, cognitotest.Config{AliasAttributes: []string{"email"}, CaseSensitive: sensitive, Triggers: every(new(fake))})
		if err := pool.AddUser("Alice", map[string]string{"email": "Alice@example.com", "email_verified": "true"}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"alice", "alice@example.com"} {
			if got := pool.Attributes(name) == nil; got != sensitive {
				t.Errorf("case sensitive %t: %s is not there: %t", sensitive, name, got)
			}
		}
		if err := pool.AddUser("ALICE", nil); (err == nil) != sensitive {
			t.Errorf("case sensitive %t: a second one: %v", sensitive, err)
		}
		if pool.Attributes("Alice@example.com") == nil {
			t.Errorf("case sensitive %t: not there by the address as it is written", sensitive)
		}
	}
}
