// amazon-cognito-identity-js and what a user does with an account: a temporary
// password, its replacement, another password, an address to verify, attributes to
// remove, a forgotten password.

import assert from 'node:assert/strict';
import cognito from 'amazon-cognito-identity-js';
import { CLIENT_ID, codes, ENDPOINT, PASSWORD, PHONE, POOL_ID } from './world.mjs';

const EMAIL = 'ada@example.com';
const pool = new cognito.CognitoUserPool({ UserPoolId: POOL_ID, ClientId: CLIENT_ID, endpoint: ENDPOINT });
const user = new cognito.CognitoUser({ Username: PHONE, Pool: pool });

const call = (method, ...args) => new Promise((resolve, reject) => {
  user[method](...args, (error, result) => (error ? reject(error) : resolve(result)));
});
// outcome makes a promise of the callbacks of an authentication.
const outcome = (start) => new Promise((resolve, reject) => {
  start({
    onSuccess: (session) => resolve({ session }),
    onFailure: reject,
    newPasswordRequired: (attributes, required) => resolve({ attributes, required }),
    inputVerificationCode: (details) => resolve({ details }),
  });
});
const authenticate = (password) => outcome((callbacks) => {
  user.authenticateUser(new cognito.AuthenticationDetails({ Username: PHONE, Password: password }), callbacks);
});

// The temporary password of an administrator, by SRP.
let step = await authenticate((await codes(PHONE))[0]);
assert.equal(step.attributes.email, EMAIL);
await assert.rejects(outcome((callbacks) => user.completeNewPasswordChallenge('aaaaaaaa', {}, callbacks)), { name: 'InvalidPasswordException' });
step = await outcome((callbacks) => user.completeNewPasswordChallenge(PASSWORD, { name: 'Ada' }, callbacks));
assert.equal(step.session.isValid(), true);
assert.deepEqual(step.session.getIdToken().payload['cognito:groups'], ['staff']);

step = await outcome((callbacks) => user.getAttributeVerificationCode('email', callbacks));
assert.equal(step.details.CodeDeliveryDetails.DeliveryMedium, 'EMAIL');
const [code] = await codes(EMAIL);
assert.equal((await outcome((callbacks) => user.verifyAttribute('email', code, callbacks))).session, 'SUCCESS');

assert.equal(await call('deleteAttributes', ['name']), 'SUCCESS');
const attributes = await call('getUserAttributes');
assert.equal(attributes.find((a) => a.getName() === 'name'), undefined);
assert.equal(attributes.find((a) => a.getName() === 'email_verified').getValue(), 'true');

const second = `second-${PASSWORD}`;
await assert.rejects(call('changePassword', second, second), { name: 'NotAuthorizedException' });
assert.equal(await call('changePassword', PASSWORD, second), 'SUCCESS');
await assert.rejects(authenticate(PASSWORD), { name: 'NotAuthorizedException' });
user.setAuthenticationFlowType('USER_PASSWORD_AUTH');
assert.equal((await authenticate(second)).session.isValid(), true);

const third = `third-${PASSWORD}`;
step = await outcome((callbacks) => user.forgotPassword(callbacks));
assert.equal(step.details.CodeDeliveryDetails.AttributeName, 'email');
const [reset] = await codes(EMAIL);
await outcome((callbacks) => user.confirmPassword(reset, third, callbacks));
assert.equal((await authenticate(third)).session.isValid(), true);
console.log('done');
