package dynamodbstore_test

// What requests cost, as the server says it.

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// A bill is what requests cost.
type bill struct {
	reads, writes int
	units         float64
}

// A meter adds up what a client's requests cost, as DynamoDB says it.
type meter struct {
	ignore string // keys that begin so are not counted, if not empty

	mu  sync.Mutex
	sum bill
}

func (m *meter) total() bill {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

// reset forgets what was spent so far.
func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum = bill{}
}

func (m *meter) ignores(key map[string]types.AttributeValue) bool {
	pk, ok := key["pk"].(*types.AttributeValueMemberS)
	return ok && m.ignore != "" && strings.HasPrefix(pk.Value, m.ignore)
}

func (m *meter) client(t *testing.T) *dynamodb.Client {
	ask := middleware.InitializeMiddlewareFunc("meter", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		var sum bill
		if update, ok := in.Parameters.(*dynamodb.UpdateItemInput); ok && m.ignores(update.Key) {
			return next.HandleInitialize(ctx, in)
		}
		if get, ok := in.Parameters.(*dynamodb.GetItemInput); ok && m.ignores(get.Key) {
			return next.HandleInitialize(ctx, in)
		}
		if batch, ok := in.Parameters.(*dynamodb.BatchGetItemInput); ok {
			for _, all := range batch.RequestItems {
				if m.ignores(all.Keys[0]) {
					return next.HandleInitialize(ctx, in)
				}
			}
		}
		switch in := in.Parameters.(type) {
		case *dynamodb.GetItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.reads++
		case *dynamodb.BatchGetItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.reads += len(in.RequestItems)
		case *dynamodb.UpdateItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.writes++
		case *dynamodb.DeleteItemInput:
			in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
			sum.writes++
		}
		out, md, err := next.HandleInitialize(ctx, in)
		var consumed []types.ConsumedCapacity
		switch refused := (*types.ConditionalCheckFailedException)(nil); {
		case errors.As(err, &refused):
			sum.units++ // a refused write costs as much; its answer does not say so
		case err != nil:
			t.Errorf("the server failed: %v", err)
		default:
			switch out := out.Result.(type) {
			case *dynamodb.GetItemOutput:
				consumed = append(consumed, *out.ConsumedCapacity)
			case *dynamodb.BatchGetItemOutput:
				consumed = out.ConsumedCapacity
			case *dynamodb.UpdateItemOutput:
				consumed = append(consumed, *out.ConsumedCapacity)
			case *dynamodb.DeleteItemOutput:
				consumed = append(consumed, *out.ConsumedCapacity)
			}
		}
		for _, c := range consumed {
			sum.units += aws.ToFloat64(c.CapacityUnits)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.sum.reads += sum.reads
		m.sum.writes += sum.writes
		m.sum.units += sum.units
		return out, md, err
	})
	return client(dynamotest.URL(t), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Initialize.Add(ask, middleware.Before) })
	})
}
