// Amplify and what a user does with an account: signing up with a code, signing in
// with a password alone (USER_SRP_AUTH and USER_PASSWORD_AUTH), a new address that
// is verified before it counts, another password, a forgotten one.

import assert from 'node:assert/strict';
import {
  confirmResetPassword, confirmSignUp, confirmUserAttribute, deleteUserAttributes, fetchAuthSession, fetchUserAttributes,
  resendSignUpCode, resetPassword, sendUserAttributeVerificationCode, signIn, signOut, signUp, updatePassword, updateUserAttribute,
} from 'aws-amplify/auth';
import { codes, PASSWORD, PHONE } from './world.mjs';

const EMAIL = 'ada@example.com';
const NEW_EMAIL = 'ada.byron@example.com';
const newest = async (to) => (await codes(to))[0];
const bySRP = (password) => signIn({ username: PHONE, password, options: { authFlowType: 'USER_SRP_AUTH' } });

await assert.rejects(signUp({ username: PHONE, password: 'aaaaaaaa' }), { name: 'InvalidPasswordException' });
const up = await signUp({ username: PHONE, password: PASSWORD, options: { userAttributes: { email: EMAIL, name: 'Ada', 'custom:plan': 'gold' } } });
assert.equal(up.nextStep.signUpStep, 'CONFIRM_SIGN_UP');
assert.equal(up.nextStep.codeDeliveryDetails.deliveryMedium, 'SMS');
const early = await bySRP(PASSWORD);
assert.equal(early.nextStep.signInStep, 'CONFIRM_SIGN_UP');
await resendSignUpCode({ username: PHONE });
await confirmSignUp({ username: PHONE, confirmationCode: await newest(PHONE) });

await assert.rejects(bySRP(`not-${PASSWORD}`), { name: 'NotAuthorizedException' });
assert.equal((await bySRP(PASSWORD)).isSignedIn, true);

// The phone is verified by the code, the e-mail address is not.
let attributes = await fetchUserAttributes();
assert.equal(attributes.phone_number_verified, 'true');
assert.equal(attributes.email_verified, 'false');
const sent = await sendUserAttributeVerificationCode({ userAttributeKey: 'email' });
assert.equal(sent.destination, 'a***@e***');
await assert.rejects(confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: 'x' }), { name: 'CodeMismatchException' });
await confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: await newest(EMAIL) });

// A new address counts once its code has come back.
const update = await updateUserAttribute({ userAttribute: { attributeKey: 'email', value: NEW_EMAIL } });
assert.equal(update.nextStep.updateAttributeStep, 'CONFIRM_ATTRIBUTE_WITH_CODE');
assert.equal((await fetchUserAttributes()).email, EMAIL);
await confirmUserAttribute({ userAttributeKey: 'email', confirmationCode: await newest(NEW_EMAIL) });
attributes = await fetchUserAttributes();
assert.equal(attributes.email, NEW_EMAIL);
assert.equal(attributes.email_verified, 'true');

await deleteUserAttributes({ userAttributeKeys: ['name'] });
assert.equal((await fetchUserAttributes()).name, undefined);

const { tokens } = await fetchAuthSession({ forceRefresh: true });
assert.deepEqual(tokens.accessToken.payload['cognito:groups'], undefined);

const second = `second-${PASSWORD}`;
await assert.rejects(updatePassword({ oldPassword: second, newPassword: second }), { name: 'NotAuthorizedException' });
await updatePassword({ oldPassword: PASSWORD, newPassword: second });
await signOut();
await assert.rejects(bySRP(PASSWORD), { name: 'NotAuthorizedException' });
assert.equal((await signIn({ username: PHONE, password: second, options: { authFlowType: 'USER_PASSWORD_AUTH' } })).isSignedIn, true);
await signOut();

const third = `third-${PASSWORD}`;
const reset = await resetPassword({ username: PHONE });
assert.equal(reset.nextStep.resetPasswordStep, 'CONFIRM_RESET_PASSWORD_WITH_CODE');
await confirmResetPassword({ username: PHONE, newPassword: third, confirmationCode: await newest(PHONE) });
assert.equal((await bySRP(third)).isSignedIn, true);
console.log('done');
