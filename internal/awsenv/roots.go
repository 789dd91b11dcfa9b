package awsenv

// This file opens TLS connections to AWS without reading all of the system's roots.
// There are some 150, and to read them costs a new process as much as everything else
// in its start. AWS's certificates lead to a handful.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyber-eternal/customauth/internal/bounded"
)

// rootFiles are where Linux keeps the roots that it trusts, in the order in which
// crypto/x509 looks for them (root_linux.go).
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, Amazon Linux
	"/etc/ssl/ca-bundle.pem",                            // OpenSUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS
	"/etc/ssl/cert.pem",                                 // Alpine
}

// amazonRoots are those of the system's roots that have Amazon's name
// (https://www.amazontrust.com/repository/). They are trusted because the system trusts
// them, not for their name. It is nil if there are none.
var amazonRoots = sync.OnceValue(findRoots)

func findRoots() *x509.CertPool {
	if runtime.GOOS != "linux" {
		return nil // the system keeps its roots elsewhere
	}
	files := rootFiles
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		files = []string{file}
	}
	for _, file := range files {
		if f, err := os.Open(file); err == nil {
			defer f.Close()
			return pick(f, "Amazon")
		}
	}
	return nil
}

// pick reads the certificates of a PEM file (RFC 7468) that a name occurs in. It passes
// over what it cannot read. It is nil if there are none.
func pick(file io.Reader, name string) (pool *x509.CertPool) {
	var der []byte
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 32<<10), bufio.MaxScanTokenSize) // few reads
	for lines.Scan() {
		switch line := bytes.TrimSpace(lines.Bytes()); string(line) {
		case "-----BEGIN CERTIFICATE-----":
			der = der[:0]
		case "-----END CERTIFICATE-----":
			if !bytes.Contains(der, []byte(name)) {
				continue
			}
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				continue
			}
			if pool == nil {
				pool = x509.NewCertPool()
			}
			pool.AddCert(cert)
		default:
			der, _ = base64.StdEncoding.AppendDecode(der, line)
		}
	}
	return pool
}

// maxHandshake is how long it may take to connect.
const maxHandshake = 3 * time.Second

// A dialer opens TLS connections to one service.
type dialer struct {
	few      func() *x509.CertPool // the roots that are tried first; nil: none
	all      *x509.CertPool        // the roots that are trusted; nil: the system's
	sessions tls.ClientSessionCache

	useAll atomic.Bool // the service's certificate leads to none of the few
}

func newDialer() *dialer {
	return &dialer{few: amazonRoots, sessions: tls.NewLRUClientSessionCache(4)}
}

// dial trusts what the system trusts. Where a certificate leads to none of the few
// roots, at a server for tests perhaps, it connects again with all of them.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	bounded.Grow()
	ctx, cancel := context.WithTimeout(ctx, maxHandshake)
	defer cancel()
	if few := d.few(); few != nil && !d.useAll.Load() {
		conn, err := d.connect(ctx, network, address, few)
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			return conn, err
		}
	}
	conn, err := d.connect(ctx, network, address, d.all)
	if err == nil {
		d.useAll.Store(true)
	}
	return conn, err
}

func (d *dialer) connect(ctx context.Context, network, address string, roots *x509.CertPool) (net.Conn, error) {
	to := tls.Dialer{Config: &tls.Config{
		RootCAs:            roots,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: d.sessions, // a second connection to a service costs less
	}}
	return to.DialContext(ctx, network, address)
}
