package texts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/language"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/sms"
	"github.com/cyber-eternal/customauth/texts"
)

// issue is a message of OTP with these texts.
func issue(t *testing.T, otp customauth.OTP, locale string) customauth.Message {
	t.Helper()
	otp.Text = texts.Write
	is, err := otp.Issue(t.Context(), customauth.Request{
		Locale: locale,
		Attributes: map[string]customauth.Secret{
			"phone_number": customauth.Hide("+12065550100"), "email": customauth.Hide("jane@example.org"),
			"name": customauth.Hide("Eve<script>"), "locale": customauth.Hide(locale),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return is.Message
}

func write(t *testing.T, medium, locale string, valid time.Duration) customauth.Message {
	t.Helper()
	m, err := texts.Write(t.Context(), customauth.Request{}, customauth.Message{
		To:      customauth.Destination{Medium: medium, Address: customauth.Hide("+12065550100")},
		Code:    customauth.Hide("246813"),
		Locale:  locale,
		Expires: time.Now().Add(valid),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sentences are the texts of SMS for 1, 2, 3, 5 and 10 minutes, written by hand.
var sentences = map[string][5]string{
	"en":      {"246813 is your code. It is valid for 1 minute. Do not share it.", "2 minutes", "3 minutes", "5 minutes", "10 minutes"},
	"ar":      {"رمزك 246813 (دقيقة)", "دقيقتان", "3 دقائق", "5 دقائق", "10 دقائق"},
	"bn":      {"কোড 246813 (1 মিনিট)", "2 মিনিট", "3 মিনিট", "5 মিনিট", "10 মিনিট"},
	"bg":      {"Код 246813 (1 минута)", "2 минути", "3 минути", "5 минути", "10 минути"},
	"ca":      {"246813 és el teu codi. Caduca en 1 minut. No el comparteixis.", "2 minuts", "3 minuts", "5 minuts", "10 minuts"},
	"cs":      {"Kód 246813 (1 minuta)", "2 minuty", "3 minuty", "5 minut", "10 minut"},
	"da":      {"246813 er din kode. Den gælder i 1 minut. Del den ikke med andre.", "2 minutter", "3 minutter", "5 minutter", "10 minutter"},
	"de":      {"246813 ist Ihr Code. Er gilt 1 Minute. Geben Sie ihn nicht weiter.", "2 Minuten", "3 Minuten", "5 Minuten", "10 Minuten"},
	"el":      {"PIN 246813 (1 λεπτό)", "2 λεπτά", "3 λεπτά", "5 λεπτά", "10 λεπτά"},
	"es":      {"Tu clave es 246813. Vence en 1 minuto. No la compartas.", "2 minutos", "3 minutos", "5 minutos", "10 minutos"},
	"et":      {"246813 on teie kood. See kehtib 1 minut. Ärge jagage seda kellegagi.", "2 minutit", "3 minutit", "5 minutit", "10 minutit"},
	"fa":      {"کد 246813 (1 دقیقه)", "2 دقیقه", "3 دقیقه", "5 دقیقه", "10 دقیقه"},
	"fi":      {"246813 on koodisi. Se on voimassa 1 minuutin. Älä jaa sitä muille.", "2 minuuttia", "3 minuuttia", "5 minuuttia", "10 minuuttia"},
	"fil":     {"246813 ang iyong code. Magagamit ito sa loob ng 1 minuto. Huwag itong ibahagi.", "2 minuto", "3 minuto", "5 minuto", "10 minuto"},
	"fr":      {"246813 est votre code. Il expire dans 1 minute. Ne le communiquez pas.", "2 minutes", "3 minutes", "5 minutes", "10 minutes"},
	"he":      {"הקוד 246813 (דקה)", "שתי דקות", "3 דקות", "5 דקות", "10 דקות"},
	"hi":      {"कोड 246813 (1 मिनट)", "2 मिनट", "3 मिनट", "5 मिनट", "10 मिनट"},
	"hr":      {"Kod: 246813. Vrijedi 1 minutu. Nemojte ga dijeliti ni s kim.", "2 minute", "3 minute", "5 minuta", "10 minuta"},
	"hu":      {"Kód: 246813 (1 perc)", "2 perc", "3 perc", "5 perc", "10 perc"},
	"id":      {"246813 adalah kode Anda. Berlaku selama 1 menit. Jangan bagikan kepada siapa pun.", "2 menit", "3 menit", "5 menit", "10 menit"},
	"it":      {"246813 è il tuo codice. Scade tra 1 minuto. Non condividerlo.", "2 minuti", "3 minuti", "5 minuti", "10 minuti"},
	"ja":      {"確認コード246813(1分間有効)", "2分間", "3分間", "5分間", "10分間"},
	"ko":      {"인증번호 246813 (1분 유효)", "2분", "3분", "5분", "10분"},
	"ms":      {"246813 ialah kod anda. Sah selama 1 minit. Jangan kongsi kod ini.", "2 minit", "3 minit", "5 minit", "10 minit"},
	"nb":      {"246813 er koden din. Den gjelder i 1 minutt. Ikke del den med noen.", "2 minutter", "3 minutter", "5 minutter", "10 minutter"},
	"nl":      {"246813 is je code. Deze is 1 minuut geldig. Deel de code met niemand.", "2 minuten", "3 minuten", "5 minuten", "10 minuten"},
	"pl":      {"Kod: 246813. Czas na wpisanie: 1 minuta. Nie podawaj go nikomu.", "2 minuty", "3 minuty", "5 minut", "10 minut"},
	"pt-BR":   {"Use 246813 para entrar. Expira em 1 minuto. Nunca compartilhe.", "2 minutos", "3 minutos", "5 minutos", "10 minutos"},
	"pt-PT":   {"Use 246813 para entrar. Expira em 1 minuto. Nunca partilhe.", "2 minutos", "3 minutos", "5 minutos", "10 minutos"},
	"ro":      {"Cod: 246813. Valabil 1 minut. Nu-l divulga.", "2 minute", "3 minute", "5 minute", "10 minute"},
	"ru":      {"Код 246813 (1 минута)", "2 минуты", "3 минуты", "5 минут", "10 минут"},
	"sk":      {"Kód 246813 (1 minúta)", "2 minúty", "3 minúty", "5 minút", "10 minút"},
	"sl":      {"Koda: 246813. Velja 1 minuto. Ne zaupajte je nikomur.", "2 minuti", "3 minute", "5 minut", "10 minut"},
	"sv":      {"246813 är din kod. Den gäller i 1 minut. Dela den inte med någon.", "2 minuter", "3 minuter", "5 minuter", "10 minuter"},
	"th":      {"รหัส 246813 (1 นาที)", "2 นาที", "3 นาที", "5 นาที", "10 นาที"},
	"tr":      {"Kodunuz: 246813. Süre: 1 dakika. Kimseye vermeyin.", "2 dakika", "3 dakika", "5 dakika", "10 dakika"},
	"uk":      {"Код 246813 (1 хвилина)", "2 хвилини", "3 хвилини", "5 хвилин", "10 хвилин"},
	"ur":      {"کوڈ 246813 (1 منٹ)", "2 منٹ", "3 منٹ", "5 منٹ", "10 منٹ"},
	"vi":      {"Mã 246813 (1 phút)", "2 phút", "3 phút", "5 phút", "10 phút"},
	"zh-Hans": {"验证码246813，1分钟内有效", "2分钟", "3分钟", "5分钟", "10分钟"},
	"zh-Hant": {"驗證碼246813，1分鐘內有效", "2分鐘", "3分鐘", "5分鐘", "10分鐘"},
}

// TestLanguages: in each language the text of SMS says the time in the right form and
// fits into one part, and e-mail and voice have what they need.
func TestLanguages(t *testing.T) {
	if n := len(texts.Languages()); n < 25 || n != len(sentences) {
		t.Errorf("%d languages, and %d with a test", n, len(sentences))
	}
	for _, tag := range texts.Languages() {
		t.Run(tag.String(), func(t *testing.T) {
			want, ok := sentences[tag.String()]
			if !ok {
				t.Fatal("the language has no test")
			}
			for i, n := range []int{1, 2, 3, 5, 10} {
				m := write(t, "SMS", tag.String(), time.Duration(n)*time.Minute)
				got := m.Text.Reveal()
				if i == 0 {
					if diff := cmp.Diff(want[0], got); diff != "" {
						t.Errorf("SMS (-want +got):\n%s", diff)
					}
				} else if !strings.Contains(got, want[i]) {
					t.Errorf("%d minutes: %q, want %q in it", n, got, want[i])
				}
				if mail := write(t, "EMAIL", tag.String(), time.Duration(n)*time.Minute).Text.Reveal(); i > 0 && !strings.Contains(mail, want[i]) {
					t.Errorf("%d minutes: %q, want %q in it", n, mail, want[i])
				}
				if m.Locale != tag.String() {
					t.Errorf("Locale is %q", m.Locale)
				}
			}
			for n := 1; n <= 10; n++ { // OTP.TTL is 10 minutes at most
				otp := customauth.OTP{
					Generator: customauth.Digits(10), WebOTPDomain: "login.accounts.example-shop.com"[:30], TTL: time.Duration(n) * time.Minute,
				}
				got := issue(t, otp, tag.String()).Text.Reveal()
				if parts := sms.Parts(got); parts != 1 {
					t.Errorf("%d minutes: %d parts: %q", n, parts, got)
				}
				if lines := strings.Split(got, "\n"); len(lines) != 2 || !strings.HasPrefix(lines[1], "@login.accounts.example-shop.c") {
					t.Errorf("no WebOTP line: %q", got)
				}
			}
			mail := write(t, "EMAIL", tag.String(), 3*time.Minute)
			if strings.Count(mail.Text.Reveal(), "246813") != 1 || strings.Count(mail.Text.Reveal(), "\n\n") != 2 {
				t.Errorf("e-mail %q", mail.Text.Reveal())
			}
			if s := mail.Subject.Reveal(); s == "" || len([]rune(s)) > 50 || strings.Contains(s, "\n") || strings.Contains(s, "246813") {
				t.Errorf("subject %q", s)
			}
			voice := write(t, "VOICE", tag.String(), 3*time.Minute)
			if strings.Count(voice.Text.Reveal(), "246813") != 1 {
				t.Errorf("voice %q", voice.Text.Reveal())
			}
			for _, m := range []customauth.Message{write(t, "SMS", tag.String(), 3*time.Minute), mail, voice} {
				all := m.Subject.Reveal() + m.Text.Reveal()
				if at := strings.IndexFunc(all, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }); at >= 0 {
					t.Errorf("a control character in %q", all)
				}
				if strings.ContainsAny(all, "{}") {
					t.Errorf("a placeholder in %q", all)
				}
			}
		})
	}
}

// TestMatch: the nearest language, under the name that a voice is found by.
func TestMatch(t *testing.T) {
	tests := []struct{ locale, sms, voice string }{
		{"", "en", "en"},
		{"de", "de", "de"},
		{"de_AT", "de-AT", "de-AT"},
		{"DE-ch", "de-CH", "de-CH"},
		{"en-GB", "en-GB", "en-GB"},
		{"gsw", "de", "de"},
		{"nb-NO", "nb-NO", "nb-NO"},
		{"no", "nb", "nb"},
		{"nn", "nb", "nb"},
		{"pt", "pt-BR", "pt-BR"},
		{"pt-AO", "pt-PT", "pt-PT"},
		{"es-419", "es-419", "es-419"},
		{"zh", "zh-Hans", "zh-Hans"},
		{"zh-TW", "zh-Hant", "zh-Hant"},
		{"zh_HK", "zh-Hant", "zh-Hant"},
		{"tl", "fil", "en"},
		{"iw", "he", "en"},
		{"hi-IN", "hi-IN", "en"}, // no voice of Amazon's speaks Hindi
		{"ar-EG", "ar-EG", "ar-EG"},
		{"xx", "en", "en"},
		{"tlh", "en", "en"},
		{"\"><script>", "en", "en"},
		{"\u202ede", "en", "en"},
		{"de-" + strings.Repeat("x", 1000), "en", "en"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.locale), func(t *testing.T) {
			got := []string{write(t, "SMS", tt.locale, time.Minute).Locale, write(t, "VOICE", tt.locale, time.Minute).Locale}
			if diff := cmp.Diff([]string{tt.sms, tt.voice}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMinutes: never more than there is, but for the moment that writing takes.
func TestMinutes(t *testing.T) {
	for left, want := range map[time.Duration]string{
		3 * time.Minute: "3 minutes", 3*time.Minute - time.Second: "3 minutes", 3*time.Minute - 10*time.Second: "2 minutes",
		90 * time.Second: "1 minute", 30 * time.Second: "1 minute", 0: "1 minute", -time.Hour: "1 minute", 21 * time.Minute: "21 minutes",
	} {
		t.Run(left.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := write(t, "SMS", "en", left).Text.Reveal(); !strings.Contains(got, "for "+want+".") {
					t.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
	for n, want := range map[int]string{1: "минута", 2: "минуты", 5: "минут", 11: "минут", 21: "минута", 22: "минуты", 25: "минут"} {
		if got := write(t, "SMS", "ru", time.Duration(n)*time.Minute).Text.Reveal(); !strings.Contains(got, fmt.Sprintf("(%d %s)", n, want)) {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{1: "minut", 19: "19 minute.", 20: "20 de minute.", 101: "101 minute."} {
		if got := write(t, "SMS", "ro", time.Duration(n)*time.Minute).Text.Reveal(); !strings.Contains(got, want) {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// Whatever the attributes are, a message is one of those that there are.
func FuzzWrite(f *testing.F) {
	f.Add("de", "SMS")
	f.Add("\u202ear\x00", "EMAIL")
	f.Add("hi_IN", "VOICE")
	f.Fuzz(func(t *testing.T, locale, medium string) {
		m := write(t, medium, locale, 3*time.Minute)
		tag, err := language.Parse(m.Locale)
		if err != nil || len(m.Locale) > 8 {
			t.Fatalf("Locale is %q: %v", m.Locale, err)
		}
		base, _ := tag.Base()
		if !slices.ContainsFunc(texts.Languages(), func(l language.Tag) bool { b, _ := l.Base(); return b == base }) {
			t.Errorf("Locale is %q", m.Locale)
		}
		if n := len(m.Text.Reveal()); n < 10 || n > 1000 || strings.Count(m.Text.Reveal(), "246813") != 1 {
			t.Errorf("text %q", m.Text.Reveal())
		}
	})
}

var _ func(context.Context, customauth.Request, customauth.Message) (customauth.Message, error) = texts.Write
