// Package web has device.js, the browser's side of package device, for Go programs that
// serve it.
package web

import "embed"

// Files has device.js.
//
//go:embed device.js
var Files embed.FS
