// Package awsenv reads what a client of AWS needs from the environment that Lambda
// gives a function, without the SDK's config package, which would cost every cold
// start 3 to 4 ms and the binary megabytes. All clients of this project are made of
// it.
package awsenv

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A Config is what a client is made of.
type Config struct {
	Region       string
	Credentials  aws.CredentialsProvider
	BaseEndpoint *string // nil: the service's own
	FIPS         aws.FIPSEndpointState
	DualStack    aws.DualStackEndpointState
}

// Errors of Load say what is not set. Outside of Lambda a client must be passed.
var (
	ErrRegion      = errors.New("AWS_REGION is not set")
	ErrCredentials = errors.New("neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
)

// Load reads the environment. Service is the name of the service in the variable of
// its endpoint, such as DYNAMODB in AWS_ENDPOINT_URL_DYNAMODB.
//
// Credentials are read anew for each request. They are those of the variables, or
// those of the endpoint that AWS_CONTAINER_CREDENTIALS_FULL_URI names: Lambda with
// SnapStart sets that one, because variables would be frozen into the snapshot
// (https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html).
func Load(service string) (Config, error) {
	c := Config{Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))}
	if c.Region == "" {
		return Config{}, ErrRegion
	}
	switch {
	case os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") != "":
		c.Credentials = aws.CredentialsProviderFunc(fromVariables)
	case os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		c.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(fromContainer), func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = expiryWindow
		})
	default:
		return Config{}, ErrCredentials
	}
	if url := endpoint(service); url != "" {
		c.BaseEndpoint = &url
	}
	if isTrue("AWS_USE_FIPS_ENDPOINT") {
		c.FIPS = aws.FIPSEndpointStateEnabled
	}
	if isTrue("AWS_USE_DUALSTACK_ENDPOINT") {
		c.DualStack = aws.DualStackEndpointStateEnabled
	}
	return c, nil
}

// endpoint is what the SDKs' shared settings say
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func endpoint(service string) string {
	if isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return ""
	}
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_"+service), os.Getenv("AWS_ENDPOINT_URL"))
}

func isTrue(name string) bool { return strings.EqualFold(os.Getenv(name), "true") }
