package httpbody_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth/internal/httpbody"
)

// A body is one as smithy-go makes them: whoever looks for its end after it was closed
// finds it by Read, and is told of a failure by WriteTo. It makes them look that late.
type body struct {
	text   io.Reader
	close  sync.Once
	closed chan struct{}
	found  chan struct{} // the end was found by Read
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.text.Read(p)
	if err == io.EOF {
		<-b.closed
		close(b.found)
	}
	return n, err
}

func (b *body) WriteTo(io.Writer) (int64, error) {
	<-b.closed
	return 0, io.EOF
}

func (b *body) Close() error {
	b.close.Do(func() { close(b.closed) })
	return nil
}

// TestAnswerBeforeEndOfBody: the SDK closes the body of a request when the answer begins,
// which net/http may know before it has found the end of what it sent. The answer comes
// all the same. A client of net/http alone loses it.
func TestAnswerBeforeEndOfBody(t *testing.T) {
	b := &body{text: strings.NewReader("a question"), closed: make(chan struct{}), found: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "the answer, ")
		w.(http.Flusher).Flush()
		select { // until the client is done with its request, in one way or the other
		case <-b.found:
		case <-r.Context().Done():
		}
		io.WriteString(w, "to its end")
	}))
	defer server.Close()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, b)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len("a question"))
	res, err := httpbody.Client(new(http.Client)).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	req.Body.Close() // as the SDK does
	got, err := io.ReadAll(res.Body)
	if want := "the answer, to its end"; err != nil || string(got) != want {
		t.Errorf("the answer is %q, %v, want %q", got, err, want)
	}
}
