// Package ways has no code of its own: its tests sign users in by text, by e-mail, by a
// link and by a call, as they choose, with the real senders in front of SNS, SES and
// End User Messaging on this machine.
//
//	go test ./ways                                        in the folder e2e
//	go test ./ways -run '^$' -bench Latency -benchtime 300x
//
// The second command measures on this machine's clock what TestLatency asserts under
// simulated time: how well the time of an answer tells users from nobody.
package ways
