// The account: what its user has enrolled, and what can be done with it. A change needs
// a sign-in of some minutes ago, and a transfer a stronger one: where the server says
// so, the user signs in again, and the same request goes out once more.

import { call } from "./api.js";
import { claims } from "./client.js";
import { forget, known, remember } from "./device.js";
import { format } from "./phones.js";
import { browserName, makePasskey, paint, passkeyError } from "./proofs.js";
import { $, ask, errorText, fault, make, onClick, onSubmit, say, show } from "./page.js";
import { confirm } from "./signin.js";
import { ltr } from "./words.js";

let session; // the tokens
let client;
let login; // the phone number, under which device.js keeps its key
let left; // what to do when the user has signed out
let enrolling = null; // the app that is being added

/** listen makes the buttons of the account work. */
export function listen(ofSession, ofClient, onLeft) {
  session = ofSession;
  client = ofClient;
  left = onLeft;
  onClick($("transfer"), transfer);
  onClick($("passkeys-add"), addPasskey);
  onClick($("apps-add"), beginApp);
  onSubmit("app", finishApp);
  onClick($("recovery-add"), makeCodes);
  onClick($("recovery-remove"), removeCodes);
  onClick($("devices-add"), rememberBrowser);
  onClick($("codes-copy"), copyCodes);
  onClick($("sign-out"), () => signOut(false));
  onClick($("sign-out-everywhere"), () => signOut(true));
  for (const button of document.querySelectorAll(".back")) onClick(button, () => enter());
}

/** enter shows the account, with a note. */
export async function enter(kind, note) {
  const { tokens, error } = await session.tokens();
  const found = tokens ? await client.attributes(tokens) : { error };
  if (found.error) {
    if (found.error.code === "signed_out") session.forget();
    return left("", errorText(found.error));
  }
  login = found.attributes.phone_number;
  const level = claims(tokens.access)["customauth:level"];
  $("account-lead").textContent = `${ltr(format(login))} · signed in with level ${level}`;
  await list(tokens);
  for (const secret of ["app-secret", "codes-list"]) $(secret).replaceChildren(); // they are seen once
  $("app-uri").removeAttribute("href");
  $("app-qr").width = 1;
  show("account");
  if (kind) say("account", kind, note);
}

// --- lists ---

async function list(tokens) {
  const get = async (kind) => (await call("GET", `/account/${kind}`, tokens.access)).data;
  const here = await known(login);
  const [passkeys, apps, codes, devices] = await Promise.all(["passkeys", "apps", "recovery-codes", "devices"].map(get));
  fill("passkeys", passkeys, (p) => [p.used ? `used ${day(p.used)}` : `added ${day(p.created)}`, p.synced && "synced", p.cloned && "may have been copied"]);
  fill("apps", apps, (a) => [`added ${day(a.created)}`]);
  fill("devices", devices, (d) => [d.id === here && "this browser", `until ${day(d.expires)}`]);
  const n = codes?.left ?? 0;
  $("recovery-left").textContent = n ? `You have ${n} left. Each works once.` : "Ten codes to keep on paper, for the day when the phone is gone.";
  $("recovery-remove").hidden = n === 0;
  $("devices-add").hidden = (devices ?? []).some((d) => d.id === here);
}

function fill(kind, things = [], facts) {
  $(kind).replaceChildren(...things.map((thing) => {
    const name = thing.name || "without a name";
    const row = make("li", "");
    const what = make("div", "");
    what.append(make("strong", name), make("small", facts(thing).filter(Boolean).join(" · ")));
    const rename = make("button", "Rename", { type: "button", className: "link", ariaLabel: `Rename ${name}` });
    const remove = make("button", "Remove", { type: "button", className: "link", ariaLabel: `Remove ${name}` });
    onClick(rename, () => renameThing(kind, thing));
    onClick(remove, () => removeThing(kind, thing));
    row.append(what, rename, remove);
    return row;
  }));
}

const day = (time) => new Date(time).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });

async function renameThing(kind, { id, name }) {
  const next = await ask("A new name", "Rename", name);
  if (next) await change("PATCH", `/account/${kind}/${id}`, { name: next }, () => "It has its new name.");
}

