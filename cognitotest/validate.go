package cognitotest

// This file checks requests by the service's model, before an operation sees
// them, and tells every violation as the service does.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// valueShown is how long a value may be that is shown in an error. The service
// shows any; here a longer one is cut.
const valueShown = 4096

// checkRequest checks the body of a request. It returns the body with those
// members alone that the operation has, so that what comes after it reads names
// as exactly as the service does.
func checkRequest(operation string, body []byte) ([]byte, error) {
	input, ok := model().inputs[operation]
	if !ok { // an operation without a model would be a mistake of this package
		return body, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var request map[string]any
	if err := d.Decode(&request); err != nil || request == nil {
		return nil, errSerialization("the request is not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errSerialization("something follows the JSON object of the request")
	}

	var v validation
	v.value("", input, request)
	switch {
	case v.broken != "":
		return nil, errSerialization(v.broken)
	case len(v.violations) == 1:
		return nil, errParameter("1 validation error detected: %s", v.violations[0])
	case len(v.violations) > 1:
		return nil, errParameter("%d validation errors detected: %s", len(v.violations), strings.Join(v.violations, "; "))
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, errSerialization(err.Error())
	}
	return body, nil
}

func errSerialization(text string) error {
	return failure("SerializationException", "%s", text)
}

// A validation collects what is wrong with one request.
type validation struct {
	violations []string
	broken     string // a value of another kind: the service reads no further
}

// violate tells a violation: the value, unless it is sensitive, where it is, and
// the constraint.
func (v *validation) violate(path string, sensitive bool, value any, constraint string) {
	shown := ""
	switch {
	case sensitive:
	case value == nil:
		shown = " null"
	default:
		shown = " '" + shorten(java(value)) + "'"
	}
	v.violations = append(v.violations, fmt.Sprintf("Value%s at '%s' failed to satisfy constraint: %s", shown, path, constraint))
}

func shorten(s string) string {
	if len(s) <= valueShown {
		return s
	}
	return strings.ToValidUTF8(s[:256], "") + "..."
}

// value checks a value against its shape.
func (v *validation) value(path, name string, value any) {
	s := model().shapes[name]
	switch s.kind {
	case "structure":
		object, ok := value.(map[string]any)
		if !ok {
			v.wrongKind(value, "a structure")
			return
		}
		v.structure(path, s, object)
	case "list":
		list, ok := value.([]any)
		if !ok {
			v.wrongKind(value, "a list")
			return
		}
		v.length(path, s, value, len(list))
		v.list(path, s, list)
	case "map":
		object, ok := value.(map[string]any)
		if !ok {
			v.wrongKind(value, "a map")
			return
		}
		v.mapping(path, s, object)
	case "integer", "long", "boolean", "string", "enum":
		if !s.holds(value) {
			v.wrongKind(value, s.noun())
			return
		}
		for _, constraint := range s.violated(value) {
			v.violate(path, s.sensitive, value, constraint)
		}
	}
}

// structure checks the members in the model's order, and takes away those that
// it does not have. A null is no member.
func (v *validation) structure(path string, s *shape, object map[string]any) {
	for name, value := range object {
		if value == nil || !slices.ContainsFunc(s.members, func(m member) bool { return m.name == name }) {
			delete(object, name)
		}
	}
	for _, m := range s.members {
		at := join(path, lowerFirst(m.name))
		value, ok := object[m.name]
		switch {
		case ok:
			v.value(at, m.shape, value)
		case m.required:
			v.violate(at, model().shapes[m.shape].sensitive, nil, "Member must not be null")
		}
	}
}

// list checks the entries. What is wrong with one that is no structure is told
// of the list.
func (v *validation) list(path string, s *shape, list []any) {
	entry := model().shapes[s.entry]
	if entry.isScalar() {
		wrong := false
		for _, value := range list {
			if value != nil && !entry.holds(value) {
				v.wrongKind(value, entry.noun())
				return
			}
			wrong = wrong || value == nil || len(entry.violated(value)) > 0
		}
		if wrong {
			v.violate(path, s.sensitive || entry.sensitive, list, "Member must satisfy constraint: "+entry.constraints())
		}
		return
	}
	for i, value := range list {
		at := join(path, strconv.Itoa(i+1)+".member")
		if value == nil {
			v.violate(at, entry.sensitive, nil, "Member must not be null")
			continue
		}
		v.value(at, s.entry, value)
	}
}

// mapping checks keys and values. A null is no entry.
func (v *validation) mapping(path string, s *shape, object map[string]any) {
	maps.DeleteFunc(object, func(_ string, value any) bool { return value == nil })
	key, entry := model().shapes[s.key], model().shapes[s.entry]
	if !entry.isScalar() {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			v.value(join(path, name), s.entry, object[name])
		}
		return
	}
	wrongKey, wrongValue := false, false
	for name, value := range object {
		if !entry.holds(value) {
			v.wrongKind(value, entry.noun())
			return
		}
		wrongKey = wrongKey || len(key.violated(name)) > 0
		wrongValue = wrongValue || len(entry.violated(value)) > 0
	}
	if wrongKey {
		v.violate(path, s.sensitive || key.sensitive, object, "Map keys must satisfy constraint: "+key.constraints())
	}
	if wrongValue {
		v.violate(path, s.sensitive || entry.sensitive, object, "Map value must satisfy constraint: "+entry.constraints())
	}
}

func (v *validation) length(path string, s *shape, value any, n int) {
	for _, constraint := range s.outside(n, "length") {
		v.violate(path, s.sensitive, value, constraint)
	}
}

// wrongKind ends the reading of the request.
func (v *validation) wrongKind(value any, want string) {
	if v.broken != "" {
		return
	}
	kind := ""
	switch value := value.(type) {
	case map[string]any:
		kind = "a structure"
	case []any:
		kind = "a list"
	case json.Number:
		kind = "the number " + value.String()
	case string:
		kind = "a text"
	default:
		kind = fmt.Sprint(value)
	}
	v.broken = "cognitotest: found " + shorten(kind) + ", want " + want
}

func (s *shape) isScalar() bool {
	return s.kind != "structure" && s.kind != "list" && s.kind != "map"
}

func (s *shape) noun() string {
	switch s.kind {
	case "boolean":
		return "true or false"
	case "integer", "long":
		return "a whole number"
	default:
		return "a text"
	}
}

// holds reports whether a value is of the kind that the shape is.
func (s *shape) holds(value any) bool {
	switch s.kind {
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "integer", "long":
		_, ok := whole(value)
		return ok
	default:
		_, ok := value.(string)
		return ok
	}
}

func whole(value any) (int, bool) {
	number, _ := value.(json.Number)
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, false
	}
	return int(n), true
}

