package sendonce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cyber-eternal/customauth/internal/sendonce"
)

var _ aws.RetryerV2 = sendonce.Retryer{}

func answer(code, message string) error {
	return fmt.Errorf("operation: %w", &smithy.GenericAPIError{Code: code, Message: message})
}

// Only what the service refused is asked for again, and once.
func TestRetryer(t *testing.T) {
	r := sendonce.Retryer{Refused: func(e smithy.APIError) bool { return sendonce.IsThrottling(e.ErrorCode()) }}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"throttled":        {answer("ThrottlingException", "Rate exceeded"), true},
		"SES's word":       {answer("TooManyRequestsException", "Maximum sending rate exceeded."), true},
		"another answer":   {answer("InternalServerException", "x"), false},
		"a timeout":        {context.DeadlineExceeded, false},
		"a lost line":      {io.ErrUnexpectedEOF, false},
		"a word in a text": {errors.New("ThrottlingException"), false},
	} {
		if got := r.IsErrorRetryable(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if r.MaxAttempts() != 2 {
		t.Errorf("%d attempts", r.MaxAttempts())
	}
}

func TestExplain(t *testing.T) {
	kind := errors.New("customauth: sending is throttled")
	cause := answer("Some", "no text to +12065550100 with 246813")
	res := &awshttp.ResponseError{RequestID: "id-1", ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400}}, Err: cause,
	}}
	for name, tt := range map[string]struct {
		err    error
		kind   error
		reason string
		want   string
	}{
		"all of it":   {res, kind, "WHY", "customauth: sending is throttled: x: send failed: Some: WHY no text to "},
		"no kind":     {cause, nil, "", "x: send failed: Some: no text to "},
		"no answer":   {fmt.Errorf("246813: %w", io.EOF), nil, "", "x: send failed: "},
		"with status": {res, nil, "", "(HTTP 400, request id id-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			err := sendonce.Explain("x", tt.err, tt.kind, tt.reason, "246813", "+12065550100")
			printed := fmt.Sprintf("%v %+v %#v", err, err, err)
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(printed, "246813") || strings.Contains(printed, "2065550100") {
				t.Errorf("%s\nwant %q in it, and no secret", printed, tt.want)
			}
			if !errors.Is(err, errors.Unwrap(tt.err)) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Error("what it was is lost")
			}
		})
	}
}
