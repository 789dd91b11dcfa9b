package main

// This file decodes JSON into structs by exact names, and says by its path which
// property is wrong.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// decodeStrict decodes into a pointer. A struct's properties are its exported
// fields; everything else is refused with its name.
func decodeStrict(data []byte, into any) error {
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, new(any)); errors.As(err, &syntax) {
		before := data[:min(int(syntax.Offset), len(data))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := len(before) - bytes.LastIndexByte(before, '\n') - 1
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	} else if err != nil {
		return err
	}
	return decodeValue(data, reflect.ValueOf(into).Elem(), "")
}

func decodeValue(data json.RawMessage, v reflect.Value, path string) error {
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		return at(path, u.UnmarshalJSON(data))
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(data, v, path)
	case reflect.Slice:
		var list []json.RawMessage
		if json.Unmarshal(data, &list) != nil {
			return at(path, errors.New("want a list"))
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, item := range list {
			if err := decodeValue(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		var members map[string]json.RawMessage
		if json.Unmarshal(data, &members) != nil {
			return at(path, errors.New("want an object"))
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, name := range slices.Sorted(maps.Keys(members)) {
			item := reflect.New(v.Type().Elem()).Elem()
			if err := decodeValue(members[name], item, join(path, name)); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(name), item)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(data, v.Elem(), path)
	default:
		if json.Unmarshal(data, v.Addr().Interface()) != nil {
			return at(path, fmt.Errorf("%s is no %s", clip(data), kinds[v.Kind()]))
		}
	}
	return nil
}

var kinds = map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "whole number"}

func decodeStruct(data json.RawMessage, v reflect.Value, path string) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return at(path, errors.New("want an object"))
	}
	var known []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if tag := v.Type().Field(i).Tag.Get("json"); tag != "" {
			name = tag
		}
		known = append(known, name)
		raw, ok := members[name]
		if !ok {
			continue
		}
		if err := decodeValue(raw, v.Field(i), join(path, name)); err != nil {
			return err
		}
		delete(members, name)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		return at(join(path, name), fmt.Errorf("there is no such property%s", didYouMean("", name, known)))
	}
	return nil
}

func at(path string, err error) error {
	if err == nil || path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// clip shortens what was given, for a message.
func clip(data []byte) string {
	if len(data) > 40 {
		return string(data[:40]) + "..."
	}
	return string(data)
}
