// The page: which section is shown, and what happens when a button is pressed.
//
//   sign-in ──► code ──► account        register goes straight to code, too
//
// cognito.js talks to the pool, session.js keeps the tokens, input.js reads
// what was typed, words.js says what went wrong, phone.js shows the texts.

import { Cognito, regionalEndpoint } from "./cognito.js";
import { readCode, readPhone } from "./input.js";
import { openPhone } from "./phone.js";
import { Session } from "./session.js";
import { clock, codeProblem, duration, endsSignIn, explain, isSignedOut, phoneProblem, seconds } from "./words.js";

const $ = (id) => document.getElementById(id);
const PHONE_HINT = "With the country code, like +1 206 555 0100.";

let cognito;
let session;
let registered = null; // the phone number that an account was made for just now
let challenge = null; // what to answer while the section code is shown: see takeOutput
let ticking = null; // the timer of the countdowns
let webOTP = null; // aborts the wait for a text that the browser reads

start();

async function start() {
  const pool = await findPool();
  if (!pool) return show("setup");

  cognito = new Cognito(pool.endpoint, pool.clientId);
  session = new Session(cognito, pool.clientId);
  $("where").textContent = pool.local ? "local user pool" : pool.region;
  $("where").hidden = false;
  $("foot").textContent = [pool.region, pool.poolId, `client ${pool.clientId}`].filter(Boolean).join(" · ");
  $("foot").hidden = false;
  if (pool.local) openPhone($("phone"), fillIn);

  listen();
  if (session.remembered) return enter();
  route();
}

// findPool reads ?region=…&clientId=… for a real pool. Without them it asks
// the program that served the page about its own.
async function findPool() {
  const query = new URLSearchParams(location.search);
  const region = query.get("region"), clientId = query.get("clientId");
  if (region || clientId) {
    if (/^[a-z]{2}(-[a-z]+)+-\d$/.test(region ?? "") && /^[\w+]{1,128}$/.test(clientId ?? "")) {
      return { local: false, endpoint: regionalEndpoint(region), region, clientId };
    }
    say("setup", { text: "This address names no region and client id that could exist." });
    return null;
  }
  try {
    const response = await fetch("/_local/pool", { cache: "no-store" });
    if (!response.ok) return null;
    return { local: true, endpoint: "/", ...(await response.json()) };
  } catch {
    return null;
  }
}

function listen() {
  addEventListener("hashchange", route);
  // Signed out in another tab: the refresh token is gone, and so is this page.
  addEventListener("storage", (event) => {
    if (event.key === session.storageKey && event.newValue === null && shown() === "account") signedOut("You signed out in another tab.");
  });

  for (const id of ["sign-in", "register"]) {
    const input = $(`${id}-phone`);
    input.addEventListener("input", () => hintPhone(id));
    hintPhone(id);
  }
  onSubmit("sign-in", () => signIn($("sign-in-phone")));
  onSubmit("register", register);
  onSubmit("code", () => sendCode());

  const code = $("code-input");
  code.addEventListener("input", () => takeCode(code.value));
  code.addEventListener("paste", (event) => {
    event.preventDefault();
    takeCode(event.clipboardData.getData("text"));
  });
  $("code-resend").addEventListener("click", resend);
  $("code-back").addEventListener("click", () => show("sign-in", { focus: $("sign-in-phone") }));

  $("sign-out").addEventListener("click", () => signOut(false));
  $("sign-out-everywhere").addEventListener("click", () => signOut(true));
  $("renew").addEventListener("click", renew);
}

// route shows what the address asks for: the two forms are links.
function route() {
  if (shown() === "account") return;
  if (location.hash === "#register") return show("register", { focus: $("register-name") });
  show("sign-in", { focus: $("sign-in-phone") });
}

// --- register and sign in ---

