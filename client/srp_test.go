package client_test

// This file tests SRP against what a public client computes, and with what a hostile
// service may send.

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/client"
)

var (
	midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	exponent = make([]byte, 32)
)

func init() { exponent[31] = 7 }

// TestSRPVectors compares with a public client; see testdata/srp.json.
func TestSRPVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/srp.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct{ Name, A, Salt, B, SecretBlock, Signature string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 3 {
		t.Fatalf("%d vectors, want 3", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			private, err := hex.DecodeString(strings.Repeat("0", len(v.A)%2) + v.A)
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.ProveSRP(private, map[string]string{
				"USERNAME": "alice", "USER_ID_FOR_SRP": "alice", "SALT": v.Salt, "SRP_B": v.B, "SECRET_BLOCK": v.SecretBlock,
			}, "Test00001", "correct horse", midnight) // the vectors' password
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{
				"USERNAME": "alice", "PASSWORD_CLAIM_SECRET_BLOCK": v.SecretBlock,
				"PASSWORD_CLAIM_SIGNATURE": v.Signature, "TIMESTAMP": "Sat Jan 1 00:00:00 UTC 2000",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("responses (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSRPHostile: a service that sends B = 0, or a number that is none, gets no
// proof, which would be a hash of the password that it can guess at.
func TestSRPHostile(t *testing.T) {
	good := map[string]string{"SALT": "0a", "SRP_B": "0b", "SECRET_BLOCK": "YQ==", "USER_ID_FOR_SRP": "alice"}
	if _, err := client.ProveSRP(exponent, good, "Test00001", password, midnight); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, parameter, value, want string }{
		{"no B", "SRP_B", "", "SRP_B is out of range"},
		{"B is 0", "SRP_B", "0000", "SRP_B is out of range"},
		{"B is the largest of its length", "SRP_B", strings.Repeat("f", 768), "SRP_B is out of range"},
		{"B is long", "SRP_B", "1" + strings.Repeat("0", 5000), "SRP_B is out of range"},
		{"B is no number", "SRP_B", "xyz0", "SRP_B is not hexadecimal"},
		{"salt is no number", "SALT", "-1", "SALT is not hexadecimal"},
		{"block is no base64", "SECRET_BLOCK", "!", "SECRET_BLOCK is not base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parameters := map[string]string{}
			for k, v := range good {
				parameters[k] = v
			}
			parameters[tt.parameter] = tt.value
			if got, err := client.ProveSRP(exponent, parameters, "Test00001", password, midnight); err == nil || err.Error() != tt.want || got != nil {
				t.Errorf("%v, %v: want %s", got, err, tt.want)
			}
		})
	}
}

// FuzzSRP: whatever a service sends, there is a proof or an error.
func FuzzSRP(f *testing.F) {
	f.Add("0a", "0b", "YQ==", "alice")
	f.Add("", "0", "", "")
	f.Fuzz(func(t *testing.T, salt, b, block, user string) {
		got, err := client.ProveSRP(exponent, map[string]string{
			"SALT": salt, "SRP_B": b, "SECRET_BLOCK": block, "USER_ID_FOR_SRP": user,
		}, "Test00001", password, midnight)
		if (err == nil) == (got == nil) {
			t.Errorf("proof %v, error %v: want one of them", got, err)
		}
	})
}
