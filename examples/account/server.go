package main

// This file serves the page, with the headers that keep foreign code and foreign pages
// out.

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strings"

	deviceweb "github.com/cyber-eternal/customauth/device/web"
	localweb "github.com/cyber-eternal/customauth/examples/local/web"
)

//go:embed web
var web embed.FS

// shared are the files of the page of examples/local that this page uses as they are.
var shared = []string{
	"client.js", "session.js", "phones.js", "input.js", "inbox.js", "words.js", "words-en.js", "style.css", "theme.css", "favicon.svg",
}

// policy allows the page its own files and its own server, and nothing else: no foreign
// or inline script or style, no frame around it, and no data that becomes HTML.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// mediaTypes are named here and not left to the machine: browsers run no module whose
// type is wrong.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// routePage adds the page, its parts, the texts, and what the page must know of the pool.
func (s *site) routePage(mux *http.ServeMux) {
	own, _ := fs.Sub(web, "web") // compiled in: these two cannot fail
	names, _ := fs.ReadDir(own, ".")
	for _, f := range names {
		mux.Handle("GET /"+f.Name(), file(own, f.Name()))
	}
	mux.Handle("GET /{$}", file(own, "index.html"))
	for _, name := range shared {
		mux.Handle("GET /"+name, file(localweb.Files, name))
	}
	mux.Handle("GET /device.js", file(deviceweb.Files, "device.js"))
	mux.Handle("GET /_local/messages", s.inbox)
	mux.HandleFunc("GET /_local/clients", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]string{"everyday": everyday, "second": second, "strong": strong})
	})
}

func file(files fs.FS, name string) http.Handler {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err) // a name that is not compiled in: every start would fail
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaTypes[path.Ext(name)])
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(content)
	})
}

// guard keeps other web sites out, and sends whoever comes by the address 127.0.0.1 to
// the name. A browser on this machine may be showing any page; by giving its own name
// the address 127.0.0.1 (DNS rebinding), a page could read the texts here.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port, err := net.SplitHostPort(r.Host)
		switch {
		case err == nil && host == "127.0.0.1" && r.Method == http.MethodGet && r.URL.Path == "/":
			http.Redirect(w, r, "http://localhost:"+port+"/", http.StatusFound)
			return
		case err != nil || host != "localhost" && host != "127.0.0.1":
			http.Error(w, "this server answers to localhost alone", http.StatusForbidden)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v) // fails only when the client is gone
}

// recipient reads the to of a query, where a plus means a space.
func recipient(r *http.Request) string {
	if to := strings.TrimSpace(r.URL.Query().Get("to")); to != "" {
		return "+" + strings.TrimPrefix(to, "+")
	}
	return ""
}
