// Package model checks the three triggers exhaustively. It holds tests only; run
//
//	go test ./internal/model            all of it, about a minute
//	go test -short ./internal/model     the same with smaller worlds
//	CUSTOMAUTH_MUTANTS=1 go test -run Mutants -timeout 0 ./internal/model
//
// Define, Create and Verify are a small state machine, and whoever signs in
// drives it. The tests explore it breadth-first and compare each answer of the
// handlers with an oracle: oracle_test.go says what must happen, from the rules
// in the package documentation, shares no code with the handlers, and does not
// even import them. There are three adversaries, because the package trusts the
// service with some things:
//
//   - The app (app_test.go) does what the service lets a client do. It begins
//     several sign-ins of several users, answers in any order with right, old,
//     foreign, wrong and malformed answers, with and without asking for another
//     challenge, and waits. Messages fail, triggers are called twice or once more
//     after a while, the store goes down, numbers change. All states are visited
//     until there are no new ones, but for one bound: in most configurations the
//     app gives up after four answers, or two where there are several sign-ins.
//     Two configurations go on until all ten rounds are used up.
//   - The stranger (strangers_test.go) is the app of somebody else: with an account
//     of his own, whose number he sets to whatever he likes between any two calls of
//     a trigger, or with names that the pool does not know. Each of his worlds goes
//     beside one in which he does nothing, or has a number that nobody has. Whoever
//     proved his number gets the same answers in both, and so does the stranger.
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
// Two things are left out. Which codes count for the pressure on the pool is drawn
// by lot, so the pool is never under pressure here; that made-up names never count
// for it is checked at each call. And there are no known devices and no OneOf.
//
// mutants_test.go plants faults in the handlers, one at a time, and requires that
// the tests find each. A fault is named by a function and a place in it, such as the
// condition that leads to a word (mutate_test.go). When a place is gone, TestMutants
// says which, also without CUSTOMAUTH_MUTANTS, and TestMutantsBuild which does not build.
package model
