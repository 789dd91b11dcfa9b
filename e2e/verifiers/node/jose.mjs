// jose: by the issuer and its key set.

import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { COGNITO_ISSUER: issuer, COGNITO_CLIENT_ID: audience, ACCESS_TOKEN, ID_TOKEN, TAMPERED } = process.env;
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

const id = await jwtVerify(ID_TOKEN, keys, { issuer, audience, algorithms: ['RS256'] });
assert.equal(id.payload.email, 'ada@example.com');
const access = await jwtVerify(ACCESS_TOKEN, keys, { issuer, requiredClaims: ['client_id', 'token_use'] });
assert.equal(access.payload.client_id, audience);

await assert.rejects(jwtVerify(TAMPERED, keys, { issuer }), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
await assert.rejects(jwtVerify(ID_TOKEN, keys, { issuer, audience: 'another' }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
await assert.rejects(jwtVerify(ID_TOKEN, keys, { issuer: `${issuer}x` }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
console.log('done');
