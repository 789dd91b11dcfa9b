// Package web has the files of the page, for Go programs that serve it or parts of it.
package web

import "embed"

// Files are the page and its parts.
//
//go:embed *.html *.css *.js *.json *.svg
var Files embed.FS
