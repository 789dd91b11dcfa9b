package dynamodbstore

// This file asks DynamoDB: the client, the time that a request has, and what is
// tried again.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cyber-eternal/customauth/internal/awsenv"
)

// API is what the store asks of DynamoDB. *dynamodb.Client has it.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// fromEnvironment builds the client of a Lambda function.
func fromEnvironment() (*dynamodb.Client, error) {
	env, err := awsenv.Load("DYNAMODB")
	if err != nil {
		return nil, fmt.Errorf("dynamodbstore: %w; outside of Lambda pass Options.Client", err)
	}
	return dynamodb.New(dynamodb.Options{
		Region: env.Region, Credentials: env.Credentials, BaseEndpoint: env.BaseEndpoint, HTTPClient: awsenv.NewConns(),
		EndpointOptions: dynamodb.EndpointResolverOptions{UseFIPSEndpoint: env.FIPS, UseDualStackEndpoint: env.DualStack},
	}), nil
}

type item = map[string]types.AttributeValue

// get reads an item; it is nil if there is none.
func (s *Store) get(ctx context.Context, pk string, consistent bool) (it item, err error) {
	err = s.try(ctx, again, func(ctx context.Context) error {
		out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:              aws.String(s.table),
			Key:                    key(pk),
			ConsistentRead:         aws.Bool(consistent),
			ReturnConsumedCapacity: proof,
		}, noRetries)
		if err != nil {
			return err
		}
		it = out.Item
		return proven(out.ConsumedCapacity)
	})
	return it, err
}

// remove deletes an item and returns it; it is nil if there was none.
func (s *Store) remove(ctx context.Context, pk string) (old item, err error) {
	err = s.try(ctx, again, func(ctx context.Context) error {
		out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName:              aws.String(s.table),
			Key:                    key(pk),
			ReturnValues:           types.ReturnValueAllOld,
			ReturnConsumedCapacity: proof,
		}, noRetries)
		if err != nil {
			return err
		}
		old = out.Attributes
		return proven(out.ConsumedCapacity)
	})
	return old, err
}

// Every answer must say what it cost. An empty one, from a proxy perhaps, would
// else look like that about an item that never was.
const proof = types.ReturnConsumedCapacityTotal

func proven(cost *types.ConsumedCapacity) error {
	if cost == nil || cost.CapacityUnits == nil {
		return errAnswer
	}
	return nil
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
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask, ReturnConsumedCapacity: proof}, noRetries)
		if err != nil {
			return err
		}
		if len(out.ConsumedCapacity) == 0 {
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

// write updates an item. Old is the item as it was. If the condition failed, done
// is false.
func (s *Store) write(ctx context.Context, retry func(error) bool, pk string, x expression) (old item, done bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName:                 aws.String(s.table),
		Key:                       key(pk),
		UpdateExpression:          aws.String(x.update()),
		ConditionExpression:       x.condition(),
		ExpressionAttributeNames:  x.names,
		ExpressionAttributeValues: x.values,
		ReturnValues:              types.ReturnValueAllOld,
		ReturnConsumedCapacity:    proof,

		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	err = s.try(ctx, retry, func(ctx context.Context) error {
		out, err := s.client.UpdateItem(ctx, in, noRetries)
		if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
			old, done = failed.Item, false
			return nil
		}
		if err != nil {
			return err
		}
		old, done = out.Attributes, true
		return proven(out.ConsumedCapacity)
	})
	return old, done, err
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

// milliseconds turns a wait into a duration, without overflow.
func milliseconds(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return forever
	}
	return time.Duration(max(ms, 0)) * time.Millisecond
}
