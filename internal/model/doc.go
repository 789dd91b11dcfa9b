// Package model checks the three triggers exhaustively. It holds tests only; run
//
//	go test ./internal/model            all of it, about a minute
//	go test -short ./internal/model     the same with smaller worlds, a few seconds
//	CUSTOMAUTH_MUTANTS=1 go test -run Mutants ./internal/model
//
// Define, Create and Verify are a small state machine, and whoever signs in
// drives it. The tests explore it breadth-first and compare each answer of the
// handlers with an oracle: oracle_test.go says what must happen, from the rules
// in the package documentation, shares no code with the handlers, and does not
// even import them. There are two adversaries, because the package trusts the
// service with some things:
//
//   - The app (app_test.go) does what the service lets a client do. It begins
//     several sign-ins of several users, answers in any order with right, old,
//     foreign, wrong and malformed answers, with and without asking for a resend,
//     and waits. Messages fail, triggers are called twice, the store goes down. All
//     states are visited until there are no new ones: there is no bound on depth.
//   - The forger (forger_test.go) can in addition hand the triggers sessions made
//     of any entries that were ever recorded: of other users, clients, pools, keys,
//     steps and sign-ins, with results flipped, and answers with any recorded
//     private parameters. No client of Cognito can do this; it shows what the
//     seal and the walk through the session are worth on their own.
//
// Time is testing/synctest's. One bubble holds a whole exploration: states wait
// in the order of their time, so the clock only ever moves forward. As nothing
// happens between two deadlines, waiting means to go to just before the next
// deadline, or to it.
//
// mutants_test.go plants faults in the handlers, one at a time, and requires that
// the tests find each. A change of the handlers may move the lines that it edits:
// TestMutants then says which, also without CUSTOMAUTH_MUTANTS.
package model
