package dynamodbstore

// This file puts together the expressions of a write.

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An expression is what a write does, and on what condition. Names and values get
// short names of their own: #0, :0 and so on.
type expression struct {
	set, remove, when []string
	names             map[string]string
	values            item
	short             map[string]string
}

func newExpression() expression {
	return expression{names: make(map[string]string), short: make(map[string]string)}
}

// name returns the short name of an attribute.
func (x *expression) name(attribute string) string {
	short, ok := x.short[attribute]
	if !ok {
		short = "#" + strconv.Itoa(len(x.names))
		x.short[attribute], x.names[short] = short, attribute
	}
	return short
}

// value returns the short name of a value.
func (x *expression) value(v types.AttributeValue) string {
	if x.values == nil {
		x.values = make(item)
	}
	short := ":" + strconv.Itoa(len(x.values))
	x.values[short] = v
	return short
}

// is demands that an attribute has a value; nil is none.
func (x *expression) is(attribute string, v types.AttributeValue) {
	if v == nil {
		x.when = append(x.when, "attribute_not_exists("+x.name(attribute)+")")
		return
	}
	x.when = append(x.when, x.name(attribute)+" = "+x.value(v))
}

// assign gives an attribute a value; nil is none.
func (x *expression) assign(attribute string, v types.AttributeValue) {
	if v == nil {
		x.remove = append(x.remove, x.name(attribute))
		return
	}
	x.set = append(x.set, x.name(attribute)+" = "+x.value(v))
}

func (x *expression) update() string {
	var s string
	if len(x.set) > 0 {
		s = "SET " + strings.Join(x.set, ", ")
	}
	if len(x.remove) > 0 {
		s += " REMOVE " + strings.Join(x.remove, ", ")
	}
	return s
}

func (x *expression) condition() *string {
	if len(x.when) == 0 {
		return nil
	}
	return aws.String(strings.Join(x.when, " AND "))
}
