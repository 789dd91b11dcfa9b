package main

// This file is a fake SNS behind TLS, with a chain of certificates like the real
// one's: a root, an intermediate, and RSA keys of 2,048 bits.

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

type secureSNS struct {
	sns    *fakesns.Server
	server *httptest.Server
	root   string // file with the root certificate
	empty  string // folder
}

func newTLS(dir string) (*secureSNS, error) {
	root, err := issue(nil, "bench root", true)
	if err != nil {
		return nil, err
	}
	middle, err := issue(root, "bench intermediate", true)
	if err != nil {
		return nil, err
	}
	leaf, err := issue(middle, "127.0.0.1", false)
	if err != nil {
		return nil, err
	}
	s := &secureSNS{sns: fakesns.New(), root: filepath.Join(dir, "root.pem"), empty: filepath.Join(dir, "empty")}
	if err := os.Mkdir(s.empty, 0o755); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate[0]})
	if err := os.WriteFile(s.root, text, 0o644); err != nil {
		return nil, err
	}
	leaf.Certificate = append(leaf.Certificate, middle.Certificate[0])
	s.server = httptest.NewUnstartedServer(s.sns)
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{*leaf}}
	s.server.StartTLS()
	return s, nil
}

// env lets Go and Node find the server and trust it. SSL_CERT_DIR names a folder
// without certificates: Go would read those of this machine too, however many
// there are, and Node has its own compiled in.
func (s *secureSNS) env() []string {
	return []string{
		"AWS_ENDPOINT_URL_SNS=" + s.server.URL,
		"SSL_CERT_FILE=" + s.root,
		"SSL_CERT_DIR=" + s.empty,
		"NODE_EXTRA_CA_CERTS=" + s.root,
	}
}

func (s *secureSNS) close() {
	s.server.Close()
	s.sns.Close()
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
		Subject:      pkix.Name{CommonName: name},
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
