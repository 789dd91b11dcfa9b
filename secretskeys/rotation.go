package secretskeys

// This file is the function that Secrets Manager calls to rotate a secret.

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/cyber-eternal/customauth"
)

// A Client is what a rotation needs of *secretsmanager.Client.
type Client interface {
	Reader
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
	UpdateSecretVersionStage(context.Context, *secretsmanager.UpdateSecretVersionStageInput, ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error)
}

// A RotationEvent is what Secrets Manager calls the function with, four times for one
// rotation. See
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html.
type RotationEvent struct {
	Step               string // createSecret, setSecret, testSecret, finishSecret
	SecretID           string `json:"SecretId"`
	ClientRequestToken string // the id of the new version
}

// apart is how long after a rotation the next may be. A key that is dropped sealed
// until the rotation before: by then the sign-ins that it sealed have ended (Cognito's
// sessions last 15 minutes at most), and instances have read the keys again.
const apart = time.Hour

// The stages of a secret's versions.
const (
	currentStage = "AWSCURRENT"
	pendingStage = "AWSPENDING"
)

// NewRotation returns the handler of a rotation function, for lambda.Start. Nil is a
// client of NewClient. The function may be called again for a step that it has done.
//
// It puts a new key second, the second first and the first third, and drops the
// others: see the package's documentation. A secret with one key, as it is made, gets
// a second. A rotation within an hour of the last is refused; after a leak, when all
// keys must go at once and the sign-ins under way with them, put a new value by hand.
func NewRotation(client Client) (func(context.Context, RotationEvent) error, error) {
	if client == nil {
		c, err := NewClient()
		if err != nil {
			return nil, err
		}
		client = c
	}
	return rotation{client}.handle, nil
}

type rotation struct{ client Client }

func (r rotation) handle(ctx context.Context, e RotationEvent) error {
	if e.SecretID == "" || e.ClientRequestToken == "" {
		return errors.New("secretskeys: not an event of Secrets Manager")
	}
	secret, err := r.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &e.SecretID})
	if err != nil {
		return fmt.Errorf("secretskeys: %s: %w", e.Step, err)
	}
	stages := secret.VersionIdsToStages[e.ClientRequestToken]
	switch {
	case !aws.ToBool(secret.RotationEnabled):
		return errors.New("secretskeys: rotation is not enabled for this secret")
	case slices.Contains(stages, currentStage):
		return nil // done before
	case !slices.Contains(stages, pendingStage):
		return errors.New("secretskeys: this version of the secret is not AWSPENDING")
	}
	switch e.Step {
	case "createSecret":
		err = r.create(ctx, e, secret.LastRotatedDate)
	case "setSecret": // there is nothing but the secret itself that would have to know
	case "testSecret":
		err = r.test(ctx, e)
	case "finishSecret":
		err = r.finish(ctx, e, secret.VersionIdsToStages)
	default:
		err = errors.New("no such step")
	}
	if err != nil {
		return fmt.Errorf("secretskeys: %.20q: %w", e.Step, err)
	}
	return nil
}

func (r rotation) create(ctx context.Context, e RotationEvent, last *time.Time) error {
	_, err := r.pending(ctx, e)
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); !missing {
		return err
	}
	if last != nil && time.Since(*last) < apart {
		return fmt.Errorf("the last rotation was less than %v ago, and instances may not know its keys yet", apart)
	}
	current, err := r.value(ctx, e.SecretID, "", currentStage)
	if err != nil {
		return err
	}
	keys := rotate(current, newKey())
	_, err = r.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId:           &e.SecretID,
		ClientRequestToken: &e.ClientRequestToken,
		SecretString:       aws.String(strings.Join(keys, ",")),
		VersionStages:      []string{pendingStage},
	})
	return err
}

// rotate puts the fresh key in its place.
func rotate(keys []string, fresh string) []string {
	if len(keys) == 1 {
		return []string{keys[0], fresh}
	}
	return []string{keys[1], fresh, keys[0]}
}

// newKey is 32 random bytes.
func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// test makes sure that whoever has the old keys and whoever has the new ones
// understand each other.
func (r rotation) test(ctx context.Context, e RotationEvent) error {
	current, err := r.value(ctx, e.SecretID, "", currentStage)
	if err != nil {
		return err
	}
	pending, err := r.pending(ctx, e)
	if err != nil {
		return err
	}
	if !slices.Contains(pending, current[0]) || !slices.Contains(current, pending[0]) {
		return errors.New("the new value and the current one do not know the key by which the other seals")
	}
	return nil
}

func (r rotation) finish(ctx context.Context, e RotationEvent, versions map[string][]string) error {
	in := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &e.SecretID, VersionStage: aws.String(currentStage), MoveToVersionId: &e.ClientRequestToken,
	}
	for id, stages := range versions {
		if slices.Contains(stages, currentStage) {
			in.RemoveFromVersionId = &id
		}
	}
	_, err := r.client.UpdateSecretVersionStage(ctx, in)
	return err
}

func (r rotation) pending(ctx context.Context, e RotationEvent) ([]string, error) {
	return r.value(ctx, e.SecretID, e.ClientRequestToken, pendingStage)
}

// value returns the keys of a version of the secret, as texts.
func (r rotation) value(ctx context.Context, id, version, stage string) ([]string, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: &id, VersionStage: &stage}
	if version != "" {
		in.VersionId = &version
	}
	out, err := r.client.GetSecretValue(ctx, in)
	if err != nil {
		return nil, err
	}
	value := aws.ToString(out.SecretString)
	if _, err := customauth.ParseKeys(value); err != nil {
		return nil, fmt.Errorf("the value that is %s: %w", stage, err)
	}
	keys := strings.Split(value, ",")
	for i, key := range keys {
		keys[i] = strings.TrimSpace(key)
	}
	return keys, nil
}
