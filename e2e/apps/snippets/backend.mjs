// The snippet of docs/apps/backend.md for Node.

import assert from "node:assert/strict";
import { createClient } from "../../../examples/local/web/client.js";
import { CLIENT_ID, ENDPOINT, PHONE, POOL_ID, rightCode } from "../world.mjs";

// docs: node
import { CognitoJwtVerifier } from "aws-jwt-verify";

const verifier = CognitoJwtVerifier.create({ userPoolId: POOL_ID, clientId: CLIENT_ID, tokenUse: "access" });

async function userOf(request) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  try {
    return (await verifier.verify(token)).sub;
  } catch {
    return null; // answer 401
  }
}
// end

verifier.cacheJwks(await (await fetch(`${ENDPOINT}/${POOL_ID}/.well-known/jwks.json`)).json()); // of the local pool
const client = createClient({ endpoint: ENDPOINT, clientId: CLIENT_ID });
await client.signUp(PHONE);
const { challenge } = await client.signIn(PHONE);
const { tokens } = await client.answer(challenge, await rightCode());
const asked = (token) => userOf({ headers: { authorization: token && `Bearer ${token}` } });
assert.match(await asked(tokens.access), /^[0-9a-f-]{36}$/);
for (const bad of [tokens.id, undefined, "x", tokens.access.slice(0, -4) + "AAAA"]) assert.equal(await asked(bad), null);
console.log("done");
