package totp_test

import (
	"crypto/fips140"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/totp"
)

// golden is a record of the first release: apps are used for years, and every later
// release must take their codes.
const golden = `{"secret":"WBKHZ37LLDQYZFWS7C2DKFT26ODXVBAG","algorithm":"SHA1","digits":6,"name":"phone","created":1795552619}`

func TestGolden(t *testing.T) {
	if fips140.Enforced() {
		t.Skip("no SHA-1")
	}
	c := codes(t, credential.NewMemoryStore())
	_, err := c.Credentials.Put(t.Context(), alice, totp.Kind, credential.Record{ID: "x", Data: customauth.Hide(golden)})
	if err != nil {
		t.Fatal(err)
	}
	if !check(t, c, request(alice, "1"), code(t, customauth.Hide("WBKHZ37LLDQYZFWS7C2DKFT26ODXVBAG"), time.Now(), "SHA1", 6)) {
		t.Error("the app's code is refused")
	}
	if list, err := c.List(t.Context(), alice); err != nil || len(list) != 1 || list[0].Name != "phone" || list[0].Created.Unix() != 1795552619 {
		t.Errorf("listed %+v, %v", list, err)
	}
}
