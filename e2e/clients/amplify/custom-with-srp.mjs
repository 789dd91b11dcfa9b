// Amplify with CUSTOM_WITH_SRP: the password first, then the code. A pool that asks
// for the code alone is no place for it: Amplify then fails for want of the
// password challenge (EmptyUserIdForSRPException).

import assert from 'node:assert/strict';
import { confirmSignIn, fetchAuthSession, getCurrentUser, signIn, signOut } from 'aws-amplify/auth';
import { countdown, PASSWORD, PHONE, rightCode, texts, wrongCode } from './world.mjs';

const options = { authFlowType: 'CUSTOM_WITH_SRP' };

await assert.rejects(signIn({ username: PHONE, password: `not ${PASSWORD}`, options }), {
  name: 'NotAuthorizedException', message: 'Incorrect username or password.',
});
assert.equal((await texts()).length, 0);

let step = await signIn({ username: PHONE, password: PASSWORD, options });
assert.equal(step.nextStep.signInStep, 'CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE');
assert.equal((await texts()).length, 1);

step = await confirmSignIn({ challengeResponse: await wrongCode() });
assert.equal(step.nextStep.additionalInfo.errorCode, 'wrong_code');

await countdown(step.nextStep.additionalInfo);
step = await confirmSignIn({ challengeResponse: 'resend', options: { clientMetadata: { action: 'resend' } } });
assert.equal((await texts()).length, 2);

step = await confirmSignIn({ challengeResponse: await rightCode() });
assert.equal(step.isSignedIn, true);

const { tokens } = await fetchAuthSession({ forceRefresh: true });
assert.equal(tokens.idToken.payload.phone_number, PHONE);
await signOut();
await assert.rejects(getCurrentUser(), { name: 'UserUnAuthenticatedException' });
console.log('done');