// violated returns the constraints that a value of the right kind violates.
func (s *shape) violated(value any) []string {
	switch s.kind {
	case "enum":
		if !slices.Contains(s.enum, value.(string)) {
			return []string{s.enumText()}
		}
	case "string":
		var list []string
		text := value.(string)
		if s.pattern != "" && !s.match().MatchString(text) {
			list = append(list, s.patternText())
		}
		return append(list, s.outside(utf8.RuneCountInString(text), "length")...)
	case "integer", "long":
		n, _ := whole(value)
		return s.outside(n, "value")
	}
	return nil
}

// outside returns the bounds that n is beyond. what is "length" or "value".
func (s *shape) outside(n int, what string) []string {
	switch {
	case s.max != nil && n > *s.max:
		return []string{s.maxText(what)}
	case s.min != nil && n < *s.min:
		return []string{s.minText(what)}
	}
	return nil
}

// constraints are all of the shape's, in brackets: what the service says of an
// entry in a list.
func (s *shape) constraints() string {
	what := "length"
	if s.kind == "integer" || s.kind == "long" {
		what = "value"
	}
	var list []string
	if s.max != nil {
		list = append(list, s.maxText(what))
	}
	if s.min != nil {
		list = append(list, s.minText(what))
	}
	if s.pattern != "" {
		list = append(list, s.patternText())
	}
	if s.enum != nil {
		list = append(list, s.enumText())
	}
	if list == nil {
		list = []string{"Member must not be null"}
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (s *shape) maxText(what string) string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", what, *s.max)
}

func (s *shape) minText(what string) string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", what, *s.min)
}

func (s *shape) patternText() string {
	return "Member must satisfy regular expression pattern: " + s.pattern
}

func (s *shape) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.enum, ", ") + "]"
}

// java writes a value as the service does: [a, b] for a list, {k=v} for a map.
func java(value any) string {
	switch value := value.(type) {
	case []any:
		parts := make([]string, len(value))
		for i, e := range value {
			parts[i] = java(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, k+"="+java(value[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case nil:
		return "null"
	default:
		return fmt.Sprint(value)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// lowerFirst is how errors write the name of a member: userPoolId.
func lowerFirst(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[size:]
}
