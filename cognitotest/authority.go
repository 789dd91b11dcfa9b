package cognitotest

// This file is a certificate authority for tests, for clients that insist on TLS.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// An Authority is a certificate authority for tests. Its certificate says what it
// may sign for, and clients that trust it hold it to that: this machine, and the
// names that it was made with. It is safe for concurrent use.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// authorityValidity is short enough that nobody forgets a trusted one for long.
const authorityValidity = 90 * 24 * time.Hour

// NewAuthority makes an authority for localhost, the loopback addresses and the
// hosts: names, with all names below them, and IP addresses. It is valid for 90
// days.
func NewAuthority(hosts ...string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:                new(big.Int).SetBytes(random(16)),
		Subject:                     pkix.Name{CommonName: "cognitotest", Organization: []string{"for tests on this machine alone"}},
		NotBefore:                   time.Now().Add(-time.Hour),
		NotAfter:                    time.Now().Add(authorityValidity),
		IsCA:                        true,
		BasicConstraintsValid:       true,
		MaxPathLenZero:              true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip == nil {
			template.PermittedDNSDomains = append(template.PermittedDNSDomains, host)
		} else if v4 := ip.To4(); v4 != nil {
			template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: v4, Mask: net.CIDRMask(32, 32)})
		} else {
			template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(128, 128)})
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority for %q: %w", hosts, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority for %q: %w", hosts, err)
	}
	return &Authority{key, cert}, nil
}

// ParseAuthority reads what [Authority.PrivatePEM] returned.
func ParseAuthority(data []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority: %w", err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	switch {
	case !ok || !cert.IsCA:
		return nil, errors.New("cognitotest: authority: want a certificate authority with an ECDSA key")
	case !time.Now().Before(cert.NotAfter):
		return nil, fmt.Errorf("cognitotest: authority: it was valid until %s: make a new one", cert.NotAfter.Format(time.DateOnly))
	}
	return &Authority{key, cert}, nil
}

// PEM is the certificate, for clients to trust: NODE_EXTRA_CA_CERTS in Node,
// AWS_CA_BUNDLE in AWS's SDKs and tools, SSL_CERT_FILE in Go and OpenSSL name a
// file that holds it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// PrivatePEM is the certificate and the key. Whoever has it can pretend to be this
// machine to clients that trust the authority: keep it where only the tests read.
func (a *Authority) PrivatePEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: authority: %w", err)
	}
	return append(a.PEM(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), nil
}

// Pool is a set of authorities with this one alone, for a client in Go.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// certificate makes one for a server: for the hosts and for this machine.
func (a *Authority) certificate(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cognitotest: certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(random(16)),
		Subject:      pkix.Name{CommonName: "cognitotest"},
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if !slices.Contains(template.DNSNames, host) {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cognitotest: certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cognitotest: certificate: %w", err)
	}
	roots := x509.VerifyOptions{Roots: a.Pool()}
	if _, err := leaf.Verify(roots); err != nil {
		return tls.Certificate{}, fmt.Errorf("cognitotest: certificate for %q: make the authority with these hosts: %w", hosts, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
