package deploytest

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A change is one that somebody could make to a deployment.
type change struct {
	where string
	set   func(undo bool)
}

// TestEachPropertyIsCompared changes each value of each deployment, one at a time, and
// wants it noticed: by what TestSameSystem compares, most of all, or by what refuses
// settings. So whoever adds a property to one of them adds it to what is compared, or to
// what may be any here.
func TestEachPropertyIsCompared(t *testing.T) {
	sam, cdk, blocks := samTemplate(t), object{}, terraformFiles(t)
	templates, err := cdkTemplates()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range profiles {
		cdk[p.name] = templates[p.name]
	}
	same := func(read func(t testing.TB, p profile) system) (checks []func(testing.TB) bool) {
		for _, p := range slices.Backward(profiles) {
			checks = append(checks, func(t testing.TB) bool { return reflect.DeepEqual(expected(p), read(t, p)) })
		}
		return checks
	}
	const prose = "[dD]escription|error_message"
	for _, d := range []struct {
		name    string
		changes []change
		checks  []func(t testing.TB) bool
		free    string // what may be any
	}{
		{
			"sam", changesOf("", sam),
			append(same(func(t testing.TB, p profile) system { return newTemplate(t, sam, samParameters(p)).system() }),
				func(testing.TB) bool { return samRefuses(sam) }),
			prose + "|/AWSTemplateFormatVersion|/PolicyName|/Parameters/(AlarmEmail|OriginationNumber|SenderId)/Type",
		},
		{
			"terraform", changesOfBlocks(blocks),
			append(same(func(t testing.TB, p profile) system { return newModule(t, blocks, terraformSettings(p)).system() }),
				func(t testing.TB) bool { return terraformRefuses(t, blocks) },
				func(t testing.TB) bool { return poolThatExists(t, blocks) == "" }),
			// Names, versions, what Terraform alone wants, and one of a list of one.
			prose + "|_name/|/name/|/name_prefix/|alarms/count/1$|/function_name/|log_group[^/]*/name/|variable name/default|alarms/(15|20)$|^terraform|" +
				"output_path|archive_file.*/type|secret_string_wo_version|string_attribute_constraints|users/dynamic6/for_each",
		},
		{
			"cdk", changesOf("", cdk),
			same(func(t testing.TB, p profile) system { return newTemplate(t, cdk[p.name].(object), nil).system() }),
			// What the CDK adds: its bootstrap, assets, e-mails that are never sent, and dependencies that references say, too.
			prose + "|/PolicyName|/BootstrapVersion/|/CheckBootstrapVersion/|/Code/S3|/(Email|Sms)Verification|/(DefaultEmailOption|EmailMessage|EmailSubject)$|" +
				"/(Challenges|PostAuth|Rotation|Users)[0-9A-F]{8}/DependsOn/1$|/UsersApp[0-9A-F]{8}/DependsOn",
		},
	} {
		t.Run(d.name, func(t *testing.T) {
			free := regexp.MustCompile(d.free)
			for _, c := range d.changes {
				c.set(false)
				noticed := slices.ContainsFunc(d.checks, func(check func(testing.TB) bool) bool { return fails(t, check) })
				c.set(true)
				if !noticed && !free.MatchString(c.where) {
					t.Errorf("nobody notices another %s", c.where)
				}
			}
			if len(d.changes) < 300 {
				t.Errorf("%d changes", len(d.changes))
			}
		})
	}
}

// fails reports whether a check does.
func fails(t testing.TB, check func(testing.TB) bool) bool {
	r := &recorder{TB: t}
	ok, done := false, make(chan struct{})
	go func() {
		defer close(done)
		defer func() { recover() }() // a property of another type than was expected
		ok = check(r)
	}()
	<-done
	return !ok || r.failed
}

// A recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { runtime.Goexit() }
func (r *recorder) Fatal(...any)          { runtime.Goexit() }
func (r *recorder) Helper()               {}

// changesOf are those of the values of a template.
func changesOf(where string, in any) []change {
	var all []change
	add := func(at string, value any, set func(any)) {
		switch value.(type) {
		case object, []any:
			all = append(all, changesOf(at, value)...)
		default:
			all = append(all, change{at, func(undo bool) {
				if undo {
					set(value)
				} else {
					set(another(value))
				}
			}})
		}
	}
	switch v := in.(type) {
	case object:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			add(where+"/"+k, v[k], func(value any) { v[k] = value })
		}
	case []any:
		for i, e := range v {
			add(where+"/"+strconv.Itoa(i), e, func(value any) { v[i] = value })
		}
	}
	return all
}

// another value of the same type.
func another(v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case int:
		return v + 1
	case float64:
		return v + 1
	}
	switch text := fmt.Sprint(v); text {
	case "true":
		return "false"
	case "false":
		return "true"
	default:
		return text + "x"
	}
}

// changesOfBlocks are those of the values that are written down in Terraform's blocks.
func changesOfBlocks(blocks []*hclsyntax.Block) []change {
	var all []change
	for _, b := range blocks {
		var attributes func(where string, body *hclsyntax.Body)
		attributes = func(where string, body *hclsyntax.Body) {
			for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
				n := 0
				hclsyntax.VisitAll(body.Attributes[name].Expr, func(node hclsyntax.Node) hcl.Diagnostics {
					literal, ok := node.(*hclsyntax.LiteralValueExpr)
					if !ok || literal.Val.IsNull() {
						return nil
					}
					before := literal.Val
					at := fmt.Sprintf("%s/%s/%d", where, name, n)
					n++
					all = append(all, change{at, func(undo bool) {
						switch {
						case undo:
							literal.Val = before
						case before.Type() == cty.Bool:
							literal.Val = before.Not()
						case before.Type() == cty.Number:
							literal.Val = before.Add(cty.NumberIntVal(1))
						default:
							literal.Val = cty.StringVal(before.AsString() + "x")
						}
					}})
					return nil
				})
			}
			for i, inner := range body.Blocks {
				attributes(fmt.Sprintf("%s/%s%d", where, inner.Type, i), inner.Body)
			}
		}
		attributes(b.Type+" "+strings.Join(b.Labels, "."), b.Body)
	}
	return all
}
