package which

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

const key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// What the page says is accepted by the constructor, which asks each step for one
// challenge.
func TestOptions(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up",
		"AWS_ENDPOINT_URL":  "http://127.0.0.1:1", // nobody is there, and nothing is sent
		"CREDENTIALS_TABLE": "credentials", "CREDENTIAL_KEYS": key,
	} {
		t.Setenv(name, value)
	}
	vault, err := newVault()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := customauth.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*customauth.Options, *credential.Vault){
		"sms": sms, "email": email, "link": link, "passkey": passkeys, "totp": app,
		"known": known, "device": deviceStep, "recovery": paperWay,
	} {
		t.Run(name, func(t *testing.T) {
			options := customauth.Options{
				Keys: keys, CounterKey: customauth.Hide("a key that names the counters of a test"), Store: customauth.NewMemoryStore(), Logger: slog.New(slog.DiscardHandler),
			}
			set(&options, vault)
			if _, err := customauth.NewHandler(options, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

const page = "../../../docs/which.md"

// The last column says how many lines the blocks have.
func TestLines(t *testing.T) {
	count := func(name string) string { return fmt.Sprint(strings.Count(cut(t, name), "\n")) }
	want := map[string]string{
		"SMS": count("sms"), "e-mail": count("email"), "link": count("link"), "passkey": count("passkey"), "TOTP": count("totp"),
		"device": count("known") + " or " + count("device"), "recovery code": count("recovery"),
	}
	_, table, _ := strings.Cut(read(t, page), "| lines |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	got := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) > 1 {
			got[cells[0]] = cells[len(cells)-1]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if n := strings.Count(cut(t, "vault"), "\n"); n != 3 {
		t.Errorf("the vault has %d lines; the page says three", n)
	}
}

// cut returns what is between "docs: name" and "end", without its indentation.
func cut(t *testing.T, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, "which.go"), "\t// docs: "+name+"\n")
	block, _, ended := strings.Cut(rest, "\t// end\n")
	if !found || !ended {
		t.Fatalf("which.go has no block %q", name)
	}
	return strings.ReplaceAll("\n"+block, "\n\t", "\n")[1:]
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
