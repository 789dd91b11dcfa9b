// openid-client: it discovers the pool by the issuer and insists that the document
// is the issuer's own. Tokens are then checked with jose and what it found.

import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

const { COGNITO_ISSUER, COGNITO_CLIENT_ID, ACCESS_TOKEN, ID_TOKEN } = process.env;
const options = COGNITO_ISSUER.startsWith('http:') ? { execute: [client.allowInsecureRequests] } : undefined;

const config = await client.discovery(new URL(COGNITO_ISSUER), COGNITO_CLIENT_ID, undefined, client.None(), options);
const server = config.serverMetadata();
assert.equal(server.issuer, COGNITO_ISSUER);
assert.ok(server.authorization_endpoint && server.token_endpoint && server.userinfo_endpoint);

const keys = createRemoteJWKSet(new URL(server.jwks_uri));
const { payload } = await jwtVerify(ID_TOKEN, keys, { issuer: server.issuer, audience: COGNITO_CLIENT_ID });
assert.equal(payload['cognito:username'], 'ada');

// There are no OAuth endpoints, and they say so.
await assert.rejects(client.refreshTokenGrant(config, 'refresh token'), /server responded with an error|invalid_request|unexpected HTTP response/i);
await assert.rejects(client.fetchUserInfo(config, ACCESS_TOKEN, payload.sub));
console.log('done');
