package main

import (
	"bytes"
	"os"
	"testing"
)

// What is committed is what this program makes.
func TestGenerated(t *testing.T) {
	files, err := makeFiles()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the metadata makes: run go generate ./... in the folder of smsguard", name)
		}
	}
}
