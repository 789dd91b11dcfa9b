// Signing in with a link, without a browser.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { GetUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import { answer, begin, cognito, control } from './pool.mjs';

const email = 'ada@example.com';

beforeEach(async () => {
  await control('POST', 'reset');
  await control('POST', 'users', { Username: email, UserAttributes: { email_verified: 'true' } });
});

async function token() {
  const { messages } = await control('GET', `messages?to=${email}&wait=20s`);
  const { link, subject, medium } = messages.at(-1);
  assert.deepEqual({ subject, medium }, { subject: 'Sign in to the shop', medium: 'EMAIL' });
  return new URL(link).searchParams.get('t');
}

test('the link signs in', async () => {
  const step = await begin(email);
  const { AuthenticationResult } = await answer(step, await token());
  const user = await cognito.send(new GetUserCommand({ AccessToken: AuthenticationResult.AccessToken }));
  assert.equal(user.UserAttributes.find((a) => a.Name === 'email').Value, email);
});

test('another token does not', async () => {
  const step = await begin(email);
  await assert.rejects(answer(step, 'another'), { name: 'NotAuthorizedException' });
});

test('the link does not after ten minutes', async () => {
  const step = await begin(email);
  const late = await token();
  await control('POST', 'clock', { advance: '10m' });
  await assert.rejects(answer(step, late), { name: 'NotAuthorizedException', message: /Incorrect username or password/ });
});
