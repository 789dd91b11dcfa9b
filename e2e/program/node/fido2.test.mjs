// Signing in with a passkey. The authenticator is made here.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { answer, begin, control } from './pool.mjs';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha256 = (data) => createHash('sha256').update(data).digest();

// assertion is what an authenticator answers. Change may spoil it.
function assertion(step, change = {}) {
  const { challenge, rpId } = JSON.parse(step.ChallengeParameters.fido2options);
  const client = { type: 'webauthn.get', challenge, origin: `https://${rpId}`, ...change };
  const clientDataJSON = Buffer.from(JSON.stringify(client));
  const flags = Buffer.from([0x05, 0, 0, 0, 1]); // present, verified; the counter
  const authenticatorData = Buffer.concat([sha256(rpId), flags]);
  const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientDataJSON)]), privateKey);
  const text = (bytes) => bytes.toString('base64url');
  return JSON.stringify({
    clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
  });
}

beforeEach(async () => {
  await control('POST', 'reset');
  const key = publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
  await control('POST', 'users', { Username: 'ada', UserAttributes: { 'custom:publicKey': key } });
});

test('an assertion signs in', async () => {
  const step = await begin('ada');
  const { AuthenticationResult } = await answer(step, assertion(step));
  assert.ok(AuthenticationResult.IdToken);
});

test('one for another page, or another challenge, does not', async () => {
  let step = await begin('ada');
  step = await answer(step, assertion(step, { origin: 'https://shop.example.evil.example' }));
  assert.equal(step.ChallengeName, 'CUSTOM_CHALLENGE');
  step = await answer(step, assertion(step, { challenge: 'another' }));
  const { AuthenticationResult } = await answer(step, assertion(step));
  assert.ok(AuthenticationResult.AccessToken);
});
