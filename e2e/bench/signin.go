package main

// This file plays the service: it makes the events of a sign-in and reads the code
// from the text.

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

type object = map[string]any

// A signIn is one user on the way in.
type signIn struct {
	phone, user string
	private     object // what create returned
}

var users int

const clientID = "1example23456789abcdefghij"

// newSignIn is for a user whom no function has seen before: limits count by user
// and by phone number.
func newSignIn() *signIn {
	users++
	return &signIn{phone: "+12062" + fmt.Sprintf("%06d", users), user: fmt.Sprintf("0ab28e1c-a2d9-457f-9514-%012d", users)}
}

// event makes the event of a trigger.
func (s *signIn) event(trigger, answer string) []byte {
	request := object{
		"userAttributes": object{
			"sub": s.user, "cognito:user_status": "CONFIRMED", "phone_number_verified": "false", "phone_number": s.phone,
		},
		"userNotFound": false,
	}
	response := object{}
	var source string
	switch trigger {
	case "define":
		source = "DefineAuthChallenge_Authentication"
		request["session"] = []any{}
		response = object{"challengeName": nil, "issueTokens": nil, "failAuthentication": nil}
	case "create":
		source = "CreateAuthChallenge_Authentication"
		request["challengeName"] = "CUSTOM_CHALLENGE"
		request["session"] = []any{}
		response = object{"publicChallengeParameters": nil, "privateChallengeParameters": nil, "challengeMetadata": nil}
	case "verify":
		source = "VerifyAuthChallengeResponse_Authentication"
		request["privateChallengeParameters"] = s.private
		request["challengeAnswer"] = answer
		response = object{"answerCorrect": nil}
	case "post authentication":
		source = "PostAuthentication_Authentication"
		request["newDeviceUsed"] = false
	}
	payload, err := json.Marshal(object{
		"version": "1", "region": "us-east-1", "userPoolId": "us-east-1_Ab1Cd2Ef3", "userName": s.user,
		"callerContext": object{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": clientID},
		"triggerSource": source, "request": request, "response": response,
	})
	if err != nil {
		panic(err) // strings can be marshaled
	}
	return payload
}

// An invoker gives an event to the function for a trigger, and says what it cost.
type invoker func(trigger int, payload []byte) ([]byte, float64, error)

// run calls the triggers and returns what each cost. With real, they must do what they
// are there for; the floor does nothing.
func (s *signIn) run(triggers []string, invoke invoker, sns *fakesns.Server, real bool) (took []float64, err error) {
	answer := "123456"
	for i, trigger := range triggers {
		out, d, err := invoke(i, s.event(trigger, answer))
		if err != nil {
			return took, fmt.Errorf("%s: %w", trigger, err)
		}
		took = append(took, d)
		var got struct{ Response object }
		if err := json.Unmarshal(out, &got); err != nil {
			return took, fmt.Errorf("%s answered what is no event: %w", trigger, err)
		}
		if !real {
			continue
		}
		ok := true
		switch trigger {
		case "define":
			ok = got.Response["challengeName"] == "CUSTOM_CHALLENGE"
		case "create":
			answer = codeFor(s.phone, sns)
			ok = answer != ""
			s.private, _ = got.Response["privateChallengeParameters"].(object)
		case "verify":
			ok = got.Response["answerCorrect"] == true
		}
		if !ok {
			return took, errors.New(trigger + " did not do its work")
		}
	}
	return took, nil
}

// codeFor is the code in the newest text, if that is the only one to this number.
func codeFor(phone string, sns *fakesns.Server) string {
	code, n := "", 0
	for _, text := range sns.Texts() {
		if text.To == phone {
			code = text.Code()
			n++
		}
	}
	if n != 1 {
		return ""
	}
	return code
}
