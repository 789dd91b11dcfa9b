package main

// This file is what triggers send with, as far as they can tell: Amazon SNS
// (Publish to a phone number), Amazon SES (SendEmail of both APIs) and AWS End
// User Messaging (SendTextMessage). Everything that is sent arrives in the
// mailbox. Signatures are not checked.

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Where they are below the URL.
const (
	pathSNS = "/_aws/sns"
	pathSES = "/_aws/ses"
	pathSMS = "/_aws/sms-voice"
)

// awsEnv points the SDKs of a function here.
func awsEnv(url string) []string {
	return []string{
		"AWS_ENDPOINT_URL_SNS=" + url + pathSNS,
		"AWS_ENDPOINT_URL_SES=" + url + pathSES,
		"AWS_ENDPOINT_URL_SESV2=" + url + pathSES,
		"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2=" + url + pathSMS,
		"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=" + url,
	}
}

// serveAWS serves all of them.
func serveAWS(b *mailbox) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathSNS+"/{$}", func(w http.ResponseWriter, r *http.Request) { serveQuery(w, r, b, snsActions) })
	mux.HandleFunc("POST "+pathSNS, func(w http.ResponseWriter, r *http.Request) { serveQuery(w, r, b, snsActions) })
	mux.HandleFunc("POST "+pathSES+"/{$}", func(w http.ResponseWriter, r *http.Request) { serveQuery(w, r, b, sesActions) })
	mux.HandleFunc("POST "+pathSES, func(w http.ResponseWriter, r *http.Request) { serveQuery(w, r, b, sesActions) })
	mux.HandleFunc("POST "+pathSES+"/v2/email/outbound-emails", func(w http.ResponseWriter, r *http.Request) { serveJSON(w, r, b, sesv2Email) })
	mux.HandleFunc("POST "+pathSMS+"/{$}", func(w http.ResponseWriter, r *http.Request) { serveSMSVoice(w, r, b) })
	mux.HandleFunc("POST "+pathSMS, func(w http.ResponseWriter, r *http.Request) { serveSMSVoice(w, r, b) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		awsFailure(w, http.StatusNotFound, "UnknownOperationException", "cognitotest: there is no "+r.Method+" "+r.URL.Path)
	})
	return mux
}

// A queryAction reads messages from the form of a request.
type queryAction struct {
	namespace string
	read      func(form url.Values) ([]message, error)
}

var snsActions = map[string]queryAction{"Publish": {"http://sns.amazonaws.com/doc/2010-03-31/", snsPublish}}

var sesActions = map[string]queryAction{"SendEmail": {"http://ses.amazonaws.com/doc/2010-12-01/", sesEmail}}

// serveQuery speaks the AWS Query protocol: a form in, XML out.
func serveQuery(w http.ResponseWriter, r *http.Request, b *mailbox, actions map[string]queryAction) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		queryFailure(w, "", "MalformedQueryString", err.Error())
		return
	}
	name := form.Get("Action")
	action, ok := actions[name]
	if !ok {
		queryFailure(w, "", "InvalidAction", fmt.Sprintf("cognitotest: the action %q is not there", name))
		return
	}
	messages, err := action.read(form)
	if err != nil {
		queryFailure(w, action.namespace, "InvalidParameter", "Invalid parameter: "+err.Error())
		return
	}
	for _, m := range messages {
		b.put(m)
	}
	type result struct {
		XMLName   xml.Name
		MessageID string `xml:"MessageId"`
	}
	writeXML(w, http.StatusOK, struct {
		XMLName   xml.Name
		NS        string `xml:"xmlns,attr"`
		Result    result
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}{xml.Name{Local: name + "Response"}, action.namespace, result{xml.Name{Local: name + "Result"}, newUUID()}, newUUID()})
}

// invalid is an error whose text is as the services write theirs.
func invalid(text string) error { return errors.New(text) }

var phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

func snsPublish(form url.Values) ([]message, error) {
	m := message{From: "sns", Medium: "SMS", To: form.Get("PhoneNumber"), Text: form.Get("Message")}
	switch {
	case form.Has("TopicArn") || form.Has("TargetArn"):
		return nil, invalid("TopicArn: cognitotest takes messages to phone numbers alone")
	case !phonePattern.MatchString(m.To):
		return nil, invalid("PhoneNumber Reason: " + m.To + " is not valid to publish to")
	case m.Text == "":
		return nil, invalid("Empty message")
	case utf8.RuneCountInString(m.Text) > 1600:
		return nil, invalid("Message too long")
	}
	return []message{m}, nil
}

