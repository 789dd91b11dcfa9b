// client.js and what can go wrong: the service is a function here, which answers as
// Cognito does.

import assert from "node:assert/strict";
import { createClient } from "../../examples/local/web/client.js";
import { memory } from "./world.mjs";

const tokens = { clientId: "c", access: "a", id: "i", refresh: "r", endsAt: 0 };
const challenge = { clientId: "c", login: "+1", username: "u", name: "CUSTOM_CHALLENGE", session: "s".repeat(20), at: Date.now(), parameters: {}, ways: [] };

const answering = (status, body, settings = {}) => createClient({
  region: "eu-west-1", clientId: "c", ...settings,
  fetch: async (url, request) => {
    seen.push({ url, operation: request.headers["X-Amz-Target"].split(".")[1], input: JSON.parse(request.body) });
    const answer = typeof body === "function" ? body(seen.at(-1)) : body;
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer), { status: typeof body === "function" ? answer.status ?? status : status });
  },
});
let seen = [];
const error = (name, message) => ({ __type: name, message });

const moments = {
  signUp: (c) => c.signUp("+12065550100"),
  signIn: (c) => c.signIn("+12065550100"),
  answer: (c) => c.answer(challenge, "123456"),
  tokens: (c) => c.refresh(tokens),
  attributes: (c) => c.attributes(tokens),
  signOut: (c) => c.signOut(tokens),
};

for (const [moment, name, message, code, stays] of [
  ["signUp", "UsernameExistsException", "User already exists", "account_exists"],
  ["signUp", "AliasExistsException", "", "account_exists"],
  ["signUp", "UserLambdaValidationException", "PreSignUp failed with error only for friends.", "sign_up_refused"],
  ["signUp", "NotAuthorizedException", "SignUp is not permitted for this user pool", "sign_up_closed"],
  ["signUp", "InvalidPasswordException", "Password did not conform with policy", "misconfigured"],
  ["signUp", "InvalidParameterException", "Invalid phone number format.", "invalid_input"],
  ["signUp", "CodeDeliveryFailureException", "", "broken"],
  ["signIn", "UserNotFoundException", "User does not exist.", "no_account"],
  ["signIn", "UserNotConfirmedException", "User is not confirmed.", "account_unconfirmed"],
  ["signIn", "PasswordResetRequiredException", "", "account_disabled"],
  ["signIn", "NotAuthorizedException", "User is disabled.", "account_disabled"],
  ["signIn", "NotAuthorizedException", "Unable to verify secret hash for client c", "misconfigured"],
  ["signIn", "NotAuthorizedException", "Password attempts exceeded", "too_many_requests"],
  ["signIn", "ResourceNotFoundException", "User pool client c does not exist.", "misconfigured"],
  ["signIn", "UserLambdaValidationException", "CreateAuthChallenge failed with error store.", "broken"],
  ["signIn", "com.amazonaws.cognito#TooManyRequestsException", "Rate exceeded", "too_many_requests"],
  ["answer", "NotAuthorizedException", "Invalid session for the user.", "session_ended"],
  ["answer", "NotAuthorizedException", "Invalid session for the user, session can only be used once.", "session_ended"],
  ["answer", "NotAuthorizedException", "Incorrect username or password.", "sign_in_failed"],
  ["answer", "CodeMismatchException", "Invalid session for the user.", "session_ended"],
  ["answer", "ExpiredCodeException", "", "session_ended"],
  ["answer", "LimitExceededException", "", "too_many_requests", true],
  ["answer", "UnexpectedLambdaException", "", "broken"],
  ["answer", "", "", "unreadable", true],
  ["tokens", "NotAuthorizedException", "Refresh Token has been revoked", "signed_out"],
  ["tokens", "RefreshTokenReuseException", "", "signed_out"],
  ["tokens", "InternalErrorException", "", "broken"],
  ["attributes", "NotAuthorizedException", "Access Token has been revoked", "signed_out"],
  ["attributes", "UserNotFoundException", "User does not exist.", "signed_out"],
  ["signOut", "TooManyRequestsException", "", "too_many_requests"],
]) {
  const got = await moments[moment](answering(400, name ? error(name, message) : "<html>"));
  assert.equal(got.error.code, code, `${moment} ${name} ${message}`);
  assert.equal(got.challenge, stays ? challenge : undefined, `${moment} ${name}: challenge`);
  assert.equal(got.tokens, undefined);
}
assert.equal((await moments.signUp(answering(400, error("UserLambdaValidationException", "PreSignUp failed with error only for friends.")))).error.message, "only for friends");
assert.equal((await moments.signUp(answering(200, { UserConfirmed: false }))).error.code, "account_unconfirmed");
assert.equal((await moments.signIn(answering(200, { ChallengeName: "SMS_MFA" }))).error.code, "misconfigured");

