package cognitotest

// This file is lists that come in pages.

import (
	"cmp"
	"crypto/hmac"
	"encoding/base64"
)

// A page is a request for a part of a list.
type page struct {
	list  string // what is listed, with everything that the list depends on
	limit int    // 0: as many as the service gives
	token string // of the page before; empty for the first one
}

const pageLimit = 60 // API reference, QueryLimitType

// read calls add with the keys of the page, of those that begin with prefix. It
// returns the token of the next page, or "". Keys that add refuses count for
// nothing.
func (p *Pool) read(x *index, pg page, prefix string, add func(key string) bool) (next string, err error) {
	start := prefix
	if pg.token != "" {
		last, ok := p.openPage(pg)
		if !ok {
			return "", errParameter("Invalid pagination token")
		}
		start = last + "\x00"
	}
	limit := cmp.Or(pg.limit, pageLimit)
	n, last := 0, ""
	x.from(max(start, prefix), func(key string) bool {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			return false
		}
		if n == limit {
			next = p.sealPage(pg.list, last)
			return false
		}
		if add(key) {
			n++
		}
		last = key
		return true
	})
	return next, nil
}

// A token is the last key of a page and a tag, so that a token of another list,
// or one that is made up, is refused.
func (p *Pool) sealPage(list, last string) string {
	return base64.RawURLEncoding.EncodeToString(append(p.derive("page", list+"\x00"+last)[:8], last...))
}

func (p *Pool) openPage(pg page) (last string, ok bool) {
	token, err := base64.RawURLEncoding.DecodeString(pg.token)
	if err != nil || len(token) < 8 {
		return "", false
	}
	last = string(token[8:])
	return last, hmac.Equal(token[:8], p.derive("page", pg.list+"\x00"+last)[:8])
}
