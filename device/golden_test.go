package device_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
)

// golden is a record of the first release, with its end moved to the year 2100, and
// goldenKey the key of its device: every later release must know it.
const (
	golden = `{"key":"BJ7k/xgMDlpTq3Rm+TU70eqsZ6PT3fk7ZbEiatP36uxInUozZ9Y4Tm+nHC3phKAiPXUiM7ksjo2dFG9BKGsKriA=",` +
		`"name":"laptop","created":1795552615,"renewed":1795552615480189031,"expires":4102444800}`
	goldenKey = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQd9SlOErjDRRllQyHhdLaYea9rnqclsB4jaP8OWZGVWh" +
		"RANCAASe5P8YDA5aU6t0Zvk1O9HqrGej0935O2WxImrT9+rsSJ1KM2fWOE5vpxwt6YSgIj11IjO5LI6NnRRvQShrCq4g"
)

func TestGolden(t *testing.T) {
	d := devices(t)
	_, err := d.Credentials.Put(t.Context(), alice, device.Kind, credential.Record{ID: "x", Data: customauth.Hide(golden)})
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
	b, r := &browser{key: key.(*ecdsa.PrivateKey), id: "x"}, request(alice, "1")
	if !known(t, d, r, b.proof(t, r.Nonce())) {
		t.Error("the device is not known")
	}
	if list, err := d.List(t.Context(), alice); err != nil || len(list) != 1 || list[0].Name != "laptop" || list[0].Created.Unix() != 1795552615 {
		t.Errorf("listed %+v, %v", list, err)
	}
}