func sesEmail(form url.Values) ([]message, error) {
	var to []string
	for _, list := range []string{"ToAddresses", "CcAddresses", "BccAddresses"} {
		for i := 1; form.Has(fmt.Sprintf("Destination.%s.member.%d", list, i)); i++ {
			to = append(to, form.Get(fmt.Sprintf("Destination.%s.member.%d", list, i)))
		}
	}
	return mails(message{
		From:    "ses",
		Subject: form.Get("Message.Subject.Data"),
		Text:    form.Get("Message.Body.Text.Data"),
		HTML:    form.Get("Message.Body.Html.Data"),
	}, to)
}

// mails makes a message for each address.
func mails(m message, to []string) ([]message, error) {
	if len(to) == 0 {
		return nil, invalid("Destination: nobody is to get it")
	}
	if m.Text == "" && m.HTML == "" {
		return nil, invalid("Body: it is empty")
	}
	m.Medium = "EMAIL"
	var list []message
	for _, address := range to {
		parsed, err := mail.ParseAddress(address)
		if err != nil {
			return nil, invalid(fmt.Sprintf("Destination: %q: %v", address, err))
		}
		m.To = parsed.Address
		list = append(list, m)
	}
	return list, nil
}

// sesv2Email reads SendEmail of the SES API v2.
func sesv2Email(body []byte) ([]message, error) {
	type part struct{ Data string }
	var in struct {
		Destination struct{ ToAddresses, CcAddresses, BccAddresses []string }
		Content     struct {
			Simple *struct {
				Subject part
				Body    struct{ Text, Html part }
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.Content.Simple == nil {
		return nil, invalid("Content: cognitotest takes Simple alone")
	}
	to := append(append(in.Destination.ToAddresses, in.Destination.CcAddresses...), in.Destination.BccAddresses...)
	return mails(message{
		From:    "ses",
		Subject: in.Content.Simple.Subject.Data,
		Text:    in.Content.Simple.Body.Text.Data,
		HTML:    in.Content.Simple.Body.Html.Data,
	}, to)
}

func serveSMSVoice(w http.ResponseWriter, r *http.Request, b *mailbox) {
	if target := r.Header.Get("X-Amz-Target"); target != "PinpointSMSVoiceV2.SendTextMessage" {
		awsFailure(w, http.StatusBadRequest, "UnknownOperationException", fmt.Sprintf("cognitotest: the operation %q is not there", target))
		return
	}
	serveJSON(w, r, b, func(body []byte) ([]message, error) {
		var in struct{ DestinationPhoneNumber, MessageBody string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		if !phonePattern.MatchString(in.DestinationPhoneNumber) {
			return nil, invalid("DestinationPhoneNumber: want the form of E.164")
		}
		if in.MessageBody == "" {
			return nil, invalid("MessageBody: it is empty")
		}
		return []message{{From: "sms-voice", Medium: "SMS", To: in.DestinationPhoneNumber, Text: in.MessageBody}}, nil
	})
}

// serveJSON takes a request with a JSON body and answers the ID of a message.
func serveJSON(w http.ResponseWriter, r *http.Request, b *mailbox, read func([]byte) ([]message, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		return
	}
	messages, err := read(body)
	if err != nil {
		awsFailure(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	for _, m := range messages {
		b.put(m)
	}
	writeJSON(w, http.StatusOK, map[string]string{"MessageId": newUUID()})
}

func awsFailure(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	writeJSON(w, status, map[string]string{"__type": kind, "message": text})
}

func queryFailure(w http.ResponseWriter, namespace, code, text string) {
	writeXML(w, http.StatusBadRequest, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		NS        string   `xml:"xmlns,attr,omitempty"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}{NS: namespace, Type: "Sender", Code: code, Message: text, RequestID: newUUID()})
}

func writeXML(w http.ResponseWriter, status int, answer any) {
	body, err := xml.Marshal(answer)
	if err != nil {
		panic(err) // the answers above can be written
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	w.Write(body)
}

// isAWS reports whether the path is one of these.
func isAWS(path string) bool { return strings.HasPrefix(path, "/_aws/") }