async function register() {
  const name = $("register-name"), phone = $("register-phone");
  if (!name.value.trim()) return fault("register", name, "Please enter your name.");
  const read = readPhone(phone.value);
  if (read.problem) return fault("register", phone, phoneProblem(read.problem));

  try {
    const output = await cognito.signUp(read.phone, name.value.trim());
    if (!output.UserConfirmed) throw Object.assign(new Error("no pre sign-up trigger confirms it"), { name: "UserNotConfirmedException" });
    registered = read.phone;
  } catch (error) {
    if (error.name !== "UsernameExistsException") return fault("register", phone, explain(error, "register"));
    $("sign-in-phone").value = read.phone;
    hintPhone("sign-in");
    show("sign-in", { focus: $("sign-in").querySelector("button") });
    return say("sign-in", explain(error, "register"));
  }
  await signIn($("register-phone"), "register");
}

async function signIn(input, section = "sign-in") {
  const read = readPhone(input.value);
  if (read.problem) return fault(section, input, phoneProblem(read.problem));
  try {
    await takeOutput(await cognito.startSignIn(read.phone), read.phone);
  } catch (error) {
    if (section === "register") {
      $("sign-in-phone").value = read.phone;
      hintPhone("sign-in");
      show("sign-in");
    }
    fault("sign-in", $("sign-in-phone"), explain(error, "sign-in"));
  }
}

// takeOutput goes where the pool's answer leads: to the next challenge, or to
// the signed-in page.
async function takeOutput(output, phone) {
  if (output.AuthenticationResult) {
    registered = null;
    session.start(output.AuthenticationResult);
    return enter();
  }
  if (output.ChallengeName !== "CUSTOM_CHALLENGE") {
    throw Object.assign(new Error(`this page cannot answer ${output.ChallengeName}`), { name: "UnknownChallenge" });
  }
  const before = challenge;
  const parameters = output.ChallengeParameters ?? {};
  challenge = {
    name: output.ChallengeName,
    username: parameters.USERNAME ?? phone,
    session: output.Session,
    parameters,
    phone,
    sent: !parameters.errorCode || (before?.parameters.step === parameters.step && before.sent), // is there a code to enter?
    refused: parameters.errorCode ? $("code-input").value : "", // not to be sent again by itself
  };
  showChallenge(before);
}

// --- the code ---

function showChallenge(before) {
  const { parameters } = challenge;
  const again = shown() === "code" && before?.parameters.step === parameters.step;
  const problem = codeProblem(parameters);
  const length = codeLength();
  const input = $("code-input");

  if (!again || !parameters.errorCode) $("code-lead").textContent = whereTo();
  input.style.setProperty("--length", length || 6);
  input.classList.toggle("slots", length > 0 && length <= 8);
  if (!again) input.value = "";

  const left = seconds(parameters.attemptsRemaining);
  $("code-attempts").textContent = !parameters.attemptsRemaining ? "" : left === 1 ? "Last try" : `${left} tries left`;
  $("code-attempts").classList.toggle("warn", left === 1);

  // Without a code there is nothing to enter, only a new one to ask for.
  $("code").querySelector("h1").textContent = challenge.sent ? "Enter the code" : "No code yet";
  $("code").querySelector("form").hidden = !challenge.sent;
  $("code-nothing").hidden = !challenge.sent;
  const next = challenge.sent ? input : $("code-resend");

  if (!again) show("code", { focus: next });
  retitle("code");
  say("code", problem && { text: problem });
  if (parameters.errorCode === "wrong_code") input.setAttribute("aria-invalid", "true");
  next.focus();
  if (next === input) input.select();
  countDown();
  waitForText();
}

// whereTo says where the code went, with the number as it was typed: the pool
// masks it. Nor does the pool tell whether there is an account with this
// number, and so the page cannot say more, unless it was made just now.
function whereTo() {
  const { parameters, phone, sent } = challenge;
  if (!sent) return `No code was sent to ${phone}.`;
  const what = parameters.CODE_DELIVERY_DELIVERY_MEDIUM === "EMAIL" ? "an e-mail" : "a text";
  if (phone === registered) return `Your account is made, and ${what} with a code is on its way to ${phone}.`;
  return `If there is an account for ${phone}, ${what} with a code is on its way.`;
}

