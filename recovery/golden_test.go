package recovery_test

import (
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/recovery"
)

// golden is a record of the first release: codes are kept for years, and every later
// release must read it. The second code was used.
const golden = `{"salt":"cJVH1zf6PxIEk7F5A8OCVuQ3tQVXTppNfzbXTLq7K88=","codes":[` +
	`{"hash":"0yjeLNx0D/Oh7l4TzHyptJldcFhjO7fW9y76ft9dLGg="},` +
	`{"hash":"6rNw3KzWST3FbCvz0DrU1YZ19rEAW4YbuPxhBhcYRBo=","usedBy":"earlier"}]}`

func TestGolden(t *testing.T) {
	c := open(t, credential.NewMemoryStore())
	_, err := c.Credentials.Put(t.Context(), user, recovery.Kind, credential.Record{ID: "codes", Data: customauth.Hide(golden)})
	if err != nil {
		t.Fatal(err)
	}
	if right(t, c, "1", "LMUY-6K2J-O5DA-HCCS") || !right(t, c, "earlier", "LMUY-6K2J-O5DA-HCCS") {
		t.Error("the code that was used is not one of the earlier sign-in alone")
	}
	if !right(t, c, "1", "F42G-PYBD-S3KS-ICDI") {
		t.Error("the other code is refused")
	}
}
