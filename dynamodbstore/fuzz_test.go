package dynamodbstore_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cyber-eternal/customauth/dynamodbstore"
)

// An item that somebody else wrote is an error, and no panic.
func FuzzItem(f *testing.F) {
	f.Add(".c", "1782907200000.63612345671", 2, "+c", "3")
	f.Add("#c", "12345", 9, ".c", "never")
	f.Add(".c", "1782907200000.9", 9, "expires", "1")
	f.Add("w3600000.c", "25", 25, "v", "1")
	f.Add("w", "-1", 0, "+c", "1e400")
	f.Add("w99999999999999999999", ".", 1, "v", "")
	f.Fuzz(func(t *testing.T, name, number string, n int, other, value string) {
		list := &types.AttributeValueMemberL{}
		for range min(max(n, 0), 100) {
			list.Value = append(list.Value, &types.AttributeValueMemberN{Value: number})
		}
		one := &types.AttributeValueMemberN{Value: value}
		for _, v := range []types.AttributeValue{
			nil, one, list, &types.AttributeValueMemberS{Value: number},
			&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"b": one, "t": one, "c": list}},
		} {
			dynamodbstore.ReadItem(map[string]types.AttributeValue{name: v, other: one, "expires": one}, "c")
			dynamodbstore.ReadItem(map[string]types.AttributeValue{name: v, other: list}, "c")
		}
	})
}
