// aws-jwt-verify for Cognito: it knows the issuer by the pool's ID, so the pool has
// the service's issuer, and the keys are handed over.

import assert from 'node:assert/strict';
import { CognitoJwtVerifier } from 'aws-jwt-verify';

const { COGNITO_USER_POOL_ID, COGNITO_CLIENT_ID, COGNITO_JWKS_URI, ACCESS_TOKEN, ID_TOKEN, TAMPERED } = process.env;

const verifier = CognitoJwtVerifier.create({ userPoolId: COGNITO_USER_POOL_ID, clientId: COGNITO_CLIENT_ID, tokenUse: 'access' });
verifier.cacheJwks(await (await fetch(COGNITO_JWKS_URI)).json());

assert.equal((await verifier.verify(ACCESS_TOKEN)).username, 'ada');
assert.equal((await verifier.verify(ID_TOKEN, { tokenUse: 'id' })).email, 'ada@example.com');
await assert.rejects(verifier.verify(ID_TOKEN), /Token use not allowed/);
await assert.rejects(verifier.verify(TAMPERED), /Invalid signature/);
console.log('done');
