// Amplify, from sign-up to sign-out, with CUSTOM_WITHOUT_SRP.

import assert from 'node:assert/strict';
import {
  confirmSignIn, deleteUser, fetchAuthSession, fetchUserAttributes, getCurrentUser,
  signIn, signOut, signUp, updateUserAttributes,
} from 'aws-amplify/auth';
import { countdown, PASSWORD, PHONE, profile, rightCode, texts, wrongCode } from './world.mjs';

const options = { authFlowType: 'CUSTOM_WITHOUT_SRP' };
const challenge = 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE';

const signedUp = await signUp({
  username: PHONE, password: PASSWORD,
  options: { userAttributes: { name: 'Ada Byron', phone_number: PHONE } },
});
assert.equal(signedUp.nextStep.signUpStep, 'DONE');
assert.equal(signedUp.isSignUpComplete, true);
await assert.rejects(
  signUp({ username: PHONE, password: PASSWORD, options: { userAttributes: { phone_number: PHONE } } }),
  { name: 'UsernameExistsException' },
);

// A wrong answer, a resend, and the right answer.
let step = await signIn({ username: PHONE, options });
assert.equal(step.nextStep.signInStep, challenge);
assert.equal(step.nextStep.additionalInfo.attemptsRemaining, '3');
assert.equal(step.nextStep.additionalInfo.codeLength, '6');
assert.equal((await texts()).length, 1);

step = await confirmSignIn({ challengeResponse: await wrongCode() });
assert.equal(step.isSignedIn, false);
assert.equal(step.nextStep.additionalInfo.errorCode, 'wrong_code');
assert.equal(step.nextStep.additionalInfo.attemptsRemaining, '2');
assert.equal((await texts()).length, 1);

await countdown(step.nextStep.additionalInfo);
step = await confirmSignIn({ challengeResponse: 'resend', options: { clientMetadata: { action: 'resend' } } });
assert.equal(step.isSignedIn, false);
assert.equal(step.nextStep.additionalInfo.errorCode, undefined);
assert.equal(step.nextStep.additionalInfo.attemptsRemaining, '2');
assert.equal((await texts()).length, 2);

step = await confirmSignIn({ challengeResponse: await rightCode() });
assert.equal(step.isSignedIn, true);
assert.equal(step.nextStep.signInStep, 'DONE');

// The session, and what Amplify reads from the tokens.
const first = (await fetchAuthSession()).tokens;
assert.equal(first.accessToken.payload.token_use, 'access');
assert.equal(first.idToken.payload.name, 'Ada Byron');
assert.equal(first.idToken.payload.phone_number, PHONE);
const user = await getCurrentUser();
assert.equal(user.userId, signedUp.userId);
assert.equal(user.username, first.accessToken.payload.username);

assert.equal((await fetchAuthSession()).tokens.accessToken.toString(), first.accessToken.toString());
const second = (await fetchAuthSession({ forceRefresh: true })).tokens;
assert.notEqual(second.accessToken.toString(), first.accessToken.toString());
assert.equal(second.accessToken.payload.origin_jti, first.accessToken.payload.origin_jti);

// The attributes.
assert.equal((await updateUserAttributes({ userAttributes: { name: 'Ada Lovelace' } })).name.isUpdated, true);
assert.equal((await fetchUserAttributes()).name, 'Ada Lovelace');
await assert.rejects(
  updateUserAttributes({ userAttributes: { phone_number_verified: 'true' } }),
  { name: 'NotAuthorizedException' },
);

// Sign-out ends the tokens too.
assert.equal((await profile(second.accessToken.toString())).Username, user.username);
await signOut();
await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
assert.equal(await profile(second.accessToken.toString()), 'NotAuthorizedException');

// Sign-out everywhere ends those of another device: here the tokens of a sign-in
// whose device was never told.
const elsewhere = async () => {
  await signIn({ username: PHONE, options });
  await confirmSignIn({ challengeResponse: await rightCode() });
  return (await fetchAuthSession()).tokens.accessToken.toString();
};
const lost = await elsewhere();
const { cognitoUserPoolsTokenProvider } = await import('aws-amplify/auth/cognito');
await cognitoUserPoolsTokenProvider.tokenOrchestrator.clearTokens();
const here = await elsewhere();
assert.equal((await profile(lost)).Username, user.username);
await signOut({ global: true });
assert.equal(await profile(lost), 'NotAuthorizedException');
assert.equal(await profile(here), 'NotAuthorizedException');

// Too many wrong answers.
await signIn({ username: PHONE, options });
for (let i = 0; i < 2; i++) await confirmSignIn({ challengeResponse: await wrongCode() });
await assert.rejects(confirmSignIn({ challengeResponse: await wrongCode() }), {
  name: 'NotAuthorizedException', message: 'Incorrect username or password.',
});

// Somebody unknown is asked for a code like everybody else.
step = await signIn({ username: '+12065550199', options });
assert.equal(step.nextStep.signInStep, challenge);
step = await confirmSignIn({ challengeResponse: '123456' });
assert.equal(step.nextStep.additionalInfo.errorCode, 'wrong_code');

await elsewhere();
await deleteUser();
await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
console.log('done');
