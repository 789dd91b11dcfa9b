package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// Numbers as people write them where they live, typed into the page, and what is sent.
func TestNationalFormats(t *testing.T) {
	s := startSite(t, setup{})
	p := open(t, s.url, desktop)
	p.see("start")
	countries := make(map[string]bool)
	for _, line := range strings.Split(strings.TrimSpace(nationalFormats), "\n") {
		part := strings.Split(line, "|")
		country, typed, want := part[0], part[1], part[2]
		countries[country] = true
		t.Run(country+" "+typed, func(t *testing.T) {
			p := p.in(t)
			before := len(s.since(0))
			s.failSignUp("InvalidParameterException", "no account is made here") // the page stays where it is
			value[bool](p, `(() => { const s = document.getElementById("start-country"); s.value = `+quote(country)+`; s.dispatchEvent(new Event("change")); return true })()`)
			p.typeIn("#start-phone", "\b") // the backspace key: the field is empty
			if _, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: typed}); err != nil {
				t.Fatal(err)
			}
			p.keys("\r")
			for end := time.Now().Add(patience); len(s.since(before)) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if said := value[string](p, `document.querySelector("#start .error").textContent`); strings.HasPrefix(said, "This number is too") || strings.HasPrefix(said, "There is no such") {
					t.Fatalf("the page says %q", said)
				}
			}
			p.see("start")
			if diff := cmp.Diff([]string{"SignUp " + want}, s.since(before)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
	if len(countries) < 60 {
		t.Errorf("%d countries, want 60", len(countries))
	}
}

// country | as it is written there | as it is sent
const nationalFormats = `
US|(206) 555-0100|+12065550100
CA|416-555-0123|+14165550123
DO|(809) 234-5678|+18092345678
JM|1 876 210 1234|+18762101234
MX|55 1234 5678|+525512345678
GT|5123 4567|+50251234567
CR|8312-3456|+50683123456
CO|321 1234567|+573211234567
VE|0412-1234567|+584121234567
EC|099 123 4567|+593991234567
PE|912 345 678|+51912345678
BO|71234567|+59171234567
BR|(11) 96123-4567|+5511961234567
PY|0961 456789|+595961456789
UY|094 231 234|+59894231234
AR|011 15-2345-6789|+5491123456789
CL|(2) 2123 4567|+56221234567
GB|07400 123456|+447400123456
GB|020 7946 0018|+442079460018
IE|085 012 3456|+353850123456
FR|06 12 34 56 78|+33612345678
FR|06.12.34.56.78|+33612345678
BE|0470/12.34.56|+32470123456
NL|06-12345678|+31612345678
LU|628 123 456|+352628123456
DE|01512 3456789|+4915123456789
DE|030/123456|+4930123456
AT|0664 1234567|+436641234567
CH|078 123 45 67|+41781234567
LI|660 234 567|+423660234567
IT|312 345 6789|+393123456789
IT|06 1234 5678|+390612345678
ES|612 34 56 78|+34612345678
PT|912 345 678|+351912345678
DK|32 12 34 56|+4532123456
SE|070-123 45 67|+46701234567
NO|406 12 345|+4740612345
FI|041 2345678|+358412345678
IS|611 1234|+3546111234
PL|512 345 678|+48512345678
CZ|601 123 456|+420601123456
SK|0912 123 456|+421912123456
HU|06 20 123 4567|+36201234567
RO|0712 034 567|+40712034567
BG|087 123 4567|+359871234567
GR|691 234 5678|+306912345678
HR|092 123 4567|+385921234567
RS|060 1234567|+381601234567
SI|031 234 567|+38631234567
EE|5123 4567|+37251234567
LV|21 234 567|+37121234567
LT|8 612 34567|+37061234567
UA|050 123 4567|+380501234567
BY|8 029 491-19-11|+375294911911
RU|8 (912) 345-67-89|+79123456789
KZ|8 (771) 000 9998|+77710009998
TR|0501 234 56 78|+905012345678
IL|050-234-5678|+972502345678
AE|050 123 4567|+971501234567
SA|٠٥١ ٢٣٤ ٥٦٧٨|+966512345678
QA|3312 3456|+97433123456
KW|500 12345|+96550012345
JO|07 9012 3456|+962790123456
IR|۰۹۱۲ ۳۴۵ ۶۷۸۹|+989123456789
EG|٠١٠٠ ١٢٣ ٤٥٦٧|+201001234567
MA|0650-123456|+212650123456
DZ|0551 23 45 67|+213551234567
TN|20 123 456|+21620123456
NG|0802 123 4567|+2348021234567
KE|0712 123456|+254712123456
GH|023 123 4567|+233231234567
ZA|071 123 4567|+27711234567
ET|091 123 4567|+251911234567
TZ|0621 234 567|+255621234567
IN|081234 56789|+918123456789
PK|0301 2345678|+923012345678
BD|01812-345678|+8801812345678
LK|071 234 5678|+94712345678
NP|९८४-१२३४५६७|+9779841234567
CN|131 2345 6789|+8613123456789
HK|5123 4567|+85251234567
TW|0912 345 678|+886912345678
JP|０９０-１２３４-５６７８|+819012345678
KR|010-2000-0000|+821020000000
SG|8123 4567|+6581234567
MY|012-345 6789|+60123456789
TH|081 234 5678|+66812345678
VN|091 234 56 78|+84912345678
ID|0812-345-678|+62812345678
PH|(0905) 123-4567|+639051234567
AU|0412 345 678|+61412345678
NZ|021 123 4567|+64211234567
`
