// client.js at a pool: from sign-up to sign-out.

import assert from "node:assert/strict";
import { claims, createClient, madeUpPassword } from "../../examples/local/web/client.js";
import { CLIENT_ID, codes, countdown, EMAIL, ENDPOINT, memory, PHONE, rightCode, WAYS_CLIENT_ID, wrongCode } from "./world.mjs";

const store = memory();
const settings = { endpoint: ENDPOINT, clientId: CLIENT_ID, store };
const client = createClient(settings);

// A password that every policy takes, and never the same.
for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/, /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]/]) assert.match(madeUpPassword(), kind);
assert.notEqual(madeUpPassword(), madeUpPassword());

assert.deepEqual(await client.signUp(PHONE, { name: "Ada", email: EMAIL }), {});
assert.equal((await client.signUp(PHONE)).error.code, "account_exists");

// A wrong code, a reload, another code, and the right one.
let { challenge, tokens, error } = await client.signIn(PHONE);
assert.equal(error, undefined);
assert.equal(challenge.login, PHONE);
assert.equal(challenge.medium, "SMS");
assert.equal(challenge.codeLength, 6);
assert.equal(challenge.attemptsRemaining, 3);
assert.ok(challenge.expiresAt > Date.now());
assert.ok(challenge.resendAt > Date.now() - 1000);
assert.deepEqual(challenge.ways, []);

({ challenge, tokens, error } = await client.answer(challenge, await wrongCode()));
assert.equal(error.code, "wrong_code");
assert.equal(challenge.attemptsRemaining, 2);
assert.equal(tokens, undefined);

const later = createClient(settings); // after a reload
challenge = await later.resume();
assert.equal(challenge.attemptsRemaining, 2);
await countdown();
({ challenge, error } = await later.resend(challenge));
assert.equal(error, undefined);
assert.equal((await codes()).length, 2);

({ challenge, error } = await later.resend(challenge));
assert.equal(error.code, "resend_too_soon");
assert.ok(error.retryAfter > 0);

// Nobody answers: everything stays as it was.
const dead = createClient({ ...settings, endpoint: "http://127.0.0.1:9/" });
const failed = await dead.answer(challenge, await rightCode());
assert.equal(failed.error.code, "unreachable");
assert.equal(failed.challenge, challenge);

const used = challenge;
({ challenge, tokens, error } = await later.answer(challenge, await rightCode()));
assert.equal(error, undefined);
assert.equal(challenge, undefined);
assert.equal(claims(tokens.access).token_use, "access");
assert.equal(claims(tokens.id).phone_number, PHONE);
assert.ok(tokens.endsAt > Date.now() + 3_000_000);
assert.equal(await later.resume(), undefined);
assert.equal(store.kept.size, 0);
assert.equal((await client.answer(used, "123456")).error.code, "session_ended");

// The tokens.
assert.equal((await client.attributes(tokens)).attributes.name, "Ada");
const [first, second] = await Promise.all([client.refresh(tokens), client.refresh(tokens)]);
assert.equal(first, second); // asked once
assert.notEqual(first.tokens.access, tokens.access);
assert.equal(first.tokens.refresh, tokens.refresh);

// Step-up at the other client, with a choice of the way.
({ challenge, error } = await client.stepUp(tokens, WAYS_CLIENT_ID));
assert.equal(error?.code ?? "sent_recently", "sent_recently"); // the text of the sign-in before is a moment old
assert.deepEqual(challenge.ways, ["sms", "email"]);
assert.equal(challenge.clientId, WAYS_CLIENT_ID);
assert.equal((await client.resume()).clientId, WAYS_CLIENT_ID);
await countdown();
({ challenge, error } = await client.choose(challenge, "pigeon"));
assert.equal(error.code, "way_not_offered");
({ challenge, error } = await client.choose(challenge, "email", "de-AT"));
assert.equal(error, undefined);
assert.equal(challenge.way, "email");
assert.equal(challenge.medium, "EMAIL");
const stepped = await client.answer(challenge, await rightCode(EMAIL));
assert.equal(claims(stepped.tokens.access).client_id, WAYS_CLIENT_ID);
assert.equal((await client.refresh(stepped.tokens)).tokens.clientId, WAYS_CLIENT_ID);

// Signing out here, and everywhere.
assert.deepEqual(await client.signOut(tokens), {});
assert.equal((await client.refresh(tokens)).error.code, "signed_out");
assert.deepEqual(await client.signOut(stepped.tokens, { everywhere: true }), {});
assert.equal((await client.attributes(stepped.tokens)).error.code, "signed_out");
assert.equal((await client.signOut(stepped.tokens, { everywhere: true })).error.code, "signed_out");

// No attempts left, and somebody unknown: alike.
for (const login of [PHONE, "+12065550199"]) {
  await countdown();
  ({ challenge, error } = await client.signIn(login));
  assert.equal(error, undefined);
  for (let i = 0; i < 2; i++) {
    ({ challenge, error } = await client.answer(challenge, await wrongCode(PHONE)));
    assert.equal(error.code, "wrong_code");
  }
  ({ challenge, error } = await client.answer(challenge, await wrongCode(PHONE)));
  assert.equal(error.code, "sign_in_failed");
  assert.equal(challenge, undefined);
}

// Giving up, and thinking better of it.
({ challenge } = await client.signIn(PHONE));
await client.keep();
assert.equal(await client.resume(), undefined);
await client.keep(challenge);
assert.deepEqual(await client.resume(), challenge);
console.log("done");
