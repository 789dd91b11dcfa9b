// A sign-in, from the first question to the tokens: at the start, to go on after some
// minutes, and to step up.
//
//   start ──► ways ──► passkey, code ──► tokens
//   confirm ─────────► passkey, code ──► tokens
//
// Each runs as a flow: a challenge that waits for an answer, and what happens with the
// tokens at its end.

import { forget, proof } from "./device.js";
import { readCode } from "./input.js";
import { format, parse } from "./phones.js";
import { usePasskey, passkeyError } from "./proofs.js";
import { $, busy, errorText, fault, make, onClick, onSubmit, say, show, shown, waitText } from "./page.js";
import { ltr } from "./words.js";

let client; // of the everyday app client
let clients; // the ids of all three
let flow = null; // { challenge, login, done(tokens), over(text) }

const names = { sms: "By text", passkey: "With a passkey", recovery: "With a recovery code", totp: "With an authenticator app", device: "By this device" };

/** listen makes the buttons of a sign-in work. */
export function listen(ofClient, ids) {
  client = ofClient;
  clients = ids;
  onSubmit("start", start);
  onSubmit("code", sendCode);
  $("code-input").addEventListener("input", () => takeCode($("code-input").value));
  onClick($("code-resend"), resend);
  onClick($("passkey-again"), answerByPasskey);
  onClick($("confirm-strong"), () => stepUp(clients.strong));
  onClick($("confirm-second"), () => stepUp(clients.second));
  for (const button of document.querySelectorAll(".cancel")) button.addEventListener("click", () => flow.over(""));
}

/** signIn asks who it is. It ends with tokens. */
export function signIn(note = "") {
  return new Promise((resolve) => {
    const again = (text) => {
      client.keep(); // forgets the challenge
      flow = { challenge: null, done: resolve, over: again };
      show("start", $("start-phone"));
      if (text) say("start", "error", text);
    };
    again("");
    if (note) say("start", "info", note);
  });
}

/** resume goes on with a sign-in that a reload interrupted, if there is one. */
export async function resume() {
  const challenge = await client.resume();
  if (challenge?.clientId !== clients.everyday) return undefined;
  return new Promise((resolve) => {
    flow = { login: challenge.login, done: resolve, over: (text) => resolve(signIn(text)) };
    take({ challenge });
  });
}

/**
 * confirm lets somebody who is signed in sign in again: fresh, or with need.level 2 by
 * stronger proofs. It ends with tokens, or with none.
 */
export function confirm(tokens, login, need) {
  return new Promise((resolve) => {
    const over = (text) => {
      if (!text) return resolve(undefined);
      flow.challenge = null;
      const id = need.level >= 2 ? "confirm" : "ways";
      $("ways-list").replaceChildren();
      show(id);
      say(id, "error", text);
    };
    flow = { challenge: null, tokens, login, done: resolve, over };
    if (need.level >= 2) return show("confirm");
    show("ways");
    return busy(() => stepUp(clients.everyday));
  });
}

async function stepUp(id) {
  await take(await client.stepUp(flow.tokens, id));
}

async function start() {
  const phone = $("start-phone");
  const read = parse(phone.value, "US");
  if (!read.ok) return fault(phone, "Please enter a phone number, with + and its country.");
  flow.login = read.e164;
  const { error } = await client.signUp(flow.login);
  if (error && error.code !== "account_exists") return fault(phone, errorText(error));
  await take(await client.signIn(flow.login));
}

// take goes where an outcome leads.
async function take({ tokens, challenge, error }) {
  if (tokens) return flow.done(tokens);
  if (!challenge) return flow.over(errorText(error));
  const before = flow.challenge;
  flow.challenge = challenge;
  if (challenge.way === "device") return answerByDevice();
  if (challenge.ways.length > 0 && !challenge.way) {
    $("ways-list").replaceChildren(...challenge.ways.map(wayButton));
    show("ways");
  } else if (challenge.parameters.publicKey) {
    showPasskey(before);
  } else {
    showCode();
  }
  if (error) say(shown(), "error", errorText(error));
}

function wayButton(way) {
  const button = make("button", names[way] ?? way, { type: "button", className: "secondary" });
  button.dataset.way = way;
  onClick(button, () => choose(way));
  return button;
}

