// The snippets of docs/apps/amplify.md.

import assert from "node:assert/strict";
import { CLIENT_ID, countdown, EMAIL, ENDPOINT, PHONE, POOL_ID, rightCode, WAYS_CLIENT_ID, wrongCode } from "../world.mjs";

// docs: configure
import { Amplify } from "aws-amplify";
import { confirmSignIn, fetchAuthSession, signIn, signOut, signUp } from "aws-amplify/auth";

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: POOL_ID,
      userPoolClientId: CLIENT_ID,
      userPoolEndpoint: ENDPOINT, // only for a local pool
    },
  },
});
// end

// docs: begin
function madeUpPassword() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `aA1-${Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}-Zz9!`;
}

async function begin(phone) {
  try {
    await signUp({ username: phone, password: madeUpPassword(), options: { userAttributes: { phone_number: phone } } });
  } catch (e) {
    if (e.name !== "UsernameExistsException") throw e;
  }
  const { nextStep } = await signIn({ username: phone, options: { authFlowType: "CUSTOM_WITHOUT_SRP" } });
  return nextStep.additionalInfo; // codeLength, attemptsRemaining, errorCode …
}
// end

// docs: answer
async function enter(code) {
  const { isSignedIn, nextStep } = await confirmSignIn({ challengeResponse: code });
  return isSignedIn ? null : nextStep.additionalInfo;
}
// end

// docs: resend
async function resend() {
  const { nextStep } = await confirmSignIn({
    challengeResponse: "resend", // not compared
    options: { clientMetadata: { action: "resend" } },
  });
  return nextStep.additionalInfo;
}

async function choose(way, locale) {
  const { nextStep } = await confirmSignIn({
    challengeResponse: "choose",
    options: { clientMetadata: { action: "choose", way, locale } },
  });
  return nextStep.additionalInfo;
}
// end

// docs: errors
function isOver(e) {
  // The sign-in took too long, was answered elsewhere, or has no attempts left.
  return e.name === "NotAuthorizedException" || e.name === "SignInException";
}
// end

let info = await begin(PHONE);
assert.equal(info.codeLength, "6");
info = await enter(await wrongCode());
assert.equal(info.errorCode, "wrong_code");
await countdown(info.resendAfter);
info = await resend();
assert.equal(info.errorCode, undefined);
assert.equal(await enter(await rightCode()), null);

// docs: out
const { tokens } = await fetchAuthSession(); // refreshes them if need be
await signOut(); // or signOut({ global: true })
// end
assert.ok(tokens.accessToken);
await assert.rejects(enter("123456"), isOver);

await begin(PHONE);
for (let i = 0; i < 2; i++) await enter(await wrongCode());
await assert.rejects(enter(await wrongCode()), isOver);

Amplify.configure({ Auth: { Cognito: { userPoolId: POOL_ID, userPoolClientId: WAYS_CLIENT_ID, userPoolEndpoint: ENDPOINT } } });
await signUp({ username: "+12065550101", password: madeUpPassword(), options: { userAttributes: { phone_number: "+12065550101", email: EMAIL } } });
info = await begin("+12065550101");
await countdown(info.resendAfter);
info = await choose("email", "de");
assert.equal(info.way, "email");
assert.equal(await enter(await rightCode(EMAIL)), null);
console.log("done");
