package awsenv_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/internal/awsenv"
)

// An authority issues certificates.
type authority struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, organization string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{organization}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{root, key}
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}))
}

func pool(of ...authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range of {
		p.AddCert(a.root)
	}
	return p
}

// serve answers with a certificate of the authority, and counts connections.
func (a authority) serve(t *testing.T, http2 bool) (url string, opened *atomic.Int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	opened = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.EnableHTTP2 = http2
	s.Config.ConnState, s.Config.ErrorLog = connState(opened), log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, opened
}

// TestTrust: what the system trusts is trusted and nothing else, whichever roots are
// tried first.
func TestTrust(t *testing.T) {
	amazon, other, stranger := newAuthority(t, "Amazon"), newAuthority(t, "Other"), newAuthority(t, "Amazon")
	for name, test := range map[string]struct {
		of        authority
		few, all  *x509.CertPool
		handshake int64 // for two connections
		trusted   bool
	}{
		"one of the few":               {amazon, pool(amazon), pool(amazon, other), 2, true},
		"not one of the few":           {other, pool(amazon), pool(amazon, other), 3, true},
		"there are no few":             {other, nil, pool(amazon, other), 2, true},
		"of nobody":                    {stranger, pool(amazon), pool(amazon, other), 4, false},
		"of nobody, and there are few": {stranger, nil, pool(amazon, other), 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			url, opened := test.of.serve(t, false)
			c := awsenv.Trusting(test.few, test.all)
			for range 2 {
				err := c.Open(t.Context(), url)
				_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
				if test.trusted && err != nil || !test.trusted && !unknown {
					t.Errorf("trusted: %v, want %v", err, test.trusted)
				}
				c.Rest(awsenv.MaxIdle + time.Second) // so that the next one connects again
			}
			if got := opened.Load(); got != test.handshake {
				t.Errorf("%d handshakes, want %d", got, test.handshake)
			}
		})
	}
}

// TestHTTP2 is spoken where the service does.
func TestHTTP2(t *testing.T) {
	a := newAuthority(t, "Amazon")
	for want, http2 := range map[int]bool{1: false, 2: true} {
		url, _ := a.serve(t, http2)
		if res := get(t, awsenv.Trusting(pool(a), pool(a)), url); res.ProtoMajor != want {
			t.Errorf("HTTP/%d, want %d", res.ProtoMajor, want)
		}
	}
}

// TestResumption: a second connection to a service resumes the session of the first.
func TestResumption(t *testing.T) {
	a := newAuthority(t, "Amazon")
	url, _ := a.serve(t, false)
	c := awsenv.Trusting(pool(a), pool(a))
	for _, want := range []bool{false, true} {
		if res := get(t, c, url); res.TLS.DidResume != want {
			t.Errorf("resumed: %v, want %v", res.TLS.DidResume, want)
		}
		c.Rest(awsenv.MaxIdle + time.Second)
	}
}

func get(t *testing.T, c *awsenv.Conns, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res
}

func TestPick(t *testing.T) {
	amazon, second, other := newAuthority(t, "Amazon"), newAuthority(t, "Amazon"), newAuthority(t, "Other")
	broken := "-----BEGIN CERTIFICATE-----\nQW1hem9u\n-----END CERTIFICATE-----\n" // "Amazon", and no certificate
	for name, test := range map[string]struct {
		text string
		want *x509.CertPool
	}{
		"nothing":         {"", nil},
		"of others":       {other.pem(), nil},
		"some":            {other.pem() + amazon.pem() + other.pem() + second.pem(), pool(amazon, second)},
		"comments":        {"# Amazon\n\n" + amazon.pem() + "# end\n", pool(amazon)},
		"CR LF":           {strings.ReplaceAll(other.pem()+amazon.pem(), "\n", "\r\n"), pool(amazon)},
		"one broken":      {broken + amazon.pem(), pool(amazon)},
		"all broken":      {broken, nil},
		"cut off":         {amazon.pem() + second.pem()[:200], pool(amazon)},
		"a line too long": {amazon.pem() + strings.Repeat("A", 1<<17) + "\n" + second.pem(), pool(amazon)},
	} {
		t.Run(name, func(t *testing.T) {
			got := awsenv.Pick(strings.NewReader(test.text), "Amazon")
			if (got == nil) != (test.want == nil) || got != nil && !got.Equal(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestSystemRoots: of those that this system trusts, all of Amazon's are found, and no
// others.
func TestSystemRoots(t *testing.T) {
	text, err := os.ReadFile(awsenv.RootFiles[0])
	if err != nil {
		t.Skip("this system has its roots elsewhere")
	}
	want := x509.NewCertPool()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if bytes.Contains(block.Bytes, []byte("Amazon")) {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				want.AddCert(cert)
			}
		}
	}
	t.Setenv("SSL_CERT_FILE", "")
	if got := awsenv.FindRoots(); got == nil || !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestRootsOfAFile: SSL_CERT_FILE is read as crypto/x509 reads it.
func TestRootsOfAFile(t *testing.T) {
	a := newAuthority(t, "Amazon")
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte(a.pem()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	if got := awsenv.FindRoots(); got == nil || !got.Equal(pool(a)) {
		t.Errorf("got %v", got)
	}
	t.Setenv("SSL_CERT_FILE", file+"s")
	if got := awsenv.FindRoots(); got != nil {
		t.Errorf("no such file: got %v", got)
	}
}

func FuzzPick(f *testing.F) {
	f.Add(newAuthority(f, "Amazon").pem())
	f.Add("-----BEGIN CERTIFICATE-----\nQW1hem9u\n-----END CERTIFICATE-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if awsenv.Pick(strings.NewReader(text), "Amazon") != nil && !strings.Contains(text, "-----END CERTIFICATE-----") {
			t.Error("a certificate out of nothing")
		}
	})
}
