// Command standard is a hand-written function for the three triggers that asks SNS
// with the standard library alone, and signs its requests itself (AWS Signature
// Version 4). A function that sends a text cannot do with less: it is the second floor.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/e2e/bench/usual"
)

func main() { lambda.Start(usual.Handler(send)) }

func send(ctx context.Context, phone, text string) error {
	region := os.Getenv("AWS_REGION")
	endpoint := os.Getenv("AWS_ENDPOINT_URL_SNS")
	if endpoint == "" {
		endpoint = "https://sns." + region + ".amazonaws.com"
	}
	body := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {phone}, "Message": {text}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sign(r, body, region, time.Now().UTC())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("sns answered %s", res.Status)
	}
	return nil
}

// sign signs a request, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
func sign(r *http.Request, body, region string, now time.Time) {
	date := now.Format("20060102T150405Z")
	scope := date[:8] + "/" + region + "/sns/aws4_request"
	r.Header.Set("X-Amz-Date", date)
	r.Header.Set("X-Amz-Security-Token", os.Getenv("AWS_SESSION_TOKEN"))
	const signed = "content-type;host;x-amz-date;x-amz-security-token"
	request := strings.Join([]string{
		"POST", "/", "",
		"content-type:" + r.Header.Get("Content-Type"), "host:" + r.URL.Host,
		"x-amz-date:" + date, "x-amz-security-token:" + os.Getenv("AWS_SESSION_TOKEN"), "",
		signed, hash(body),
	}, "\n")
	key := []byte("AWS4" + os.Getenv("AWS_SECRET_ACCESS_KEY"))
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hash(request)}, "\n"))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		os.Getenv("AWS_ACCESS_KEY_ID"), scope, signed, signature))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
