package awsenv

// This file reads credentials, from variables or from the container's endpoint.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func fromVariables(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}, nil
}

// expiryWindow is how long before they expire credentials are read again.
const expiryWindow = 5 * time.Minute

// local asks the container's endpoint, which is on this host: through no proxy,
// and without following it elsewhere.
var local = &http.Client{
	Timeout:       2 * time.Second,
	Transport:     &http.Transport{},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// fromContainer asks the endpoint that the container credential provider of the
// SDKs asks (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
func fromContainer(ctx context.Context) (aws.Credentials, error) {
	where := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if err := allowed(where); err != nil {
		return aws.Credentials{}, err
	}
	token, err := authorization()
	if err != nil {
		return aws.Credentials{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return aws.Credentials{}, errors.New("the URL of the container's credentials is malformed")
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := local.Do(req)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("the container's credentials: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return aws.Credentials{}, fmt.Errorf("the container's credentials: HTTP %d", res.StatusCode)
	}
	return decode(io.LimitReader(res.Body, 64<<10))
}

// allowed keeps the function's token on this host, or on an encrypted connection.
func allowed(where string) error {
	u, err := url.Parse(where)
	if err != nil || u.Host == "" {
		return errors.New("the URL of the container's credentials is malformed")
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	switch {
	case u.Scheme == "https", host == "localhost", ip != nil && ip.IsLoopback():
		return nil
	case host == "169.254.170.2", host == "169.254.170.23", host == "fd00:ec2::23": // ECS and EKS
		return nil
	}
	return errors.New("the URL of the container's credentials is neither https nor on this host")
}

func authorization() (string, error) {
	name := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
	if name == "" {
		return os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"), nil
	}
	token, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("the token for the container's credentials: %w", err)
	}
	return strings.TrimSpace(string(token)), nil
}

func decode(r io.Reader) (aws.Credentials, error) {
	var got struct {
		AccessKeyID     string    `json:"AccessKeyId"`
		SecretAccessKey string    `json:"SecretAccessKey"`
		Token           string    `json:"Token"`
		Expiration      time.Time `json:"Expiration"`
	}
	if err := json.NewDecoder(r).Decode(&got); err != nil || got.AccessKeyID == "" || got.SecretAccessKey == "" {
		return aws.Credentials{}, errors.New("the container's credentials are malformed")
	}
	return aws.Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token,
		CanExpire: !got.Expiration.IsZero(), Expires: got.Expiration, Source: "container",
	}, nil
}
