package main

// This file reads the command line.

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"strings"
)

const defaultListen = "127.0.0.1:9229"

// flags are the command line as it stands.
type flags struct {
	config             string
	listen             string
	insecureRemote     bool
	names              []string
	tlsCA              string
	issuer             string
	key                string
	data               string
	poolID             string
	clientID           string
	clientSecret       string
	usernameAttributes []string
	triggers           []string
	env                []string
	triggerTries       int
	onMessage          string
	json               bool
	quiet              bool
	verbose            bool
	printEnv           bool
	version            bool
	command            []string
}

func help() string {
	return `Cognitotest is an Amazon Cognito user pool on this machine, for tests.

Usage:
  cognitotest [flags]                       run until a signal comes
  cognitotest [flags] -- command [args]     run the command beside the pool, with
                                            the variables of --print-env, and exit
                                            with its exit code

The pool:
  --config FILE              JSON with UserPool, UserPoolClients, Functions, Users;
                             the flags below win over it
  --pool-id ID               default us-east-1_Test00001; its region is the region
  --client-id ID             of the first app client
  --client-secret SECRET     of the first app client
  --username-attribute NAME  phone_number or email; may be repeated
  --trigger NAME=PATH        a trigger by its name in LambdaConfig, or All for
                             DefineAuthChallenge, CreateAuthChallenge and
                             VerifyAuthChallengeResponse. PATH is a Go binary, a
                             file .js, .mjs, .cjs or .py with #HANDLER after it if
                             the function is not called handler or lambda_handler,
                             or the invoke URL of a container; may be repeated
  --env KEY=VALUE            a variable for the functions, which see nothing else of
                             the environment; KEY alone hands on its value
  --trigger-tries N          calls of a trigger that does not answer: 1 to 3,
                             default 3

Where it is:
  --listen HOST:PORT         default ` + defaultListen + `; port 0 is a free one
  --insecure-remote          lets HOST be other than this machine: whoever reaches
                             the port is administrator
  --name HOST                a further name by which it may be called
  --tls-ca FILE              serve TLS, and write the certificate to trust to FILE
  --issuer self|service|URL  of the tokens: the pool's own URL (the default), that of
                             the service, or another
  --key FILE                 the RSA key that signs the tokens, in PEM; it is made
                             if it is not there
  --data FOLDER              keep users, keys and certificates over a restart

Messages, and what it says:
  --on-message PROGRAM|URL   gets every message as JSON: on its stdin, or by POST
  --json                     one JSON object a line
  --quiet                    do not show the messages
  --verbose                  show every call of a trigger
  --print-env                print the variables for clients as KEY=VALUE, and exit
  --version, --help

A running pool answers at /health, and at /_test/ says how to read messages, seed
users, move the clock and make triggers fail.

Exit codes: 0 stopped by a signal, 1 it did not work, 2 a flag or the file is wrong,
3 the port cannot be had, 4 a trigger cannot be started.
`
}

func parseFlags(args []string) (*flags, error) {
	f := new(flags)
	set := f.set()
	if err := set.Parse(args); err != nil {
		return nil, flagError(set, err)
	}
	f.command = set.Args()
	// The flag package stops at the first word that is no flag, and drops "--".
	if i := len(args) - len(f.command); len(f.command) > 0 && (i == 0 || args[i-1] != "--") {
		return nil, fmt.Errorf("%q is no flag (a command to run comes after --; see --help)", f.command[0])
	}
	return f, f.check()
}

// set is the flags by name.
func (f *flags) set() *flag.FlagSet {
	set := flag.NewFlagSet("cognitotest", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.config, "config", "", "")
	set.StringVar(&f.listen, "listen", defaultListen, "")
	set.BoolVar(&f.insecureRemote, "insecure-remote", false, "")
	list(set, &f.names, "name")
	set.StringVar(&f.tlsCA, "tls-ca", "", "")
	set.StringVar(&f.issuer, "issuer", "self", "")
	set.StringVar(&f.key, "key", "", "")
	set.StringVar(&f.data, "data", "", "")
	set.StringVar(&f.poolID, "pool-id", "", "")
	set.StringVar(&f.clientID, "client-id", "", "")
	set.StringVar(&f.clientSecret, "client-secret", "", "")
	list(set, &f.usernameAttributes, "username-attribute")
	list(set, &f.triggers, "trigger")
	list(set, &f.env, "env")
	set.IntVar(&f.triggerTries, "trigger-tries", 0, "")
	set.StringVar(&f.onMessage, "on-message", "", "")
	set.BoolVar(&f.json, "json", false, "")
	set.BoolVar(&f.quiet, "quiet", false, "")
	set.BoolVar(&f.verbose, "verbose", false, "")
	set.BoolVar(&f.printEnv, "print-env", false, "")
	set.BoolVar(&f.version, "version", false, "")
	return set
}

func list(set *flag.FlagSet, into *[]string, name string) {
	set.Func(name, "", func(s string) error {
		*into = append(*into, s)
		return nil
	})
}

// flagError says which flag was meant.
func flagError(set *flag.FlagSet, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err
	}
	var names []string
	set.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return fmt.Errorf("there is no flag --%s%s", strings.TrimPrefix(name, "-"), didYouMean("--", name, append(names, "help")))
}

func (f *flags) check() error {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: want HOST:PORT, for example %s", f.listen, defaultListen)
	}
	if !loopback(host) && !f.insecureRemote {
		return fmt.Errorf("--listen %s: others could reach the pool and would be its administrators; "+
			"say --insecure-remote too if you mean it, for example in a container", f.listen)
	}
	if f.issuer != "self" && f.issuer != "service" && !strings.Contains(f.issuer, "://") {
		return fmt.Errorf("--issuer %s: want self, service or a URL", f.issuer)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// didYouMean is the end of an error about an unknown name.
func didYouMean(prefix, name string, known []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", prefix, best)
}

// distance counts the letters to change, add or remove (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j]+cost, before[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
