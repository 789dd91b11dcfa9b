// Package credentials keeps what users enrol (passkeys, secrets of authenticator
// apps, devices, recovery codes) in Amazon DynamoDB.
//
//	store, err := credentials.New(credentials.Options{Table: os.Getenv("CREDENTIALS_TABLE")})
//	...
//	vault, err := credential.New(store, keys)
//
// A record is one item, a list one query, which is strongly consistent: nobody signs
// in with a passkey that was removed a moment ago. A write is conditional on the
// version that was read, so none is lost.
//
// The table is not that of the limits: its items must last, so it wants point-in-time
// recovery and deletion protection, and no time to live. See the README.
package credentials

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/internal/awsenv"
)

// API is what the store asks of DynamoDB. *dynamodb.Client has it.
type API interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Options configure a store. Only Table is required.
type Options struct {
	// Table is the name or the ARN of the table. Its partition key is the string "pk",
	// its sort key the string "sk".
	Table string

	// Client is asked for everything. Default: one that is built from the environment
	// of a Lambda function (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
	// AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL). The SDK's own
	// retries are turned off for each request: the store tries again itself, within
	// Timeout.
	Client API

	// Timeout bounds a call of the store, with all its tries. Default 1.5 seconds,
	// from 50 ms to 4 s: Cognito gives a trigger 5 s.
	Timeout time.Duration
}

const (
	defaultTimeout = 1500 * time.Millisecond
	minTimeout     = 50 * time.Millisecond
	maxTimeout     = 4 * time.Second
	maxTries       = 3
)

// Store is a [credential.Store]. It is safe for concurrent use.
type Store struct {
	table   string
	client  API
	timeout time.Duration
}

var _ credential.Store = (*Store)(nil)

// New returns a Store. It makes no request.
func New(o Options) (*Store, error) {
	s := &Store{o.Table, o.Client, cmp.Or(o.Timeout, defaultTimeout)}
	if o.Table == "" {
		return nil, errors.New("credentials: Table must be the name or the ARN of a table")
	}
	if s.timeout < minTimeout || s.timeout > maxTimeout {
		return nil, fmt.Errorf("credentials: Timeout must be from %v to %v, not %v", minTimeout, maxTimeout, o.Timeout)
	}
	if s.client == nil {
		env, err := awsenv.Load("DYNAMODB")
		if err != nil {
			return nil, fmt.Errorf("credentials: %w: outside of Lambda pass Options.Client", err)
		}
		s.client = dynamodb.New(dynamodb.Options{
			Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: awsenv.NewConns(),
			EndpointOptions: dynamodb.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
		})
	}
	return s, nil
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// key names an item. A kind has no "#".
func key(owner, kind, id string) item {
	return item{"pk": text(owner), "sk": text(kind + "#" + id)}
}

var errItem = errors.New("an item in the table is not one of this package")

// read reads an item of an owner and kind.
func read(it item, owner, kind string) (credential.Item, error) {
	sk, ok1 := it["sk"].(*types.AttributeValueMemberS)
	v, ok2 := it["v"].(*types.AttributeValueMemberN)
	sealed, ok3 := it["sealed"].(*types.AttributeValueMemberB)
	if !ok1 || !ok2 || !ok3 {
		return credential.Item{}, errItem
	}
	version, err := strconv.ParseInt(v.Value, 10, 64)
	id, ok := strings.CutPrefix(sk.Value, kind+"#")
	if err != nil || version < 1 || !ok {
		return credential.Item{}, errItem
	}
	return credential.Item{Owner: owner, Kind: kind, ID: id, Version: version, Sealed: sealed.Value}, nil
}

// List implements [credential.Store].
func (s *Store) List(ctx context.Context, owner, kind string) ([]credential.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var items []credential.Item
	var from item
	for {
		var out *dynamodb.QueryOutput
		err := s.try(ctx, func(ctx context.Context) (err error) {
			out, err = s.client.Query(ctx, &dynamodb.QueryInput{
				TableName:                 aws.String(s.table),
				ConsistentRead:            aws.Bool(true),
				KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :sk)"),
				ExpressionAttributeValues: item{":pk": text(owner), ":sk": text(kind + "#")},
				ExclusiveStartKey:         from,
			}, noRetries)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("credentials: list: %w", err)
		}
		for _, found := range out.Items {
			it, err := read(found, owner, kind)
			if err != nil {
				return nil, fmt.Errorf("credentials: list: %w", err)
			}
			items = append(items, it)
		}
		if from = out.LastEvaluatedKey; len(from) == 0 {
			return items, nil
		}
	}
}

// Put implements [credential.Store].
func (s *Store) Put(ctx context.Context, it credential.Item) error {
	if it.Version < 1 {
		return fmt.Errorf("credentials: put: %w", credential.ErrConflict)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	written := key(it.Owner, it.Kind, it.ID)
	written["v"], written["sealed"] = number(it.Version), &types.AttributeValueMemberB{Value: it.Sealed}
	in := &dynamodb.PutItemInput{
		TableName:                           aws.String(s.table),
		Item:                                written,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if it.Version > 1 {
		in.ConditionExpression = aws.String("v = :before")
		in.ExpressionAttributeValues = item{":before": number(it.Version - 1)}
	}
	tries := 0
	err := s.try(ctx, func(ctx context.Context) error {
		tries++
		_, err := s.client.PutItem(ctx, in, noRetries)
		return err
	})
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		// A request that is sent again, because its answer was lost, finds itself.
		if there, err := read(failed.Item, it.Owner, it.Kind); tries > 1 && err == nil &&
			there.Version == it.Version && bytes.Equal(there.Sealed, it.Sealed) {
			return nil
		}
		return fmt.Errorf("credentials: put: %w", credential.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("credentials: put: %w", err)
	}
	return nil
}

// Delete implements [credential.Store].
func (s *Store) Delete(ctx context.Context, it credential.Item) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.try(ctx, func(ctx context.Context) error {
		_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName:                 aws.String(s.table),
			Key:                       key(it.Owner, it.Kind, it.ID),
			ConditionExpression:       aws.String("attribute_not_exists(pk) OR v = :v"),
			ExpressionAttributeValues: item{":v": number(it.Version)},
		}, noRetries)
		return err
	})
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		return fmt.Errorf("credentials: delete: %w", credential.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("credentials: delete: %w", err)
	}
	return nil
}

// try makes a request, and again if it may have failed by chance, until the context's
// time is up. No try has more than half of the time of a call, so that a connection
// that died while the function was frozen leaves time for a second one.
func (s *Store) try(ctx context.Context, request func(context.Context) error) error {
	for tries := 1; ; tries++ {
		one, cancel := context.WithTimeout(ctx, s.timeout/2)
		err := request(one)
		cancel()
		if err == nil || tries == maxTries || ctx.Err() != nil || !again(err) {
			return err
		}
		pause := time.Duration(tries) * s.timeout / 24
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// again says whether a request is worth another try. All of them may be made twice.
func again(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return true // no answer, or none that can be read
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException":
		return true
	}
	var res *smithyhttp.ResponseError
	return errors.As(err, &res) && res.HTTPStatusCode() >= 500
}

func noRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
