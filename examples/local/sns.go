package main

// This file is a tiny Amazon SNS. A function that runs as its own process is
// told its address in AWS_ENDPOINT_URL_SNS and sends its texts here.

import (
	"crypto/rand"
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	snsMaxBody = 64 << 10
	snsMaxText = 1600 // characters of one SMS Publish (SNS developer guide)
	snsXMLNS   = "http://sns.amazonaws.com/doc/2010-03-31/"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

type snsSuccess struct {
	XMLName   xml.Name `xml:"PublishResponse"`
	XMLNS     string   `xml:"xmlns,attr"`
	MessageID string   `xml:"PublishResult>MessageId"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type snsFailure struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	XMLNS     string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// snsHandler speaks the AWS query protocol: a form comes in, XML goes out. It
// knows one action, Publish to a phone number, and delivers to the inbox.
// Signatures are not checked: there is no account behind it.
func snsHandler(b *inbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, snsMaxBody)
		if err := r.ParseForm(); err != nil {
			snsRefuse(w, "MalformedQueryString", "the body is no form")
			return
		}
		to, body := r.PostForm.Get("PhoneNumber"), r.PostForm.Get("Message")
		switch {
		case r.PostForm.Get("Action") != "Publish":
			snsRefuse(w, "InvalidAction", "this SNS knows Publish alone")
		case !e164.MatchString(to):
			snsRefuse(w, "InvalidParameter", "Invalid parameter: PhoneNumber")
		case strings.TrimSpace(body) == "":
			snsRefuse(w, "InvalidParameter", "Invalid parameter: Empty message")
		case utf8.RuneCountInString(body) > snsMaxText:
			snsRefuse(w, "InvalidParameter", "Invalid parameter: Message too long")
		case b.deliver(text{To: to, Channel: "SMS", Text: body}) != nil:
			snsRefuse(w, "OptedOut", "Phone number is opted out")
		default:
			snsWrite(w, http.StatusOK, snsSuccess{XMLNS: snsXMLNS, MessageID: rand.Text(), RequestID: rand.Text()})
		}
	})
}

func snsRefuse(w http.ResponseWriter, code, message string) {
	snsWrite(w, http.StatusBadRequest, snsFailure{XMLNS: snsXMLNS, Type: "Sender", Code: code, Message: message, RequestID: rand.Text()})
}

func snsWrite(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	xml.NewEncoder(w).Encode(v) // fails only when the client is gone
}