// The network.
const throwing = (e) => createClient({ endpoint: "/", clientId: "c", fetch: async () => { throw e; } });
const hanging = createClient({ endpoint: "/", clientId: "c", timeout: 1, fetch: (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) });
assert.equal((await moments.answer(hanging)).error.code, "timeout");
assert.equal((await moments.answer(throwing(new TypeError("Failed to fetch")))).error.code, "unreachable");

// The words of the handlers, and of a step of one's own.
for (const code of ["wrong_code", "sent_recently", "captcha_failed"]) {
  const got = await moments.answer(answering(200, { ChallengeName: "CUSTOM_CHALLENGE", Session: "t".repeat(20), ChallengeParameters: { errorCode: code, retryAfter: "42" } }));
  assert.deepEqual([got.error.code, got.error.retryAfter, got.challenge.resendAt], [code, 42, 0]);
}

// What is sent, and where to.
seen = [];
await moments.signIn(answering(400, error("X", "")));
await createClient({ region: "cn-north-1", clientId: "c", fetch: async (url) => { seen.push({ url }); throw new Error(); } }).signIn("x");
assert.deepEqual(seen.map((s) => s.url), ["https://cognito-idp.eu-west-1.amazonaws.com/", "https://cognito-idp.cn-north-1.amazonaws.com.cn/"]);
seen = [];
await answering(400, error("X", "")).choose(challenge, "email", "ar");
await answering(400, error("X", "")).answer(challenge, "123456", { way: "sms", metadata: { device: "d" } });
assert.deepEqual(seen.map((s) => s.input.ClientMetadata), [{ action: "choose", way: "email", locale: "ar" }, { device: "d", way: "sms" }]);
seen = [];
await answering(400, error("X", "")).signUp("ada@example.com", { name: "Ada" });
assert.deepEqual(seen[0].input.UserAttributes, [{ Name: "email", Value: "ada@example.com" }, { Name: "name", Value: "Ada" }]);

// Who does not know GetTokensFromRefreshToken is asked as of old.
seen = [];
const old = answering(200, ({ operation }) => (operation === "InitiateAuth"
  ? { AuthenticationResult: { AccessToken: "a2", IdToken: "i2", ExpiresIn: 3600 } }
  : { status: 400, ...error("UnknownOperationException", "") }));
assert.equal((await old.refresh(tokens)).tokens.access, "a2");
assert.equal(seen[1].input.AuthFlow, "REFRESH_TOKEN_AUTH");

// Only what may still be good is resumed.
const store = memory();
const keeping = createClient({ endpoint: "/", clientId: "c", store, sessionMinutes: 15, fetch });
const put = (value) => store.setItem("customauth.challenge.c", value);
put(JSON.stringify(challenge));
assert.equal((await keeping.resume()).session, challenge.session);
for (const bad of ["", "{", "null", "[]", JSON.stringify({ ...challenge, at: Date.now() - 15 * 60_000 - 1 }), JSON.stringify({ ...challenge, session: "" })]) {
  put(bad);
  assert.equal(await keeping.resume(), undefined, bad);
}
const forbidden = new Proxy({}, { get: () => () => { throw new Error("SecurityError"); } });
assert.equal(await createClient({ endpoint: "/", clientId: "c", store: forbidden, fetch }).resume(), undefined);
console.log("done");
