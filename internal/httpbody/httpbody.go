// Package httpbody keeps net/http from closing a connection over the body of a request
// of the AWS SDK.
//
// The SDK closes the body as soon as there is an answer. If net/http looks for the end of
// the body only after that, as it does on a busy machine, then the WriteTo of smithy-go's
// body (v1.28.9, transport/http/internal/io/safe.go) says io.EOF, which to net/http is a
// failure to write. It closes the connection, and an answer that is being read at this
// time is lost (https://github.com/aws/aws-sdk-go-v2/issues/1825).
package httpbody

import (
	"io"
	"net/http"
)

// A Doer sends a request, as *http.Client and the HTTPClient of the SDK's clients do.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Client sends requests of the SDK by another client.
func Client(d Doer) Doer { return client{d} }

type client struct{ Doer }

func (c client) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = plain{req.Body}
	}
	return c.Doer.Do(req)
}

// plain is a body that can be read and closed, and nothing else. Once it is closed, Read
// says io.EOF too, and of Read that is the end and no failure.
type plain struct{ body io.ReadCloser }

func (p plain) Read(b []byte) (int, error) { return p.body.Read(b) }
func (p plain) Close() error               { return p.body.Close() }