function showOthers(id) {
  const { ways, way } = flow.challenge;
  const others = ways.filter((w) => w !== way && w !== "device");
  $(id).querySelector(".others").hidden = others.length === 0;
  $(id).querySelector(".others .ways").replaceChildren(...others.map(wayButton));
}

// choose takes a way. A device that is remembered says so, and is then not locked out
// by what strangers did.
async function choose(way) {
  const { challenge, login } = flow;
  const device = await proof(login, challenge.parameters.nonce);
  const metadata = device && { device };
  await take(await (challenge.way ? client.resend(challenge, { way, metadata }) : client.choose(challenge, way, undefined, metadata)));
}

// --- a passkey ---

function showPasskey(before) {
  const again = before?.parameters.publicKey; // the answer to that one was refused
  showOthers("passkey");
  show("passkey", $("passkey-again"));
  if (!again) setTimeout(() => busy(answerByPasskey));
}

async function answerByPasskey() {
  say("passkey");
  const { challenge } = flow;
  let answer;
  try {
    answer = await usePasskey(challenge.parameters.publicKey);
  } catch (e) {
    return say("passkey", "error", passkeyError(e)); // the challenge stays
  }
  if (flow?.challenge === challenge) await take(await client.answer(challenge, answer));
}

// --- this device ---

// answerByDevice signs, where this browser is remembered, and else takes the next way.
async function answerByDevice() {
  const { challenge, login } = flow;
  const signed = await proof(login, challenge.parameters.nonce);
  if (signed && challenge.parameters.errorCode !== "not_proved") return take(await client.answer(challenge, signed));
  if (signed) await forget(login); // it was removed elsewhere
  const other = challenge.ways.find((way) => way !== "device");
  if (other) return choose(other);
  return flow.over("You have no second proof for this device: remember this browser, add an app, or make recovery codes.");
}

// --- a code ---

const heads = {
  sms: ["Enter the code", "A text with a code is on its way to {to}."],
  totp: ["Enter the code of your app", "Your authenticator app shows it. It changes every 30 seconds."],
  recovery: ["Enter a recovery code", "One of the ten that you have kept. It then does not work again."],
};

function showCode() {
  const { challenge, login } = flow;
  const way = challenge.way || "sms";
  const [heading, lead] = heads[way];
  const byText = way === "sms";
  $("code-heading").textContent = heading;
  $("code-lead").textContent = lead.replace("{to}", ltr(format(login)));
  const input = $("code-input");
  input.value = "";
  input.classList.toggle("slots", challenge.codeLength > 0);
  input.style.setProperty("--length", challenge.codeLength || 6);
  input.inputMode = way === "recovery" ? "text" : "numeric";
  input.autocomplete = byText ? "one-time-code" : "off";
  const left = challenge.attemptsRemaining;
  $("code-facts").textContent = left ? (left === 1 ? "Last try" : `Tries left: ${left}`) : "";
  const few = challenge.parameters.recoveryCodesLeft;
  if (few) $("code-facts").textContent += ` · recovery codes left: ${few}`;
  $("code-resend-line").hidden = !byText;
  showOthers("code");
  show("code", input);
}

/** takeCode puts a code into the field, and sends it as soon as it is whole. */
export function takeCode(typed) {
  if (shown() !== "code" || !flow.challenge.codeLength) return;
  const code = readCode(typed, flow.challenge.codeLength);
  $("code-input").value = code;
  if (code.length === flow.challenge.codeLength) $("code").querySelector("form").requestSubmit();
}

async function sendCode() {
  const input = $("code-input");
  if (!input.value.trim()) return fault(input, "Please enter the code.");
  const outcome = await client.answer(flow.challenge, input.value.trim());
  await take(outcome);
  if (outcome.challenge && outcome.error?.code === "wrong_code") input.setAttribute("aria-invalid", "true");
}

async function resend() {
  const wait = Math.ceil((flow.challenge.resendAt - Date.now()) / 1000);
  if (wait > 0) return say("code", "info", waitText(wait));
  const device = await proof(flow.login, flow.challenge.parameters.nonce);
  const outcome = await client.resend(flow.challenge, { metadata: device && { device } });
  await take(outcome);
  if (outcome.challenge && !outcome.error) say("code", "info", "A new code is on its way. The one before no longer works.");
}
