package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/event"
)

// FuzzParse holds Parse against encoding/json: it accepts no more, and reads the
// same where both read.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/events/*.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		``, `{}`, ` {"response":null} `, `{"request":{"session":[null,{"challengeName":"SRP_A","challengeResult":true}]}}`,
		`{"userName":"\ud83d\ude00\ud83d\u0041\n\/\"","request":{"challengeAnswer":7,"clientMetadata":{"a":null,"b":1}}}`,
		"{\"userName\":\"\xff\u2028\"}", `{"x":[1,-0.5e+9,true,false,null,[[]]]}`, `{"a":1,}`, `{"userName":"a","userName":"b"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := event.Parse(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		out, err := c.Respond(data, []event.Member{{Name: "answerCorrect", Value: []byte("true")}})
		if err != nil {
			t.Fatalf("cannot answer %q: %v", data, err)
		}
		var answered struct {
			Response struct {
				AnswerCorrect *bool `json:"answerCorrect"`
			} `json:"response"`
		}
		if err := json.Unmarshal(out, &answered); err != nil || answered.Response.AnswerCorrect == nil {
			t.Fatalf("answer %q to %q: %v", out, data, err)
		}
		if ambiguous(data) {
			return
		}
		var v events.CognitoEventUserPoolsVerifyAuthChallenge
		if json.Unmarshal(data, &v) == nil {
			answer, _ := v.Request.ChallengeAnswer.(string)
			if diff := cmp.Diff([]any{v.UserPoolID, v.UserName, v.TriggerSource, v.CallerContext.ClientID, v.Request.UserNotFound, answer},
				[]any{c.Pool, c.User, c.Source, c.Client, c.UserNotFound, c.Answer}); diff != "" {
				t.Errorf("%q (-encoding/json +Parse):\n%s", data, diff)
			}
			for k, got := range c.Private {
				if v.Request.PrivateChallengeParameters[k] != got {
					t.Errorf("%q: private parameter %q differs", data, k)
				}
			}
		}
		var d events.CognitoEventUserPoolsDefineAuthChallenge
		if json.Unmarshal(data, &d) == nil {
			if len(d.Request.Session) != len(c.Session) {
				t.Fatalf("%q: %d entries, not %d", data, len(c.Session), len(d.Request.Session))
			}
			for i, s := range d.Request.Session {
				var want event.Entry
				if s != nil {
					want = event.Entry{Name: s.ChallengeName, Result: s.ChallengeResult, Metadata: s.ChallengeMetadata}
				}
				if diff := cmp.Diff(want, c.Session[i]); diff != "" {
					t.Errorf("%q, entry %d (-encoding/json +Parse):\n%s", data, i, diff)
				}
			}
		}
	})
}

// ambiguous says that encoding/json reads a document in ways that Parse does not:
// keys in another case, or twice.
func ambiguous(data []byte) bool {
	d := json.NewDecoder(strings.NewReader(string(data)))
	known := strings.Fields("triggerSource userPoolId userName callerContext clientId request response userAttributes challengeName session clientMetadata userNotFound privateChallengeParameters challengeAnswer challengeResult challengeMetadata")
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		s, ok := token.(string)
		for _, k := range known {
			if ok && strings.EqualFold(s, k) && s != k {
				return true
			}
		}
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     event.Call
		bad      bool
	}{
		{"all fields", `{"triggerSource":"S","userPoolId":"P","userName":"U","callerContext":{"clientId":"C","x":1},
			"request":{"userAttributes":{"a":"b","n":null,"i":7},"challengeName":"N","clientMetadata":{"k":"v"},"userNotFound":true,
			"session":[{"challengeName":"A","challengeResult":true,"challengeMetadata":"M"},null],
			"privateChallengeParameters":{"p":"q"},"challengeAnswer":"1\u0032"}}`,
			event.Call{Source: "S", Pool: "P", Client: "C", User: "U", ChallengeName: "N", UserNotFound: true,
				Attributes: map[string]string{"a": "b", "i": "7"}, Metadata: map[string]string{"k": "v"},
				Session: []event.Entry{{Name: "A", Result: true, Metadata: "M"}, {}},
				Private: map[string]string{"p": "q"}, Answer: "12", AnswerIsText: true}, false},
		{"nulls", `{"userName":null,"callerContext":null,"request":{"userAttributes":null,"session":null,"clientMetadata":null,"userNotFound":null,"challengeAnswer":null}}`, event.Call{}, false},
		{"answer is a number", `{"request":{"challengeAnswer":123456}}`, event.Call{}, false},
		{"answer is an object", `{"request":{"challengeAnswer":{"a":"123456"}}}`, event.Call{}, false},
		{"surrogates", `{"userName":"\ud83d\ude00 \ud83d \ude00"}`, event.Call{User: "😀 \ufffd \ufffd"}, false},
		{"empty", ``, event.Call{}, true},
		{"array", `[]`, event.Call{}, true},
		{"null", `null`, event.Call{}, true},
		{"two documents", `{}{}`, event.Call{}, true},
		{"trailing comma", `{"a":1,}`, event.Call{}, true},
		{"no comma", `{"a":1 "b":2}`, event.Call{}, true},
		{"leading zero", `{"a":01}`, event.Call{}, true},
		{"bad number", `{"a":1.}`, event.Call{}, true},
		{"bad exponent", `{"a":1e}`, event.Call{}, true},
		{"bad word", `{"a":nul}`, event.Call{}, true},
		{"bad escape", `{"a":"\x"}`, event.Call{}, true},
		{"short escape", `{"a":"\u00"}`, event.Call{}, true},
		{"escape at the end", `{"a":"\`, event.Call{}, true},
		{"control character", "{\"a\":\"\n\"}", event.Call{}, true},
		{"no end", `{"a":"`, event.Call{}, true},
		{"wrong type of a name", `{"userName":1}`, event.Call{}, true},
		{"wrong type of a flag", `{"request":{"userNotFound":"true"}}`, event.Call{}, true},
		{"wrong type of an entry", `{"request":{"session":[1]}}`, event.Call{}, true},
		{"wrong type of a result", `{"request":{"session":[{"challengeResult":"true"}]}}`, event.Call{}, true},
		{"a member twice", `{"userName":"a","userName":"b"}`, event.Call{}, true},
		{"a request member twice", `{"request":{"userNotFound":true,"userNotFound":false}}`, event.Call{}, true},
		{"nested deeply", strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100), event.Call{}, true},
		{"arrays nested deeply", `{"a":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`, event.Call{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := event.Parse([]byte(tt.in))
			if (err != nil) != tt.bad {
				t.Fatalf("error %v, want one: %v", err, tt.bad)
			}
			if tt.bad {
				return
			}
			if diff := cmp.Diff(&tt.want, got, cmp.FilterPath(func(p cmp.Path) bool {
				name := p.Last().String()
				return name == ".text" || name == ".response" || name == ".end" || name == ".empty"
			}, cmp.Ignore()), cmp.AllowUnexported(event.Call{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRespond(t *testing.T) {
	members := []event.Member{{Name: "a", Value: []byte(`"x"`)}}
	tests := []struct{ name, in, want string }{
		{"none", `{"x":1}`, `{"x":1,"response":{"a":"x"}}`},
		{"empty document", ` { } `, ` { "response":{"a":"x"}} `},
		{"null", `{"response":null}`, `{"response":{"a":"x"}}`},
		{"replaced", `{"response":{"a":null},"y":2}`, `{"response":{"a":"x"},"y":2}`},
		{"others kept", `{"response": {"b": [1 , 2], "a":1} }`, `{"response": {"a":"x","b":[1 , 2]} }`},
		{"no object", `{"response":7}`, `{"response":{"a":"x"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := event.Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Respond([]byte(tt.in), members)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzAppendString: what is written is read back by encoding/json.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\x00\x1f\n", "é😀\u2028", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(event.AppendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && len([]rune(s)) == len([]rune(got)) == false {
			t.Errorf("got %q, want %q", got, want)
		}
		b := event.AppendParams(nil, map[string]string{s: s, "x": s})
		if !json.Valid(b) {
			t.Errorf("%q is no JSON", b)
		}
	})
}
