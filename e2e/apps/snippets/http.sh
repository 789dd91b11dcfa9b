# The snippets of docs/apps/http.md: curl and jq.
set -euo pipefail

# docs: call
# call OPERATION JSON
call() {
  curl -sS "$ENDPOINT/" -H 'Content-Type: application/x-amz-json-1.1' \
    -H "X-Amz-Target: AWSCognitoIdentityProviderService.$1" --data "$2"
}
# end

# docs: up
call SignUp "$(jq -n --arg c "$CLIENT_ID" --arg p "$PHONE" --arg pw "aA1-$(openssl rand -hex 24)-Zz9!" \
  '{ClientId: $c, Username: $p, Password: $pw, UserAttributes: [{Name: "phone_number", Value: $p}]}')"
# end

# docs: in
challenge=$(call InitiateAuth "$(jq -n --arg c "$CLIENT_ID" --arg p "$PHONE" \
  '{ClientId: $c, AuthFlow: "CUSTOM_AUTH", AuthParameters: {USERNAME: $p}}')")
jq .ChallengeParameters <<<"$challenge"
# end

# docs: answer
# answer TEXT [METADATA] answers $challenge, and prints the next one or the tokens.
answer() {
  call RespondToAuthChallenge "$(jq --arg c "$CLIENT_ID" --arg a "$1" --argjson m "${2:-null}" \
    '{ClientId: $c, ChallengeName, Session, ClientMetadata: $m,
      ChallengeResponses: {USERNAME: .ChallengeParameters.USERNAME, ANSWER: $a}}' <<<"$challenge")"
}
# end

challenge=$(answer 000000x)
[ "$(jq -r .ChallengeParameters.errorCode <<<"$challenge")" = wrong_code ]
sleep 1

# docs: resend
challenge=$(answer resend '{"action": "resend"}')
# or, where the user may choose: answer choose '{"action": "choose", "way": "email"}'
# end
[ "$(jq -r .ChallengeParameters.errorCode <<<"$challenge")" = null ]
code=$(curl -sS -G "$INBOX/" --data-urlencode "to=$PHONE" | jq -r '.[0]')

# docs: tokens
tokens=$(answer "$code")
refresh=$(jq -r .AuthenticationResult.RefreshToken <<<"$tokens")
call GetTokensFromRefreshToken "$(jq -n --arg c "$CLIENT_ID" --arg t "$refresh" '{ClientId: $c, RefreshToken: $t}')"
call RevokeToken "$(jq -n --arg c "$CLIENT_ID" --arg t "$refresh" '{ClientId: $c, Token: $t}')"
# end
[ "$refresh" != null ]
echo done