// countDown shows until when the code is good, and when a new one may be asked
// for. It only informs: the clock of this machine may be wrong, and what
// counts is what the pool says.
function countDown() {
  clearInterval(ticking);
  const { parameters } = challenge;
  const expires = Date.parse(parameters.expiresAt);
  challenge.resendAt = Date.now() + 1000 * Math.max(seconds(parameters.resendAfter), seconds(parameters.retryAfter));
  const tick = () => {
    const wait = resendWait();
    $("code-resend-wait").textContent = wait ? `in ${clock(wait)}` : "";
    $("code-resend").setAttribute("aria-disabled", String(wait > 0));

    const left = Math.ceil((expires - Date.now()) / 1000);
    // A code lives for ten minutes at most: more than that is a clock that is off.
    const shown = challenge.sent && left <= 600 && parameters.errorCode !== "expired";
    $("code-expiry").textContent = !shown ? "" : left > 0 ? `valid for ${clock(left)}` : "the code has expired";
  };
  tick();
  ticking = setInterval(tick, 1000);
}

function resendWait() {
  return Math.max(0, Math.ceil((challenge.resendAt - Date.now()) / 1000));
}

function codeLength() {
  return seconds(challenge?.parameters.codeLength);
}

// takeCode puts a code into the field, and sends it as soon as it is whole.
function takeCode(typed) {
  const input = $("code-input");
  const code = readCode(typed, codeLength());
  if (input.value !== code) input.value = code;
  if (codeLength() && code.length === codeLength() && code !== challenge.refused) $("code").querySelector("form").requestSubmit();
}

function fillIn(code) {
  if (shown() !== "code" || !challenge.sent) return;
  $("code-input").focus();
  takeCode(code);
}

// waitForText lets the browser read the code out of the text, where it can:
// WebOTP, on phones, for texts whose last line names this site.
async function waitForText() {
  webOTP?.abort();
  if (!("OTPCredential" in window)) return;
  webOTP = new AbortController();
  try {
    const credential = await navigator.credentials.get({ otp: { transport: ["sms"] }, signal: webOTP.signal });
    fillIn(credential.code);
  } catch {
    // Refused, aborted or not possible: the person types the code.
  }
}

async function sendCode() {
  const input = $("code-input");
  if (!input.value) return fault("code", input, "Please enter the code.");
  await answer((it) => cognito.answer(it, input.value));
}

async function resend() {
  const wait = resendWait();
  if (wait) return note("code", `You can ask for a new code in ${duration(wait)}.`);
  const before = challenge;
  await busy("code", () => answer(async (it) => {
    const output = await cognito.resend(it);
    $("code-input").value = "";
    return output;
  }));
  if (!challenge || challenge === before || challenge.parameters.errorCode) return;
  note("code", "A new code is on its way. The old one no longer works.");
}

// answer sends an answer to the challenge. When the sign-in is over without
// success, it goes back to its start; when the network failed, everything
// stays for a retry. When the person went elsewhere meanwhile, that is all.
async function answer(send) {
  const mine = challenge;
  try {
    const output = await send(mine);
    if (challenge === mine) await takeOutput(output, mine.phone);
  } catch (error) {
    if (challenge !== mine) return;
    const words = explain(error, "answer");
    if (!endsSignIn(error)) return fault("code", $("code-input"), words);
    $("sign-in-phone").value = mine.phone;
    hintPhone("sign-in");
    show("sign-in", { focus: $("sign-in-phone") });
    say("sign-in", words);
  }
}

// --- signed in ---

const LABELS = {
  name: "Full name",
  phone_number: "Phone number",
  phone_number_verified: "Phone verified",
  email: "E-mail",
  email_verified: "E-mail verified",
  sub: "Account id",
};

// enter goes to the signed-in page. If that fails, the tokens are kept where
// they may still be good: a reload tries again.
async function enter() {
  try {
    await showAccount();
  } catch (error) {
    if (isSignedOut(error)) session.forget();
    show("sign-in");
    say("sign-in", explain(error, "session"));
  }
}

