package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cyber-eternal/customauth/internal/event"
)

// values reach each branch of the scanner.
var values = []string{
	`null`, `true`, `false`, `0`, `-0`, `10`, `-1.5`, `0.25e+10`, `9E-9`, `1e5`,
	`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\u0041"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00x"`, `"\ud83d\u0041"`, `"é😀"`, "\"\x7f\"",
	`[]`, `[ ]`, `[1]`, `[1,"a" , null]`, `[[],{}]`, `{}`, `{ }`, `{"a":1}`, `{"a":[{"b":null}],"c":"d"}`, " \t\n\r1 ",
}

// TestSyntax: each value with any one byte changed, put in or left out is JSON, or is
// none, as encoding/json says.
func TestSyntax(t *testing.T) {
	check := func(value string) {
		t.Helper()
		doc := `{"x":` + value + `,"y":0}`
		_, err := event.Parse([]byte(doc))
		if want := json.Valid([]byte(doc)); (err == nil) != want {
			t.Fatalf("%q: %v, want valid: %t", doc, err, want)
		}
	}
	bytes := "\x00\x1f !\"+,-./0159:;@AEFGZ[\\]^_`abefgnrtuz{|}\x7f\x80\xff"
	for _, v := range values {
		check(v)
		for i := range len(v) + 1 {
			check(v[:i])
			for _, b := range []byte(bytes) {
				check(v[:i] + string([]byte{b}) + v[i:])
				if i < len(v) {
					check(v[:i] + string([]byte{b}) + v[i+1:])
				}
			}
			if i < len(v) {
				check(v[:i] + v[i+1:])
			}
		}
	}
}

// TestStrings: strings are what encoding/json reads, with any byte of them changed.
func TestStrings(t *testing.T) {
	for _, v := range values {
		for i := range len(v) {
			for _, b := range []byte("0aFu\\d\x80\xe9 ") {
				text := v[:i] + string([]byte{b}) + v[i+1:]
				var want string
				if !strings.HasPrefix(text, `"`) || json.Unmarshal([]byte(text), &want) != nil {
					continue
				}
				c, err := event.Parse([]byte(`{"userName":` + text + `}`))
				if err != nil || c.User != want {
					t.Fatalf("%q is %q (%v), want %q", text, c.User, err, want)
				}
			}
		}
	}
}

// TestAppendStringBounds: all of Unicode, and bytes that are none, can be read back.
func TestAppendStringBounds(t *testing.T) {
	check := func(s string) {
		t.Helper()
		var got string
		b := event.AppendString(nil, s)
		if err := json.Unmarshal(b, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q became %q: %v", s, b, err)
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r < 0x3000 || r%97 == 0 || r > 0xd700 && r < 0xe100 || r > 0xff00 && r < 0x10100 {
			check("a" + string(r) + "b")
		}
	}
	for b := 0x80; b < 0x100; b++ {
		check("a" + string([]byte{byte(b)}) + "b")
		check(string([]byte{byte(b)}))
	}
	if got := string(event.AppendString(nil, "\x1f \x7f\ufffd")); got != "\"\\u001f \x7f\ufffd\"" {
		t.Errorf("got %s", got)
	}
}

// TestDepth: 64 levels are read, one more is refused, and levels side by side are none.
func TestDepth(t *testing.T) {
	nested := func(open, end string, n int) string { return strings.Repeat(open, n) + "0" + strings.Repeat(end, n) }
	for name, tt := range map[string]struct {
		value string
		want  bool
	}{
		"64 arrays":          {nested("[", "]", 63), true},
		"65 arrays":          {nested("[", "]", 64), false},
		"64 objects":         {nested(`{"a":`, "}", 63), true},
		"65 objects":         {nested(`{"a":`, "}", 64), false},
		"arrays in a row":    {"[" + strings.Repeat("[],", 100) + "[]]", true},
		"objects in a row":   {"[" + strings.Repeat(`{"a":{}},`, 100) + "{}]", true},
		"deep, side by side": {"[" + nested("[", "]", 62) + "," + nested("[", "]", 62) + "]", true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := event.Parse([]byte(`{"x":` + tt.value + `}`)); (err == nil) != tt.want {
				t.Errorf("got %v, want it read: %t", err, tt.want)
			}
		})
	}
}

// TestKnownMembers: each member that the handlers need has its type, or is null, and is
// there once.
func TestKnownMembers(t *testing.T) {
	const text, texts, boolean, list, any = "text", "texts", "boolean", "list", "any"
	members := map[string]string{
		`{"triggerSource":%s}`: text, `{"userPoolId":%s}`: text, `{"userName":%s}`: text, `{"callerContext":%s}`: texts,
		`{"callerContext":{"clientId":%s}}`: text, `{"request":%s}`: texts, `{"response":%s}`: any,
		`{"request":{"userAttributes":%s}}`: texts, `{"request":{"challengeName":%s}}`: text, `{"request":{"session":%s}}`: list,
		`{"request":{"clientMetadata":%s}}`: texts, `{"request":{"userNotFound":%s}}`: boolean,
		`{"request":{"privateChallengeParameters":%s}}`: texts, `{"request":{"challengeAnswer":%s}}`: any,
		`{"request":{"session":[{"challengeName":%s}]}}`: text, `{"request":{"session":[{"challengeResult":%s}]}}`: boolean,
		`{"request":{"session":[{"challengeMetadata":%s}]}}`: text,
	}
	samples := map[string]string{text: `"a"`, texts: `{"a":"b"}`, boolean: `true`, list: `[{}, null]`, "number": `1`}
	for format, typ := range members {
		for kind, value := range samples {
			_, err := event.Parse(fmt.Appendf(nil, format, value))
			if want := typ == any || kind == typ; (err == nil) != want {
				t.Errorf(format+": %v, want it read: %t", value, err, want)
			}
		}
		if _, err := event.Parse(fmt.Appendf(nil, format, "null")); err != nil {
			t.Errorf(format+": %v", "null", err)
		}
		value := samples[typ]
		if typ == any {
			value = `"a"`
		}
		open := strings.LastIndex(format, `{"`)
		member := format[open+1 : strings.Index(format, "%s")+2]
		twice := format[:open+1] + fmt.Sprintf(member, value) + "," + format[open+1:]
		if _, err := event.Parse(fmt.Appendf(nil, twice, value)); err == nil {
			t.Errorf(twice+": a member is there twice, and no error", value)
		}
	}
}

// TestParams: the object that AppendParams writes is the map.
func TestParams(t *testing.T) {
	for _, m := range []map[string]string{{}, {"a": "1"}, {"b": "\"", "a": "é", "c": ""}} {
		want, _ := json.Marshal(m) // in the order of the names, too
		if got := string(event.AppendParams(nil, m)); got != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
