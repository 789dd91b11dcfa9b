// Package attack has no code of its own: its tests attack a user pool, and measure
// what the attacks get.
//
//	go test ./attack                  in the folder e2e: small attacks
//	go test ./attack -v -run 'TestAttacks|Lockout|FromFour' -full -write -timeout 90m
//
// The second command runs the sizes of docs/attacks.md, which takes some
// 20 minutes, and writes that page's tables and picture.
//
// The pool is cognitotest's, its triggers are the real handlers, the store is the
// real one: in memory under simulated time, or dynamodbstore on a server with
// DynamoDB's API on this machine, shared by several processes. What an attack may
// get at most is asserted, and what it got is in the table of docs/attacks.md.
package attack
