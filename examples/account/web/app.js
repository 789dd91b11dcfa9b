// The page: signing in (signin.js), and the account (account.js).

import { createClient } from "./client.js";
import { openInbox } from "./inbox.js";
import { Session } from "./session.js";
import * as account from "./account.js";
import * as signin from "./signin.js";
import { begin, say } from "./page.js";

const [clients] = await Promise.all([fetch("/_local/clients").then((r) => r.json()), begin()]);
const client = createClient({ clientId: clients.everyday, endpoint: "/", store: sessionStorage, sessionMinutes: 15 });
const session = new Session(client, clients.everyday);

signin.listen(client, clients);
account.listen(session, client, again);
openInbox({ inbox: "/_local/messages" }, signin.takeCode);

if (session.remembered) await account.enter();
else enter(await (await signin.resume() ?? signin.signIn()));

function enter(tokens) {
  session.start(tokens);
  account.enter();
}

// again begins a sign-in, with a note on what was before.
async function again(note, error) {
  const tokens = signin.signIn(note);
  if (error) say("start", "error", error);
  enter(await tokens);
}
