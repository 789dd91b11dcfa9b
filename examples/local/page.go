package main

// This file serves the page: the files under web, which are part of the
// program, with the headers that keep foreign code and foreign pages out.

import (
	"embed"
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed web/*.html web/*.css web/*.js web/*.json web/*.svg
var web embed.FS

// mediaTypes are named here and not left to the machine: browsers run no
// module whose type is wrong, and some machines say text/plain for .js.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".json": "application/json",
}

// forDevelopers stands beside the page and is no part of it.
const forDevelopers = "package.json"

// routePage adds the page and its parts to mux.
func routePage(mux *http.ServeMux, s settings) {
	files, _ := fs.ReadDir(web, "web") // compiled in: it cannot fail
	for _, f := range files {
		if f.Name() == forDevelopers {
			continue
		}
		pattern := "GET /" + f.Name()
		if f.Name() == "index.html" {
			pattern = "GET /{$}"
		}
		content, _ := web.ReadFile("web/" + f.Name()) // likewise
		if more := s.config(); f.Name() == "config.json" && len(more) > 0 {
			content = withMembers(content, more)
		}
		mux.Handle(pattern, file(f.Name(), content, s.mails()))
	}
}

// withMembers adds members to a JSON object, which is one of ours.
func withMembers(content []byte, more object) []byte {
	all := object{}
	json.Unmarshal(content, &all)
	maps.Copy(all, more)
	content, _ = json.MarshalIndent(all, "", "  ")
	return content
}

func file(name string, content []byte, frames bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaTypes[path.Ext(name)])
		h.Set("Content-Security-Policy", contentSecurityPolicy(r.URL.Query().Get("region"), frames))
		h.Set("Cache-Control", "no-cache")
		w.Write(content)
	})
}

// regionPattern is what names of AWS regions look like: eu-west-1.
var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

// contentSecurityPolicy allows the page its own files and its own server, and
// nothing else: no foreign or inline script or style, no frame around it, and
// no data that becomes HTML (Trusted Types, with no policy allowed). A page
// that was asked for with ?region= may also talk to Cognito in that region; one that
// shows e-mails does so in frames.
func contentSecurityPolicy(region string, frames bool) string {
	connect := "connect-src 'self'"
	if regionPattern.MatchString(region) {
		domain := ".amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			domain = ".amazonaws.com.cn"
		}
		connect += " https://cognito-idp." + region + domain
	}
	if frames {
		connect += "; frame-src 'self'"
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self'",
		connect,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}