async function showAccount() {
  const user = await cognito.getUser(await session.accessToken());
  const attributes = new Map(user.UserAttributes.map((a) => [a.Name, a.Value]));
  const name = attributes.get("name");

  $("account-hello").textContent = name ? `Hello, ${name}` : "Hello";
  $("account-attributes").replaceChildren(...ordered(attributes).flatMap(([key, value]) => [
    make("dt", LABELS[key] ?? key),
    make("dd", key.endsWith("_verified") ? (value.toLowerCase() === "true" ? "yes" : "not yet") : value),
  ]));
  showTokens();
  show("account");
}

function showTokens() {
  const { endsAt, claims } = session;
  $("account-claims").textContent = JSON.stringify(claims, null, 2);
  const at = new Date(endsAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  $("account-expiry").textContent = `These tokens are good until ${at}.`;
}

// ordered puts the attributes that people know first.
function ordered(attributes) {
  const known = Object.keys(LABELS);
  const rank = ([key]) => (known.includes(key) ? known.indexOf(key) : known.length);
  return [...attributes].sort((a, b) => rank(a) - rank(b));
}

async function renew() {
  await busy("account", async () => {
    try {
      await session.renew();
      showTokens();
      note("account", "New tokens, without a new sign-in.");
    } catch (error) {
      const words = explain(error, "session");
      if (!isSignedOut(error)) return say("account", words);
      session.forget();
      show("sign-in");
      say("sign-in", words);
    }
  });
}

async function signOut(everywhere) {
  await busy("account", async () => {
    let text = everywhere ? "You are signed out on every device." : "You are signed out.";
    try {
      await session.end({ everywhere });
    } catch (error) {
      if (!isSignedOut(error)) text = "You are signed out here, but the server could not be told.";
    }
    signedOut(text);
  });
}

function signedOut(text) {
  session.forget();
  show("sign-in");
  note("sign-in", text);
}

// --- what the sections have in common ---

function shown() {
  return document.querySelector("main section:not([hidden])").id;
}

// show shows one section. Focus goes to the field that comes next, or to the
// heading: a screen reader then reads on from there.
function show(id, { focus } = {}) {
  const first = shown() === "loading";
  for (const section of document.querySelectorAll("main section")) section.hidden = section.id !== id;
  document.body.dataset.shown = id;
  if (id !== "setup") say(id, null);
  if (id !== "code") {
    challenge = null;
    clearInterval(ticking);
    webOTP?.abort();
  }
  if (id !== "account") {
    // Nothing of the account stays behind.
    for (const part of ["hello", "attributes", "claims", "expiry"]) $(`account-${part}`).replaceChildren();
  }
  // The address says which form is open, so that the links to them work again.
  history.replaceState(null, "", location.pathname + location.search + (id === "register" ? "#register" : ""));
  retitle(id);
  if (!first) (focus ?? $(id).querySelector("h1")).focus();
}

// retitle names the tab after the heading of a section.
function retitle(id) {
  document.title = `${$(id).querySelector("h1").textContent} · customauth`;
}

// say shows what went wrong, and note what went well; either ends the other.
function say(id, words) {
  for (const box of $(id).querySelectorAll(".note")) box.replaceChildren();
  for (const input of $(id).querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  if (!words) return;
  const box = $(id).querySelector(".note.error");
  box.append(words.text);
  if (words.detail) box.append(make("small", words.detail));
}

function note(id, text) {
  say(id, null);
  $(id).querySelector(".note.info").append(text);
}

// fault says what is wrong with one field and goes there.
function fault(id, input, words) {
  say(id, typeof words === "string" ? { text: words } : words);
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

function hintPhone(id) {
  const { phone } = readPhone($(`${id}-phone`).value);
  $(`${id}-phone-hint`).textContent = phone ? `We will use ${phone}` : PHONE_HINT;
  $(`${id}-phone-hint`).classList.toggle("good", Boolean(phone));
}

function onSubmit(id, action) {
  $(id).querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(id, action);
  });
}

// busy runs an action once at a time: a second press while the first is under
// way does nothing.
async function busy(id, action) {
  const section = $(id);
  if (section.getAttribute("aria-busy") === "true") return;
  section.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    section.removeAttribute("aria-busy");
  }
}

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
