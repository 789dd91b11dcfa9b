// aws-jwt-verify, which back ends check Cognito's tokens with. It knows where a
// pool's keys are by the pool's ID, so it is given those of this pool.

import assert from 'node:assert/strict';
import { confirmSignIn, fetchAuthSession, signIn } from 'aws-amplify/auth';
import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { CLIENT_ID, ENDPOINT, PHONE, POOL_ID, rightCode } from './world.mjs';

await signIn({ username: PHONE, options: { authFlowType: 'CUSTOM_WITHOUT_SRP' } });
await confirmSignIn({ challengeResponse: await rightCode() });
const { tokens } = await fetchAuthSession();
const access = tokens.accessToken.toString();
const id = tokens.idToken.toString();

const keys = await (await fetch(`${ENDPOINT}/${POOL_ID}/.well-known/jwks.json`)).json();
const verifier = CognitoJwtVerifier.create({ userPoolId: POOL_ID, clientId: CLIENT_ID, tokenUse: null });
verifier.cacheJwks(keys);

assert.equal((await verifier.verify(access, { tokenUse: 'access' })).client_id, CLIENT_ID);
assert.equal((await verifier.verify(id, { tokenUse: 'id' })).phone_number, PHONE);
await assert.rejects(verifier.verify(id, { tokenUse: 'access' }), /Token use not allowed/);
await assert.rejects(verifier.verify(access, { clientId: 'another', tokenUse: 'access' }), /Client ID not allowed/);

const [header, , signature] = access.split('.');
const [, claims] = id.split('.');
await assert.rejects(verifier.verify(`${header}.${claims}.${signature}`), /Invalid signature/);
console.log('done');