async function removeThing(kind, { id, name }) {
  if (!await ask(`Remove “${name}”?`, "Remove")) return;
  await change("DELETE", `/account/${kind}/${id}`, undefined, async () => {
    if (kind === "devices" && id === await known(login)) await forget(login);
    return "It was removed.";
  });
}

// --- changes ---

// request sends a request, and after a further sign-in, if it needs one, once more. It
// returns undefined where the user gave up.
async function request(method, path, body) {
  const { tokens, error } = await session.tokens();
  if (error) return { error };
  const first = await call(method, path, tokens.access, body);
  if (!first.need) return first;
  const raised = await confirm(tokens, login, first.need);
  if (!raised) return undefined;
  const outcome = await call(method, path, raised.access, body);
  if (raised.clientId === tokens.clientId) session.start(raised); // the fresh sign-in stays
  else await client.signOut(raised); // the stronger one was for this alone
  return outcome;
}

// change sends a request, and shows the account again, with what was done.
async function change(method, path, body, done) {
  const outcome = await request(method, path, body);
  if (!outcome) return enter();
  if (outcome.error) return enter("error", errorText(outcome.error));
  return enter("info", await done(outcome.data));
}

const transfer = () => change("POST", "/transfers", undefined, (data) => `${data.done}.`);

async function addPasskey() {
  const begun = await request("POST", "/account/passkeys/begin", {});
  if (!begun?.data) return enter(begun && "error", begun && errorText(begun.error));
  let response;
  try {
    response = await makePasskey(begun.data.publicKey);
  } catch (e) {
    return enter("error", passkeyError(e));
  }
  return change("POST", "/account/passkeys", { session: begun.data.session, name: browserName(), response }, () => "You can sign in with this passkey now.");
}

async function beginApp() {
  const begun = await request("POST", "/account/apps/begin", {});
  if (!begun?.data) return enter(begun && "error", begun && errorText(begun.error));
  enrolling = begun.data;
  await paint($("app-qr"), enrolling.qr);
  $("app-secret").textContent = enrolling.secret.replace(/(.{4})(?=.)/g, "$1 ");
  $("app-uri").href = enrolling.uri;
  $("app-code").value = "";
  $("app-code").style.setProperty("--length", 6);
  show("app", $("app-code"));
}

async function finishApp() {
  const input = $("app-code");
  const outcome = await request("POST", "/account/apps", { session: enrolling.session, name: "Authenticator app", code: input.value });
  if (!outcome) return enter();
  if (outcome.error?.code === "wrong_code") return fault(input, errorText(outcome.error));
  if (outcome.error) return enter("error", errorText(outcome.error));
  return enter("info", "The app was added.");
}

async function makeCodes() {
  const outcome = await request("POST", "/account/recovery-codes", {});
  if (!outcome?.data) return enter(outcome && "error", outcome && errorText(outcome.error));
  $("codes-list").replaceChildren(...outcome.data.codes.map((code) => make("li", code)));
  show("codes");
}

async function copyCodes() {
  await navigator.clipboard.writeText([...$("codes-list").children].map((li) => li.textContent).join("\n"));
  say("codes", "info", "They are copied.");
}

async function removeCodes() {
  if (await ask("Remove all recovery codes?", "Remove")) await change("DELETE", "/account/recovery-codes", undefined, () => "They were removed.");
}

async function rememberBrowser() {
  let refused;
  try {
    await remember(login, async (key) => {
      const outcome = await request("POST", "/account/devices", { name: browserName(), key });
      if (!outcome?.data) throw (refused = outcome ?? {});
      return outcome.data.id;
    });
  } catch (e) {
    if (!refused) throw e;
    return enter(refused.error && "error", refused.error && errorText(refused.error));
  }
  return enter("info", "This browser is remembered.");
}

// signOut ends the session; everywhere, the devices are forgotten too.
async function signOut(everywhere) {
  if (everywhere) {
    const outcome = await request("DELETE", "/account/devices");
    if (!outcome) return enter();
    if (outcome.error) return enter("error", errorText(outcome.error));
    await forget(login);
  }
  await session.end(everywhere);
  $("start-phone").value = "";
  return left(everywhere ? "You are signed out on every device." : "You are signed out.");
}
