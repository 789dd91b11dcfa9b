package main

// This file is Secrets Manager, as far as the functions have rights to it: secrets with
// versions and their stages.

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	keysSecret    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:Key"
	counterSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:CounterKey"
)

// secrets are the secrets by their names.
type secrets struct {
	mu  sync.Mutex
	all map[string]*secret
}

type secret struct {
	values map[string]string   // by version
	stages map[string][]string // by version
}

func newSecrets() *secrets {
	s := &secrets{all: map[string]*secret{}}
	for name, value := range map[string]string{
		keysSecret: key, counterSecret: counterKey, "broken": "too short", "two": key + "," + counterKey,
	} {
		s.all[name] = &secret{map[string]string{"v0": value}, map[string][]string{"v0": {"AWSCURRENT"}}}
	}
	return s
}

type secretsRequest struct {
	SecretId, VersionId, VersionStage, ClientRequestToken, SecretString string
	MoveToVersionId, RemoveFromVersionId                                string
	VersionStages                                                       []string
}

func (s *secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in secretsRequest
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	one, ok := s.all[in.SecretId]
	if !ok {
		refuse(w, map[bool]string{true: "AccessDeniedException", false: "ResourceNotFoundException"}[in.SecretId == "denied"])
		return
	}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.") {
	case "GetSecretValue":
		one.get(w, in)
	case "DescribeSecret":
		json.NewEncoder(w).Encode(map[string]any{"RotationEnabled": true, "VersionIdsToStages": one.stages})
	case "PutSecretValue":
		one.values[in.ClientRequestToken], one.stages[in.ClientRequestToken] = in.SecretString, in.VersionStages
		io.WriteString(w, "{}")
	case "UpdateSecretVersionStage":
		one.stages[in.RemoveFromVersionId], one.stages[in.MoveToVersionId] = []string{"AWSPREVIOUS"}, []string{in.VersionStage}
		io.WriteString(w, "{}")
	default:
		refuse(w, "InvalidRequestException")
	}
}

func (s *secret) get(w http.ResponseWriter, in secretsRequest) {
	if in.VersionStage == "" {
		in.VersionStage = "AWSCURRENT"
	}
	for id, value := range s.values {
		if slices.Contains(s.stages[id], in.VersionStage) && (in.VersionId == "" || in.VersionId == id) {
			json.NewEncoder(w).Encode(map[string]any{"VersionId": id, "SecretString": value})
			return
		}
	}
	refuse(w, "ResourceNotFoundException")
}

func refuse(w http.ResponseWriter, name string) {
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(map[string]string{"__type": name, "Message": "not allowed"})
}

// keys are those that are current.
func (s *secrets) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, stages := range s.all[keysSecret].stages {
		if slices.Contains(stages, "AWSCURRENT") {
			return strings.Split(s.all[keysSecret].values[id], ",")
		}
	}
	return nil
}

// pend makes a version that is to be, as Secrets Manager does before a rotation.
func (s *secrets) pend(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[keysSecret].stages[version] = []string{"AWSPENDING"}
}
