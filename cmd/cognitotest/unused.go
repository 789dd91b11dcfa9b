package main

import (
	"fmt"
	"reflect"
)

// unused lists the properties that were given and have no effect.
func (f file) unused() []string {
	names := unusedOf("UserPool", f.UserPool)
	for i, c := range f.UserPoolClients {
		names = append(names, unusedOf(fmt.Sprintf("UserPoolClients[%d]", i), c)...)
	}
	return names
}

func unusedOf(path string, properties any) (names []string) {
	v := reflect.ValueOf(properties)
	for i := range v.NumField() {
		if given, ok := v.Field(i).Interface().(unused); ok && bool(given) {
			names = append(names, path+"."+v.Type().Field(i).Name)
		}
	}
	return names
}
