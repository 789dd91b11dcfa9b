package device_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page is a page that is remembered and signs. Node has WebCrypto, and of IndexedDB
// what the module needs is made here.
const page = `
const kept = new Map();
const later = (act) => { const r = {}; queueMicrotask(() => act(r)); return r; };
globalThis.indexedDB = { open: () => later((open) => {
  open.result = {
    close() {}, createObjectStore() {},
    transaction: () => {
      const t = { objectStore: () => ({
        get: (k) => ({ result: kept.get(k) }),
        put: (v, k) => (kept.set(k, v), {}),
        delete: (k) => (kept.delete(k), {}),
      }) };
      setTimeout(() => t.oncomplete());
      return t;
    },
  };
  open.onupgradeneeded(); open.onsuccess();
}) };
const { remember, proof, known, forget } = await import(process.argv[2]);
const before = await proof("alice", "n");
let key, again;
await remember("alice", async (k) => (key = k, process.argv[3]));
await remember("alice", async (k) => (again = k, process.argv[3]));
let exported = "refused";
try { await crypto.subtle.exportKey("pkcs8", kept.get("alice").keys.privateKey); exported = "exported"; } catch {}
const signed = await proof("alice", process.argv[4]);
const ids = [await known("alice"), await known("bob")];
const other = await proof("bob", process.argv[4]);
await forget("alice");
const after = await proof("alice", process.argv[4]);
console.log(JSON.stringify({ key, ids, same: key === again, exported, signed, others: [before, other, after].filter(Boolean) }));
`

// What device.js makes is what this package takes.
func TestBrowser(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node")
	}
	module, err := filepath.Abs("web/device.js")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"device.mjs": source, "page.mjs": []byte(page)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The id is chosen by Remember, which needs the key first: it is put in below.
	r := request(alice, "1")
	out, err := exec.CommandContext(t.Context(), node, filepath.Join(dir, "page.mjs"), filepath.Join(dir, "device.mjs"), "ID", r.Nonce()).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Key, Exported, Signed string
		IDs                   []string // null is ""
		Same                  bool
		Others                []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ID", ""}, got.IDs); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if !got.Same || got.Exported != "refused" || len(got.Others) != 0 || len(got.Signed) < 4 || got.Signed[:3] != "ID." {
		t.Fatalf("the page says %s", out)
	}
	key, err := base64.RawURLEncoding.DecodeString(got.Key)
	if err != nil {
		t.Fatal(err)
	}
	d := devices(t)
	dev, err := d.Remember(t.Context(), alice, "node", key)
	if err != nil {
		t.Fatal(err)
	}
	if !known(t, d, r, dev.ID+got.Signed[2:]) {
		t.Error("the signature of device.js is not known")
	}
}
