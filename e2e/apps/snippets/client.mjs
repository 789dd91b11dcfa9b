// The snippets of docs/apps.md, with client.js.

import assert from "node:assert/strict";
import { createClient } from "../../../examples/local/web/client.js";
import { CLIENT_ID, countdown, EMAIL, ENDPOINT, memory, PHONE, rightCode, WAYS_CLIENT_ID, wrongCode } from "../world.mjs";

const sessionStorage = memory(), told = [];
const tell = (code) => told.push(code);

// docs: create
const client = createClient({
  endpoint: ENDPOINT, // or region: "eu-west-1"
  clientId: CLIENT_ID,
  store: sessionStorage, // so that a reload goes on where the user was
  sessionMinutes: 15, // AuthSessionValidity of the app client
});
// end

// docs: begin
async function begin(phone) {
  const { error } = await client.signUp(phone); // with a made-up password
  if (error && error.code !== "account_exists") return { error };
  return client.signIn(phone);
}
// end

// docs: answer
async function enter(challenge, code) {
  const outcome = await client.answer(challenge, code);
  if (outcome.error) tell(outcome.error.code);
  if (!outcome.challenge && outcome.error?.code === "session_ended") return client.signIn(challenge.login);
  return outcome; // tokens, or the next challenge
}
// end

let { challenge, tokens, error } = await begin(PHONE);
assert.equal(error, undefined);
({ challenge } = await enter(challenge, await wrongCode()));
assert.deepEqual(told, ["wrong_code"]);
await countdown();
({ challenge } = await client.resend(challenge));

// docs: resume
const waiting = await client.resume(); // undefined if there is none
// end
assert.deepEqual(waiting, challenge);
({ tokens } = await enter(waiting, await rightCode()));
assert.ok(tokens.access);

// docs: later
async function goodTokens(tokens) {
  if (Date.now() < tokens.endsAt - 60_000) return tokens;
  const outcome = await client.refresh(tokens);
  if (outcome.error?.code === "signed_out") return null; // sign in again
  return outcome.tokens ?? tokens;
}
// end
assert.equal(await goodTokens(tokens), tokens);
assert.notEqual((await goodTokens({ ...tokens, endsAt: 0 })).access, tokens.access);

// docs: out
await client.signOut(tokens); // or signOut(tokens, { everywhere: true })
// end
assert.equal(await goodTokens({ ...tokens, endsAt: 0 }), null);

await countdown();
const choosy = createClient({ endpoint: ENDPOINT, clientId: WAYS_CLIENT_ID });
assert.deepEqual(await client.signUp("+12065550101", { email: EMAIL }), {});
({ challenge } = await choosy.signIn("+12065550101"));
await countdown();
// docs: choose
if (challenge.ways.includes("email")) {
  ({ challenge, error } = await choosy.choose(challenge, "email", "de"));
}
// end
assert.equal(challenge.medium, "EMAIL");
console.log("done");
