package passkey_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/passkey"
)

// golden is a record of the first release, and goldenKey the key of its passkey:
// passkeys are used for years, and every later release must take this one.
const (
	golden = `{"id":"lakdiUa2Yi8aDu1B+8bLTc+q3ZBn3AaACyRDWc+8gFw=","key":"pQECAyYgASFYIHLs1ObQfykflJewsOMKbVOprxKkB254` +
		`UFsSAIJrfZoEIlggcPhirD4YzGI9JzD5WpjKGdcqa2bt1oph93Xvy+XhyVA=","name":"phone","created":1795552625}`
	goldenKey = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz0RVP0QxxvedH5FBt4CBxQ6lCBXvS7O+Kw5rsM+wWdah" +
		"RANCAARy7NTm0H8pH5SXsLDjCm1Tqa8SpAdueFBbEgCCa32aBHD4Yqw+GMxiPScw+VqYyhnXKmtm7daKYfd178vl4clQ"
)

func TestGolden(t *testing.T) {
	p := party(t, credential.NewMemoryStore())
	_, err := p.Credentials.Put(t.Context(), alice, passkey.Kind, credential.Record{ID: "x", Data: customauth.Hide(golden)})
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	id, err := base64.StdEncoding.DecodeString("lakdiUa2Yi8aDu1B+8bLTc+q3ZBn3AaACyRDWc+8gFw=")
	if err != nil {
		t.Fatal(err)
	}
	a := &authenticator{key: key.(*ecdsa.PrivateKey), id: id, handle: alice.Hash("passkey user handle")}
	r, options := begin(t, p, alice, "1")
	if !check(t, p, r, a.get(t, options)) {
		t.Error("the passkey is refused")
	}
	if list, err := p.List(t.Context(), alice); err != nil || len(list) != 1 || list[0].Name != "phone" || list[0].Created.Unix() != 1795552625 {
		t.Errorf("listed %+v, %v", list, err)
	}
}
