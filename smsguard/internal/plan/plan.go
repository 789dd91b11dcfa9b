// Package plan knows the numbering plans of the world: which country a telephone
// number belongs to, and of what kind it is.
//
// It answers as the library phonenumbers does, Google's libphonenumber for Go,
// from a table that the module smsguard/gen made of the library's metadata. The
// table is read where it lies in the program: nothing is loaded, nothing is
// allocated.
package plan

//go:generate go run -C ../../gen .

// A Kind is what a number is for. The names are those of libphonenumber.
type Kind byte

// The kinds of numbers. The table holds them as numbers: whoever changes their
// order runs go generate.
const (
	NoCountry         Kind = iota // no calling code, or no number of any of its countries
	NotNormal                     // another spelling of a number, with a national prefix left in
	Unassigned                    // its country has no such number
	FixedLine                     // for certain
	Mobile                        // for certain
	FixedLineOrMobile             // nobody can tell, as in the US
	TollFree                      // the called pays
	Premium                       // the caller pays more
	SharedCost                    // both pay
	VoIP                          // telephony over the internet
	Personal                      // follows a person from line to line
	Pager                         // shows texts, and has no voice
	UAN                           // a company's number, the same everywhere
	Voicemail                     // of somebody else's line
)

var names = [...]string{
	"no country", "not normal", "unassigned", "fixed line", "mobile", "fixed line or mobile", "toll-free",
	"premium rate", "shared cost", "VoIP", "personal", "pager", "UAN", "voicemail",
}

// String is the name of a kind, such as "toll-free".
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// World is the country of numbers that belong to none: satellite phones,
// international networks and services.
const World = "001"

// Lookup finds the country of a number, as ISO 3166-1 alpha-2 code or [World], and
// its kind. The number is a plus and 7 to 15 digits (E.164). With NoCountry and
// NotNormal there is no country.
func Lookup(number string) (country string, kind Kind) {
	if len(number) < 1+7 || len(number) > 1+15 || number[0] != '+' || number[1] == '0' {
		return "", NoCountry
	}
	code := 0
	for i := 1; i <= 3; i++ {
		digit := number[i] - '0'
		if digit > 9 {
			return "", NoCountry
		}
		code = 10*code + int(digit)
		// No calling code begins with another one.
		if entry := word(code); entry != 0 {
			return inCode(entry, number[i+1:])
		}
	}
	return "", NoCountry
}

// inCode looks at the national part of a number.
func inCode(entry int, national string) (string, Kind) {
	node, first, count := word(entry), word(entry+1), word(entry+2)
	for i := range len(national) {
		digit := national[i] - '0'
		if digit > 9 {
			return "", NoCountry
		}
		if node != 0 {
			node = next(node, digit)
		}
	}
	which, kind := outcome(node)
	if kind == NoCountry && count == 1 {
		kind = Unassigned // whose it is needs no digit
	}
	if kind == NoCountry || kind == NotNormal {
		return "", kind
	}
	country := countries()[2*(first+which):][:2]
	if country == "01" {
		return World, kind
	}
	return country, kind
}

// IsCountry reports whether any number could belong to this country.
func IsCountry(code string) bool {
	if len(code) != 2 || code == "01" {
		return false
	}
	for list := countries(); list != ""; list = list[2:] {
		if list[:2] == code {
			return true
		}
	}
	return false
}
