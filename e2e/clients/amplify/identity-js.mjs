// amazon-cognito-identity-js, which Amplify was made of before version 6: the
// code alone, or after the password with the variable PASSWORD_FIRST.

import assert from 'node:assert/strict';
import cognito from 'amazon-cognito-identity-js';
import { CLIENT_ID, countdown, ENDPOINT, PASSWORD, PHONE, POOL_ID, profile, rightCode, texts, wrongCode } from './world.mjs';

const pool = new cognito.CognitoUserPool({ UserPoolId: POOL_ID, ClientId: CLIENT_ID, endpoint: ENDPOINT });
const user = new cognito.CognitoUser({ Username: PHONE, Pool: pool });
user.setAuthenticationFlowType('CUSTOM_AUTH');

// outcome makes a promise of the library's callbacks.
const outcome = (start) => new Promise((resolve, reject) => {
  start({
    onSuccess: (session) => resolve({ session }),
    onFailure: reject,
    customChallenge: (parameters) => resolve({ parameters }),
  });
});
const call = (method, ...args) => new Promise((resolve, reject) => {
  user[method](...args, (error, result) => (error ? reject(error) : resolve(result)));
});
const answer = (text, clientMetadata) => outcome((callbacks) => user.sendCustomChallengeAnswer(text, callbacks, clientMetadata));
const begin = (password) => outcome((callbacks) => {
  const details = new cognito.AuthenticationDetails({ Username: PHONE, Password: password });
  if (process.env.PASSWORD_FIRST) user.authenticateUser(details, callbacks);
  else user.initiateAuth(details, callbacks);
});

if (process.env.PASSWORD_FIRST) {
  await assert.rejects(begin(`not ${PASSWORD}`), { name: 'NotAuthorizedException' });
}
let step = await begin(PASSWORD);
assert.equal(step.parameters.attemptsRemaining, '3');
assert.equal((await texts()).length, 1);

step = await answer(await wrongCode());
assert.equal(step.parameters.errorCode, 'wrong_code');
await countdown(step.parameters);
step = await answer('resend', { action: 'resend' });
assert.equal(step.parameters.attemptsRemaining, '2');
assert.equal((await texts()).length, 2);

step = await answer(await rightCode());
assert.equal(step.session.isValid(), true);
assert.equal(step.session.getIdToken().payload.phone_number, PHONE);

const refreshed = await call('refreshSession', step.session.getRefreshToken());
assert.notEqual(refreshed.getAccessToken().getJwtToken(), step.session.getAccessToken().getJwtToken());
assert.equal(await call('updateAttributes', [{ Name: 'name', Value: 'Ada Lovelace' }]), 'SUCCESS');
const attributes = await call('getUserAttributes');
assert.equal(attributes.find((a) => a.getName() === 'name').getValue(), 'Ada Lovelace');

await new Promise((resolve) => user.signOut(resolve));
assert.equal(await profile(refreshed.getAccessToken().getJwtToken()), 'NotAuthorizedException');

await begin(PASSWORD);
step = await answer(await rightCode());
await new Promise((resolve, reject) => user.globalSignOut({ onSuccess: resolve, onFailure: reject }));
assert.equal(await profile(step.session.getAccessToken().getJwtToken()), 'NotAuthorizedException');
console.log('done');
