package main

// This file is AWS behind TLS, with a chain of certificates like the real one's: a
// root, an intermediate, and RSA keys of 2,048 bits.

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// A fakeAWS is SNS, Secrets Manager and Cognito's admin API as far as they are needed,
// and a server with DynamoDB's API.
type fakeAWS struct {
	sns           *fakesns.Server
	secure, plain *httptest.Server
	dynamoDB      http.Handler
	stopDynamoDB  func()
	table         string
	secrets       map[string]string // keys by name
	roots         string            // file with the roots of this machine, and ours
	empty         string            // folder
	nRoots        int
}

// systemRoots are where Linux has the roots that it trusts (crypto/x509, root_linux.go).
var systemRoots = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}

func newAWS(ctx context.Context, dir string) (*fakeAWS, error) {
	a := &fakeAWS{sns: fakesns.New(), table: "counters", secrets: make(map[string]string), roots: filepath.Join(dir, "roots.pem"), empty: filepath.Join(dir, "empty")}
	for _, secret := range []string{"keys", "counter-key"} {
		key := make([]byte, 32)
		rand.Read(key)
		a.secrets[secret] = base64.StdEncoding.EncodeToString(key)
	}
	chain, root, err := certificates()
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, file := range systemRoots {
		if text, err = os.ReadFile(file); err == nil {
			break
		}
	}
	if err != nil {
		return nil, errors.New("the roots of this machine were not found")
	}
	a.nRoots = bytes.Count(text, []byte("BEGIN CERTIFICATE"))
	if err := os.WriteFile(a.roots, append(text, root...), 0o644); err != nil {
		return nil, err
	}
	if err := os.Mkdir(a.empty, 0o755); err != nil {
		return nil, err
	}
	at, stop, err := dynamotest.Start(ctx)
	if err != nil {
		return nil, err
	}
	a.stopDynamoDB = stop
	if err := dynamotest.CreateTable(ctx, at, a.table); err != nil {
		return nil, err
	}
	to, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	a.dynamoDB = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorLog: log.New(io.Discard, "", 0)}
	a.secure, a.plain = httptest.NewUnstartedServer(a), httptest.NewServer(a)
	a.secure.TLS = &tls.Config{Certificates: []tls.Certificate{*chain}}
	a.secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.secure.StartTLS()
	return a, nil
}

func (a *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch service {
	case "secretsmanager":
		var in struct{ SecretId string }
		json.NewDecoder(r.Body).Decode(&in)
		fmt.Fprintf(w, `{"SecretString":%q,"VersionId":"1"}`, a.secrets[in.SecretId])
	case "DynamoDB_20120810":
		w.Header().Del("Content-Type")
		a.dynamoDB.ServeHTTP(w, r)
	case "AWSCognitoIdentityProviderService":
		io.WriteString(w, "{}")
	default:
		w.Header().Del("Content-Type")
		a.sns.ServeHTTP(w, r)
	}
}

// env lets Go and Node find AWS and trust it. Go reads all roots of the system before
// its first connection, as on Lambda; from one file alone, as on Amazon Linux. Node has
// roots of its own compiled in.
func (a *fakeAWS) env() []string {
	return append(a.variables(a.secure.URL), "SSL_CERT_FILE="+a.roots, "SSL_CERT_DIR="+a.empty, "NODE_EXTRA_CA_CERTS="+a.roots)
}

// plainEnv is without TLS.
func (a *fakeAWS) plainEnv() []string { return a.variables(a.plain.URL) }

func (a *fakeAWS) variables(url string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + url, "AWS_ENDPOINT_URL_SNS=" + url,
		"CUSTOMAUTH_KEYS_SECRET=keys", "CUSTOMAUTH_COUNTER_SECRET=counter-key", "CUSTOMAUTH_TABLE=" + a.table, "CUSTOMAUTH_COUNTRIES=US",
		"CUSTOMAUTH_CLIENT_IDS=" + clientID,
	}
}

func (a *fakeAWS) close() {
	a.secure.Close()
	a.plain.Close()
	a.sns.Close()
	a.stopDynamoDB()
}

// certificates returns a chain for the server, and the root in PEM.
func certificates() (chain *tls.Certificate, root []byte, err error) {
	top, err := issue(nil, "bench root", true)
	if err != nil {
		return nil, nil, err
	}
	middle, err := issue(top, "bench intermediate", true)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := issue(middle, "127.0.0.1", false)
	if err != nil {
		return nil, nil, err
	}
	leaf.Certificate = append(leaf.Certificate, middle.Certificate[0])
	return leaf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: top.Certificate[0]}), nil
}

// issue makes a certificate, signed by itself if there is no parent.
func issue(parent *tls.Certificate, name string, isCA bool) (*tls.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Amazon"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
		template.IsCA, template.BasicConstraintsValid = true, true
	} else {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	signer, issuer := crypto.Signer(key), template
	if parent != nil {
		signer, issuer = parent.PrivateKey.(crypto.Signer), parent.Leaf
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
