package secretskeys_test

// This file is a stand-in for Secrets Manager that speaks its JSON 1.1, under the
// SDK's own client, in this process.

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/cyber-eternal/customauth/secretskeys"
)

const secretID = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:keys"

// A service holds one secret.
type service struct {
	mu       sync.Mutex
	values   map[string]string   // by version
	stages   map[string][]string // by version
	rotating bool
	rotated  time.Time
	down     bool
	reads    int
}

// newService holds a secret of one version, "v0".
func newService(value string) *service {
	return &service{
		values:   map[string]string{"v0": value},
		stages:   map[string][]string{"v0": {"AWSCURRENT"}},
		rotating: true,
	}
}

func (s *service) client() *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{
		Region: "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient:       s,
		RetryMaxAttempts: 1,
	})
}

// Do answers a request without a network.
func (s *service) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

type request struct {
	SecretId, VersionId, VersionStage, ClientRequestToken, SecretString string
	MoveToVersionId, RemoveFromVersionId                                string
	VersionStages                                                       []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in request
	body, _ := io.ReadAll(r.Body)
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		refuse(w, "SerializationException")
		return
	}
	switch {
	case s.down:
		http.Error(w, "{}", http.StatusServiceUnavailable)
		return
	case in.SecretId != secretID:
		refuse(w, "ResourceNotFoundException")
		return
	}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.") {
	case "GetSecretValue":
		s.get(w, in)
	case "DescribeSecret":
		out := map[string]any{"ARN": secretID, "RotationEnabled": s.rotating, "VersionIdsToStages": s.stages}
		if !s.rotated.IsZero() {
			out["LastRotatedDate"] = s.rotated.Unix()
		}
		json.NewEncoder(w).Encode(out)
	case "PutSecretValue":
		s.values[in.ClientRequestToken], s.stages[in.ClientRequestToken] = in.SecretString, in.VersionStages
		json.NewEncoder(w).Encode(map[string]any{"ARN": secretID, "VersionId": in.ClientRequestToken})
	case "UpdateSecretVersionStage":
		s.move(w, in)
	default:
		refuse(w, "InvalidRequestException")
	}
}

func (s *service) get(w http.ResponseWriter, in request) {
	s.reads++
	if in.VersionStage == "" {
		in.VersionStage = "AWSCURRENT"
	}
	for id, stages := range s.stages {
		if value, ok := s.values[id]; ok && slices.Contains(stages, in.VersionStage) && (in.VersionId == "" || in.VersionId == id) {
			json.NewEncoder(w).Encode(map[string]any{"ARN": secretID, "VersionId": id, "SecretString": value, "VersionStages": stages})
			return
		}
	}
	refuse(w, "ResourceNotFoundException")
}

// move takes a stage from one version to another. The version that was current
// becomes AWSPREVIOUS, as the service has it.
func (s *service) move(w http.ResponseWriter, in request) {
	if !slices.Contains(s.stages[in.RemoveFromVersionId], in.VersionStage) {
		refuse(w, "InvalidParameterException")
		return
	}
	s.stages[in.RemoveFromVersionId] = []string{"AWSPREVIOUS"}
	s.stages[in.MoveToVersionId] = []string{in.VersionStage}
	json.NewEncoder(w).Encode(map[string]any{"ARN": secretID})
}

func refuse(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]string{"__type": name, "Message": name})
}

// rotate does what the service does for a rotation: it makes a version and calls the
// function four times. It returns the first error.
func (s *service) rotate(ctx context.Context, version string) error {
	handle, err := secretskeys.NewRotation(s.client())
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.stages[version] = []string{"AWSPENDING"}
	s.mu.Unlock()
	for _, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
		if err := handle(ctx, event(step, version)); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotated = time.Now()
	return nil
}

func event(step, version string) secretskeys.RotationEvent {
	return secretskeys.RotationEvent{Step: step, SecretID: secretID, ClientRequestToken: version}
}

// current are the keys that are AWSCURRENT.
func (s *service) current() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range maps.Keys(s.stages) {
		if slices.Contains(s.stages[id], "AWSCURRENT") {
			return strings.Split(s.values[id], ",")
		}
	}
	return nil
}
