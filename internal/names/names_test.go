package names_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/names"
)

// TestGolden: what a store keeps must be found by a later release. The names were
// computed by another program.
func TestGolden(t *testing.T) {
	n := names.New([]byte("another key, of 32 letters as well"))
	got := []string{
		n.Account("account", "pool", "user"), n.Account("nobody", "pool", "user"), n.Destination("pool", "SMS +12065550100"),
		n.Pressure("pool"), n.Limit("pool", "spend", "x"), n.Counter("ok", "SMS +12065550100"),
		hex.EncodeToString(n.Decoy("pool", "user")[:8]), hex.EncodeToString(n.Request("pool")[:8]),
	}
	want := []string{
		"account:f5YneORhyMlPCHKM3l2naDY5", "nobody:ZCaaze7mKFIrnOqUGjDkd-1G", "to:zdh3X32Q3bfHQwdX0zCPNYk_",
		"pressure:2ocBcg8gjMI3lLJG18iYTixt", "limit:9Vl-cbPsLlnjmczPUzUf3M5b", "ok-fuF5EtKMVWdK",
		"655a02bb77cbeca7", "206592c8408d92d5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
