package credential_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
)

var (
	oldKey = customauth.Hide("0123456789abcdef0123456789abcdef")
	newKey = customauth.Hide("fedcba9876543210fedcba9876543210")
	alice  = credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "11111111-1111-4111-8111-111111111111"}
	bob    = credential.User{Pool: "eu-west-1_Ab1Cd2Ef3", Sub: "22222222-2222-4222-8222-222222222222"}
)

func open(t testing.TB, s credential.Store, keys ...customauth.Secret) *credential.Vault {
	t.Helper()
	v, err := credential.New(s, keys)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func put(t testing.TB, v *credential.Vault, u credential.User, kind string, r credential.Record) credential.Record {
	t.Helper()
	r, err := v.Put(t.Context(), u, kind, r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func list(t testing.TB, v *credential.Vault, u credential.User, kind string) []credential.Record {
	t.Helper()
	records, err := v.List(t.Context(), u, kind)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(records, func(a, b credential.Record) int { return strings.Compare(a.ID, b.ID) })
	return records
}

// fields are what cmp can look at.
func plain(records []credential.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, fmt.Sprintf("%s v%d %s stale=%v", r.ID, r.Version, r.Data.Reveal(), r.Stale))
	}
	return out
}

func want(t testing.TB, got []credential.Record, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, plain(got)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestRecords(t *testing.T) {
	v := open(t, credential.NewMemoryStore(), oldKey)
	a := put(t, v, alice, "passkey", credential.Record{ID: "a", Data: customauth.Hide("one")})
	put(t, v, alice, "passkey", credential.Record{ID: "b"})
	put(t, v, alice, "totp", credential.Record{ID: "a", Data: customauth.Hide("other kind")})
	want(t, list(t, v, alice, "passkey"), "a v1 one stale=false", "b v1  stale=false")
	want(t, list(t, v, bob, "passkey"))

	a.Data = customauth.Hide("two")
	put(t, v, alice, "passkey", a)
	if _, err := v.Put(t.Context(), alice, "passkey", a); !errors.Is(err, credential.ErrConflict) {
		t.Errorf("a second write of version 1: %v", err)
	}
	if err := v.Delete(t.Context(), alice, "passkey", a); !errors.Is(err, credential.ErrConflict) {
		t.Errorf("delete of what was written since: %v", err)
	}
	for _, r := range list(t, v, alice, "passkey") {
		if err := v.Delete(t.Context(), alice, "passkey", r); err != nil {
			t.Error(err)
		}
	}
	want(t, list(t, v, alice, "passkey"))
	want(t, list(t, v, alice, "totp"), "a v1 other kind stale=false")
}

// A Put without an ID makes one, another each time.
func TestNewID(t *testing.T) {
	v := open(t, credential.NewMemoryStore(), oldKey)
	a, b := put(t, v, alice, "device", credential.Record{}), put(t, v, alice, "device", credential.Record{})
	if len(a.ID) < 22 || a.ID == b.ID {
		t.Errorf("IDs %q and %q", a.ID, b.ID)
	}
}

// Keys rotate in three deployments, and a record is sealed anew when it is written.
func TestRotation(t *testing.T) {
	s := credential.NewMemoryStore()
	put(t, open(t, s, oldKey), alice, "totp", credential.Record{ID: "a", Data: customauth.Hide("secret")})
	want(t, list(t, open(t, s, oldKey, newKey), alice, "totp"), "a v1 secret stale=false")
	both := open(t, s, newKey, oldKey)
	records := list(t, both, alice, "totp")
	want(t, records, "a v1 secret stale=true")
	if _, err := open(t, s, newKey).List(t.Context(), alice, "totp"); !errors.Is(err, credential.ErrSealed) {
		t.Errorf("without the old key: %v, want ErrSealed", err)
	}
	put(t, both, alice, "totp", records[0])
	want(t, list(t, open(t, s, newKey), alice, "totp"), "a v2 secret stale=false")
}

// tampered is a store whose lists somebody else rewrites.
type tampered struct {
	credential.Store
	rewrite func(it credential.Item) credential.Item
}

func (s tampered) List(ctx context.Context, owner, kind string) ([]credential.Item, error) {
	items, err := s.Store.List(ctx, owner, kind)
	for i := range items {
		items[i] = s.rewrite(items[i])
	}
	return items, err
}

// What is not as it was sealed does not open.
func TestTampered(t *testing.T) {
	s := credential.NewMemoryStore()
	v := open(t, s, oldKey)
	put(t, v, alice, "passkey", credential.Record{ID: "a", Data: customauth.Hide("alice's")})
	put(t, v, bob, "passkey", credential.Record{ID: "a", Data: customauth.Hide("bob's")})
	sealed := func(u credential.User, kind string) []byte {
		var got []byte
		open(t, tampered{s, func(it credential.Item) credential.Item { got = it.Sealed; return it }}, oldKey).List(t.Context(), u, kind)
		return got
	}
	put(t, v, alice, "totp", credential.Record{ID: "a", Data: customauth.Hide("other kind")})
	of := map[string][]byte{"bob": sealed(bob, "passkey"), "kind": sealed(alice, "totp")}
	tests := []struct {
		name    string
		rewrite func(it credential.Item) credential.Item
	}{
		{"another user's", func(it credential.Item) credential.Item { it.Sealed = of["bob"]; return it }},
		{"of another kind", func(it credential.Item) credential.Item { it.Sealed = of["kind"]; return it }},
		{"under another id", func(it credential.Item) credential.Item { it.ID = "b"; return it }},
		{"under a newer version", func(it credential.Item) credential.Item { it.Version = 2; return it }},
		{"version 0", func(it credential.Item) credential.Item { it.Version = 0; return it }},
		{"an id of its own", func(it credential.Item) credential.Item { it.ID = "a/b"; return it }},
		{"nothing", func(it credential.Item) credential.Item { it.Sealed = nil; return it }},
		{"cut", func(it credential.Item) credential.Item { it.Sealed = it.Sealed[:len(it.Sealed)-1]; return it }},
		{"longer", func(it credential.Item) credential.Item { it.Sealed = append(it.Sealed, 0); return it }},
		{"huge", func(it credential.Item) credential.Item {
			it.Sealed = append(it.Sealed, make([]byte, 1<<20)...)
			return it
		}},
	}
	for i := range of["bob"] {
		tests = append(tests, struct {
			name    string
			rewrite func(it credential.Item) credential.Item
		}{fmt.Sprintf("byte %d", i), func(it credential.Item) credential.Item {
			it.Sealed = bytes.Clone(it.Sealed)
			if i < len(it.Sealed) {
				it.Sealed[i] ^= 1
			} else {
				it.Sealed = nil
			}
			return it
		}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := open(t, tampered{s, tt.rewrite}, oldKey).List(t.Context(), alice, "passkey")
			if !errors.Is(err, credential.ErrSealed) || got != nil {
				t.Errorf("%d records, error %v, want ErrSealed", len(got), err)
			}
		})
	}
	want(t, list(t, open(t, s, oldKey), alice, "passkey"), "a v1 alice's stale=false")
}

// A store learns nothing of what is sealed, nor whose it is.
func TestSealed(t *testing.T) {
	var kept []credential.Item
	s := tampered{credential.NewMemoryStore(), func(it credential.Item) credential.Item { kept = append(kept, it); return it }}
	v := open(t, s, oldKey)
	put(t, v, alice, "totp", credential.Record{ID: "a", Data: customauth.Hide("JBSWY3DPEHPK3PXP")})
	put(t, v, alice, "totp", credential.Record{ID: "b", Data: customauth.Hide("JBSWY3DPEHPK3PXP")})
	list(t, v, alice, "totp")
	if len(kept) != 2 || bytes.Equal(kept[0].Sealed[5:], kept[1].Sealed[5:]) {
		t.Fatalf("%d items; the same data twice must not look the same", len(kept))
	}
	for _, it := range kept {
		text := fmt.Sprintf("%s %s %s", it.Owner, it.ID, it.Sealed)
		for _, secret := range []string{"JBSWY3DP", alice.Sub, alice.Pool} {
			if strings.Contains(text, secret) {
				t.Errorf("the store sees %q", secret)
			}
		}
		if len(it.Owner) != 43 {
			t.Errorf("owner of %d letters", len(it.Owner))
		}
	}
}

// Users whose parts run together are two users.
func TestOwners(t *testing.T) {
	v := open(t, credential.NewMemoryStore(), oldKey)
	put(t, v, credential.User{Pool: "ab", Sub: "c"}, "totp", credential.Record{ID: "a"})
	want(t, list(t, v, credential.User{Pool: "a", Sub: "bc"}, "totp"))
}

// A backup that was restored behind a process's back is noticed by it.
func TestRestored(t *testing.T) {
	var backup *credential.Item
	s := credential.NewMemoryStore()
	restored := &tampered{s, func(it credential.Item) credential.Item { return it }}
	v := open(t, restored, oldKey)
	r := put(t, v, alice, "recovery", credential.Record{ID: "codes", Data: customauth.Hide("ten")})
	restored.rewrite = func(it credential.Item) credential.Item { backup = &it; return it }
	list(t, v, alice, "recovery")
	restored.rewrite = func(it credential.Item) credential.Item { return it }
	r.Data = customauth.Hide("nine")
	put(t, v, alice, "recovery", r)
	want(t, list(t, v, alice, "recovery"), "codes v2 nine stale=false")

	restored.rewrite = func(credential.Item) credential.Item { return *backup }
	if _, err := v.List(t.Context(), alice, "recovery"); !errors.Is(err, credential.ErrOld) {
		t.Errorf("version 1 after 2: %v, want ErrOld", err)
	}
	restored.rewrite = func(it credential.Item) credential.Item { return it }
	r = list(t, v, alice, "recovery")[0]
	once := put(t, v, alice, "device", credential.Record{})
	restored.rewrite = func(it credential.Item) credential.Item { backup = &it; return it }
	list(t, v, alice, "device")
	restored.rewrite = func(it credential.Item) credential.Item { return it }
	if err := v.Delete(t.Context(), alice, "device", once); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), *backup); err != nil {
		t.Fatal(err)
	}
	if _, err := v.List(t.Context(), alice, "device"); !errors.Is(err, credential.ErrOld) {
		t.Errorf("what was removed is back: %v, want ErrOld", err)
	}
	if err := v.Delete(t.Context(), alice, "recovery", r); err != nil {
		t.Fatal(err)
	}
}

