// What the functions of sms.mjs have in memory, and what unknown users see.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import {
  AdminGetUserCommand, ListUsersCommand, SignUpCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { answer, begin, ClientId, cognito, control, UserPoolId } from './pool.mjs';

const phone = '+12065550100';

beforeEach(async () => {
  await control('POST', 'reset');
  await cognito.send(new SignUpCommand({ ClientId, Username: phone, Password: 'Made-up-1-password' }));
});

test('a reset makes functions forget', async () => {
  assert.equal((await begin(phone)).ChallengeParameters.texts, '1');
  assert.equal((await begin(phone)).ChallengeParameters.texts, '2');
  await control('POST', 'reset', { keepFunctions: true });
  await control('POST', 'users', { Username: phone });
  assert.equal((await begin(phone)).ChallengeParameters.texts, '3');
  await control('POST', 'reset');
  await control('POST', 'users', { Username: phone });
  assert.equal((await begin(phone)).ChallengeParameters.texts, '1');
});

test('an administrator sees the user', async () => {
  const user = await cognito.send(new AdminGetUserCommand({ UserPoolId, Username: phone }));
  assert.equal(user.UserStatus, 'CONFIRMED');
  const { Users } = await cognito.send(new ListUsersCommand({ UserPoolId }));
  assert.deepEqual(Users.map((u) => u.Username), [user.Username]);
});

test('nobody gets no text', async () => {
  const step = await begin('+12065550199');
  assert.equal(step.ChallengeName, 'CUSTOM_CHALLENGE');
  await assert.doesNotReject(answer(step, '000000'));
  assert.deepEqual((await control('GET', 'messages')).messages, []);
});
