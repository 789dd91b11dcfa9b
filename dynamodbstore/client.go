package dynamodbstore

// This file asks DynamoDB: the client, the time that a request has, and what is
// tried again.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// API is what the store asks of DynamoDB. *dynamodb.Client has it.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// fromEnvironment builds the client without the SDK's config package, which costs
// every cold start milliseconds and the binary megabytes.
func fromEnvironment() (*dynamodb.Client, error) {
	region := os.Getenv("AWS_REGION")
	if region == "" {
		region = os.Getenv("AWS_DEFAULT_REGION")
	}
	if region == "" || os.Getenv("AWS_ACCESS_KEY_ID") == "" || os.Getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return nil, errors.New("dynamodbstore: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not all set; outside of Lambda pass Options.Client")
	}
	o := dynamodb.Options{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
				Source:          "environment",
			}, nil
		}),
	}
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
	if os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
		if url := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"); url != "" {
			o.BaseEndpoint = aws.String(url)
		} else if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
	}
	if os.Getenv("AWS_USE_FIPS_ENDPOINT") == "true" {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if os.Getenv("AWS_USE_DUALSTACK_ENDPOINT") == "true" {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return dynamodb.New(o), nil
}

// Warm opens the connection to DynamoDB, by one eventually consistent read. Call
// it before lambda.Start: in the init phase of a function CPU time is free and
// the connection is not yet waited for. An error tells that the table is missing
// or not allowed.
func (s *Store) Warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxTimeout)
	defer cancel()
	if _, err := s.get(ctx, s.hash("warm"), false); err != nil {
		return fmt.Errorf("dynamodbstore: %w", err)
	}
	return nil
}

type item = map[string]types.AttributeValue

// get reads an item; it is nil if there is none.
func (s *Store) get(ctx context.Context, pk string, consistent bool) (it item, err error) {
	err = s.try(ctx, again, func(ctx context.Context) error {
		out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      aws.String(s.table),
			Key:            key(pk),
			ConsistentRead: aws.Bool(consistent),
		}, noRetries)
		if err == nil {
			it = out.Item
		}
		return err
	})
	return it, err
}

// getAll reads several items, as they were written last.
func (s *Store) getAll(ctx context.Context, pks []string) (items []item, err error) {
	ask := map[string]types.KeysAndAttributes{s.table: {ConsistentRead: aws.Bool(true)}}
	for _, pk := range pks {
		ka := ask[s.table]
		ka.Keys = append(ka.Keys, key(pk))
		ask[s.table] = ka
	}
	err = s.try(ctx, again, func(ctx context.Context) error {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask}, noRetries)
		if err != nil {
			return err
		}
		if len(out.Responses) == 0 && len(out.UnprocessedKeys) == 0 {
			return errAnswer
		}
		for _, list := range out.Responses { // of the one table, under its name or ARN
			items = append(items, list...)
		}
		if len(out.UnprocessedKeys) > 0 {
			ask = out.UnprocessedKeys
			return errUnprocessed
		}
		return nil
	})
	return items, err
}

var (
	errUnprocessed = errors.New("DynamoDB left keys unread")
	errAnswer      = errors.New("the answer is not one of DynamoDB")
	errItem        = errors.New("an item in the table is not one of this package")
)

// update writes an item. It returns the attributes that were written, of which
// proof must be one. If the condition failed, old is the item as it was, and not
// nil.
func (s *Store) update(ctx context.Context, retry func(error) bool, proof string, in *dynamodb.UpdateItemInput) (out, old item, err error) {
	in.TableName = aws.String(s.table)
	in.ReturnValues = types.ReturnValueUpdatedNew
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	err = s.try(ctx, retry, func(ctx context.Context) error {
		res, err := s.client.UpdateItem(ctx, in, noRetries)
		if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
			if old = failed.Item; old == nil {
				old = item{}
			}
			return nil
		}
		if err != nil {
			return err
		}
		if out = res.Attributes; out[proof] == nil {
			return errAnswer
		}
		return nil
	})
	return out, old, err
}

const maxTries = 3

// try makes a request, and again if retry says so, until the context's time is
// up. No try has more than half of the time of a call, so that a connection that
// died while the function was frozen leaves time for a second one.
func (s *Store) try(ctx context.Context, retry func(error) bool, request func(context.Context) error) error {
	for tries := 1; ; tries++ {
		one, cancel := context.WithTimeout(ctx, s.timeout/2)
		err := request(one)
		cancel()
		if err == nil || tries == maxTries || ctx.Err() != nil || !retry(err) {
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

// again says whether a request is worth another try that may be made twice.
func again(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return true // no answer, or none that can be read
	}
	var res *smithyhttp.ResponseError
	return errors.As(err, &res) && res.HTTPStatusCode() >= 500 || ifNotDone(err)
}

// ifNotDone says whether a request is worth another try that must not be made
// twice: DynamoDB has refused it because there were too many.
func ifNotDone(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException":
		return true
	}
	return false
}

func noRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func key(pk string) item { return item{"pk": &types.AttributeValueMemberS{Value: pk}} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func readNumber(v types.AttributeValue) (int64, error) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, errItem
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || i < 0 || i > 1<<53 {
		return 0, errItem
	}
	return i, nil
}

// used returns the names that an expression uses: DynamoDB refuses others.
func used(names map[string]string, expression string) map[string]string {
	in := make(map[string]string, len(names))
	for short, name := range names {
		if strings.Contains(expression, short) {
			in[short] = name
		}
	}
	return in
}

// milliseconds turns a wait into a duration, without overflow.
func milliseconds(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return forever
	}
	return time.Duration(max(ms, 0)) * time.Millisecond
}
