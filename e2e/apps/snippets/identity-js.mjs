// The snippets of docs/apps/identity-js.md.

import assert from "node:assert/strict";
import { CLIENT_ID, countdown, ENDPOINT, PHONE, POOL_ID, rightCode, wrongCode } from "../world.mjs";

// docs: begin
import cognito from "amazon-cognito-identity-js";

const pool = new cognito.CognitoUserPool({
  UserPoolId: POOL_ID,
  ClientId: CLIENT_ID,
  endpoint: ENDPOINT, // only for a local pool
});

function signUp(phone, password) {
  const attributes = [new cognito.CognitoUserAttribute({ Name: "phone_number", Value: phone })];
  return new Promise((resolve, reject) => {
    pool.signUp(phone, password, attributes, [], (error, result) => (error ? reject(error) : resolve(result)));
  });
}

function signIn(user) {
  user.setAuthenticationFlowType("CUSTOM_AUTH");
  const details = new cognito.AuthenticationDetails({ Username: user.getUsername() });
  return outcome((callbacks) => user.initiateAuth(details, callbacks));
}

// outcome is { session } when the user is signed in, or { parameters } of what is asked.
function outcome(start) {
  return new Promise((resolve, reject) => {
    start({
      onSuccess: (session) => resolve({ session }),
      customChallenge: (parameters) => resolve({ parameters }),
      onFailure: reject,
    });
  });
}
// end

// docs: answer
function answer(user, code, metadata) {
  return outcome((callbacks) => user.sendCustomChallengeAnswer(code, callbacks, metadata));
}

const resend = (user) => answer(user, "resend", { action: "resend" });
const choose = (user, way) => answer(user, "choose", { action: "choose", way });
// end

// docs: resume
const keep = (user) => JSON.stringify({ login: user.getUsername(), session: user.Session });

function resume(kept) {
  const { login, session } = JSON.parse(kept);
  const user = new cognito.CognitoUser({ Username: login, Pool: pool });
  user.setAuthenticationFlowType("CUSTOM_AUTH");
  user.Session = session; // no public method sets it
  return user;
}
// end

await signUp(PHONE, "aA1-made-up-Zz9!");
let user = new cognito.CognitoUser({ Username: PHONE, Pool: pool });
let step = await signIn(user);
step = await answer(user, await wrongCode());
assert.equal(step.parameters.errorCode, "wrong_code");
user = resume(keep(user));
await countdown(step.parameters.resendAfter);
step = await resend(user);
assert.equal(step.parameters.errorCode, undefined);
step = await choose(user, "email"); // a pool without ways answers all the same
assert.ok(step.parameters);
step = await answer(user, await rightCode());
assert.ok(step.session.isValid());

// docs: out
user.signOut(() => { /* the refresh token is revoked */ });
// end
console.log("done");
