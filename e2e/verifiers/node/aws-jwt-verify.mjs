// aws-jwt-verify for any issuer: it fetches the keys from the issuer, over TLS.
// NODE_EXTRA_CA_CERTS names the authority of the test.

import assert from 'node:assert/strict';
import { JwtVerifier } from 'aws-jwt-verify';

const { COGNITO_ISSUER: issuer, COGNITO_CLIENT_ID, ACCESS_TOKEN, ID_TOKEN, TAMPERED } = process.env;

const ids = JwtVerifier.create({ issuer, audience: COGNITO_CLIENT_ID });
assert.equal((await ids.verify(ID_TOKEN)).email, 'ada@example.com');
await assert.rejects(ids.verify(ACCESS_TOKEN), /Missing Audience|Audience/);

const accesses = JwtVerifier.create({
  issuer,
  audience: null,
  customJwtCheck: ({ payload }) => assert.equal(payload.client_id, COGNITO_CLIENT_ID),
});
assert.equal((await accesses.verify(ACCESS_TOKEN)).token_use, 'access');
await assert.rejects(accesses.verify(TAMPERED), /Invalid signature/);
console.log('done');
