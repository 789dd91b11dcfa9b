package pretoken_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// admin calls an operation of the pool over HTTP.
func admin(t testing.TB, p *cognitotest.Pool, operation, body string, args ...any) []byte {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf(body, args...)))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.Bytes()
}
