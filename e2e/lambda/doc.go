// Package lambda has no code, only tests: every main under examples/ is built
// with the flags that a user deploys with, run as Lambda runs it, and driven from
// the first event to tokens. The texts are read from package fakesns, which also
// fails in all the ways in which SNS and a network do.
//
//	go test ./lambda
package lambda