// A list that was asked for before a write is not old.
func TestSlowListIsNotOld(t *testing.T) {
	var v *credential.Vault
	s := credential.NewMemoryStore()
	v = open(t, tampered{s, func(it credential.Item) credential.Item {
		if it.Version == 1 {
			if _, err := v.Put(context.Background(), alice, "totp", credential.Record{ID: "a", Version: 1}); err != nil {
				t.Error(err)
			}
		}
		return it
	}}, oldKey)
	put(t, v, alice, "totp", credential.Record{ID: "a"})
	want(t, list(t, v, alice, "totp"), "a v1  stale=false")
	want(t, list(t, v, alice, "totp"), "a v2  stale=false")
}

// Many who add one to a number lose none.
func TestConcurrentWrites(t *testing.T) {
	s := credential.NewMemoryStore()
	put(t, open(t, s, oldKey), alice, "totp", credential.Record{ID: "n"})
	var wg sync.WaitGroup
	for range 20 {
		v := open(t, s, oldKey)
		wg.Go(func() {
			for {
				records, err := v.List(t.Context(), alice, "totp")
				if err != nil {
					t.Error(err)
					return
				}
				r := records[0]
				r.Data = customauth.Hide(r.Data.Reveal() + "x")
				if _, err = v.Put(t.Context(), alice, "totp", r); err == nil {
					return
				}
				if !errors.Is(err, credential.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	want(t, list(t, open(t, s, oldKey), alice, "totp"), "n v21 "+strings.Repeat("x", 20)+" stale=false")
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		s    credential.Store
		keys []customauth.Secret
		says string
	}{
		{"no store", nil, []customauth.Secret{oldKey}, "needs a Store"},
		{"no key", credential.NewMemoryStore(), nil, "needs a key of 32 random bytes"},
		{"an empty key", credential.NewMemoryStore(), []customauth.Secret{{}}, "key 1: it has 0 bytes and needs 32"},
		{"a short key", credential.NewMemoryStore(), []customauth.Secret{oldKey, customauth.Hide("0123456789abcdef0123456789abcde")}, "key 2: it has 31 bytes and needs 32"},
		{"zeros", credential.NewMemoryStore(), []customauth.Secret{customauth.Hide(string(make([]byte, 32)))}, "no random key"},
		{"a key twice", credential.NewMemoryStore(), []customauth.Secret{oldKey, newKey, oldKey}, "key 3 is there twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := credential.New(tt.s, tt.keys)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "0123456789") {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	v := open(t, credential.NewMemoryStore(), oldKey)
	tests := []struct {
		name string
		user credential.User
		kind string
		rec  credential.Record
	}{
		{"no pool", credential.User{Sub: "a"}, "totp", credential.Record{ID: "a"}},
		{"no sub", credential.User{Pool: "a"}, "totp", credential.Record{ID: "a"}},
		{"no kind", alice, "", credential.Record{ID: "a"}},
		{"a kind in capitals", alice, "TOTP", credential.Record{ID: "a"}},
		{"a long kind", alice, strings.Repeat("a", 17), credential.Record{ID: "a"}},
		{"an ID with a slash", alice, "totp", credential.Record{ID: "a/b"}},
		{"a long ID", alice, "totp", credential.Record{ID: strings.Repeat("a", 65)}},
		{"too much", alice, "totp", credential.Record{ID: "a", Data: customauth.Hide(string(make([]byte, credential.MaxData+1)))}},
		{"a version below 0", alice, "totp", credential.Record{ID: "a", Version: -1}},
		{"the last version", alice, "totp", credential.Record{ID: "a", Version: math.MaxInt64}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := v.Put(t.Context(), tt.user, tt.kind, tt.rec); err == nil || errors.Is(err, credential.ErrConflict) {
				t.Errorf("Put: error %v", err)
			}
		})
	}
	put(t, v, alice, "totp", credential.Record{ID: "most", Data: customauth.Hide(string(make([]byte, credential.MaxData)))})
	if got := list(t, v, alice, "totp"); len(got) != 1 {
		t.Errorf("%d records, want the one of MaxData bytes", len(got))
	}
}

// A record prints nothing of itself, nor out of somebody's struct.
func TestPrints(t *testing.T) {
	r := credential.Record{ID: "a", Version: 3, Data: customauth.Hide("JBSWY3DP")}
	held := struct{ r credential.Record }{r}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, r); got != "record of version 3 [redacted]" {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, held); strings.Contains(got, "JBSWY3DP") || strings.Contains(got, "4a42535759334450") {
			t.Errorf("%s of a struct that has it prints %s", verb, got)
		}
	}
}

// Whatever a store hands out, the Vault says that it does not open, and no more.
func FuzzOpen(f *testing.F) {
	s := credential.NewMemoryStore()
	var sealed []byte
	v := open(f, tampered{s, func(it credential.Item) credential.Item { sealed = it.Sealed; return it }}, oldKey)
	put(f, v, alice, "totp", credential.Record{ID: "a", Data: customauth.Hide("secret")})
	list(f, v, alice, "totp")
	f.Add("a", int64(1), sealed)
	f.Add("a", int64(2), sealed)
	f.Add("", int64(0), []byte{1})
	f.Fuzz(func(t *testing.T, id string, version int64, data []byte) {
		v := open(t, tampered{s, func(credential.Item) credential.Item {
			return credential.Item{ID: id, Version: version, Sealed: data}
		}}, oldKey)
		got, err := v.List(t.Context(), alice, "totp")
		right := id == "a" && version == 1 && bytes.Equal(data, sealed)
		if right != (err == nil) || !right && !errors.Is(err, credential.ErrSealed) {
			t.Errorf("%d records, error %v", len(got), err)
		}
	})
}
