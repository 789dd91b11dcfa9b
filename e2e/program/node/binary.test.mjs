// Signing in where the trigger is a compiled function, whose SDK sends the text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, begin, control } from './pool.mjs';

test('the code of the function signs in', async () => {
  const phone = '+12065550100';
  await control('POST', 'users', { Username: phone, UserAttributes: { phone_number_verified: 'true' } });
  const step = await begin(phone);
  const { messages } = await control('GET', `messages?to=${encodeURIComponent(phone)}&wait=20s`);
  assert.equal(messages[0].from, 'sns');
  const { AuthenticationResult } = await answer(step, messages[0].code);
  assert.equal(AuthenticationResult.TokenType, 'Bearer');
});
