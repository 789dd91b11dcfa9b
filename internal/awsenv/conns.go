package awsenv

// This file keeps connections, and drops those that rested too long.

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth/internal/httpbody"
)

// maxIdle is how long a connection may rest and still be used. Lambda freezes a
// function between events, and SnapStart restores it from a snapshot; a connection
// that its peer gave up meanwhile would fail the next request, which may be one
// that must not be tried again.
const maxIdle = 15 * time.Second

// Conns is an HTTP client for one service. It is safe for concurrent use.
type Conns struct {
	client *http.Client
	sdk    httpbody.Doer // the same, for requests of the SDK

	mu   sync.Mutex
	used time.Time // wall time, because the monotonic clock may stand still meanwhile
}

// NewConns returns a client without connections.
func NewConns() *Conns {
	client := &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialTLSContext:      newDialer().dial,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12}, // behind a proxy
			TLSHandshakeTimeout: maxHandshake,
			IdleConnTimeout:     90 * time.Second,
			MaxIdleConnsPerHost: 16,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Conns{client: client, sdk: httpbody.Client(client)}
}

// Do implements the HTTPClient of the SDK's clients.
func (c *Conns) Do(req *http.Request) (*http.Response, error) {
	c.freshen()
	return c.sdk.Do(req)
}

func (c *Conns) freshen() {
	now := time.Now().Round(0)
	c.mu.Lock()
	rested := now.Sub(c.used)
	c.used = now
	c.mu.Unlock()
	if rested > maxIdle || rested < 0 {
		c.client.CloseIdleConnections()
	}
}

// Open opens a connection to an endpoint. What it answers does not matter.
func (c *Conns) Open(ctx context.Context, endpoint string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint, nil)
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection can be used again
	return res.Body.Close()
}
