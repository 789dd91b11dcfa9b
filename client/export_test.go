package client

import "time"

// ProveSRP answers a PASSWORD_VERIFIER challenge with this private exponent.
func ProveSRP(private []byte, parameters map[string]string, poolName, password string, now time.Time) (map[string]string, error) {
	return proverOf(private).respond(parameters, poolName, password, now)
}

// MadeUpPassword is what SignUp sends.
var MadeUpPassword = madeUpPassword
