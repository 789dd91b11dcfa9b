package credential_test

import (
	"encoding/base64"
	"testing"

	"github.com/cyber-eternal/customauth/credential"
)

// golden is a record as the first build of this package sealed it, under oldKey. What
// is enrolled lasts for years, so every later build must open it.
var golden = credential.Item{
	Owner: "0mFp9Hg4S9gvErt5z2os4-OBoNgFYNm-EYMcnOvNNL8", Kind: "totp", ID: "phone", Version: 1,
}

const goldenSealed = "AUzH3jBG7VUwzABJH1hXomzg2zxQbPlzrkVg+t5azKnA0qIEwtbkke0="

func TestGolden(t *testing.T) {
	store := credential.NewMemoryStore()
	var err error
	if golden.Sealed, err = base64.StdEncoding.DecodeString(goldenSealed); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), golden); err != nil {
		t.Fatal(err)
	}
	want(t, list(t, open(t, store, newKey, oldKey), alice, "totp"), "phone v1 a secret stale=true")
}
