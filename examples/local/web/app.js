// The page: which section is shown, and what happens when a button is pressed.
//
//   start ──► captcha ──► ways ──► code ──► account       captcha and ways: where the pool asks
//   link ──► code ──► account                             a link in an e-mail led here
//
// client.js talks to the pool, session.js keeps the tokens, phones.js reads phone
// numbers and input.js codes, magiclink.js links, words.js and its siblings say everything.
//
// Where the reader is stands in the browser's history, { step, login }, so that back
// and reload do what they do anywhere; the challenge is kept by client.js.

import { claims, createClient } from "./client.js";
import { openInbox } from "./inbox.js";
import { readCode } from "./input.js";
import { arrived, asked } from "./magiclink.js";
import { countries, format, parse } from "./phones.js";
import { Session } from "./session.js";
import { clock, languages, load, ltr, wanted } from "./words.js";

const $ = (id) => document.getElementById(id);

let config;
let client;
let session;
let words;
let creating = false; // the start asks for a name, too: accounts are "separate"
let skipSignUp = false; // the reader said that there is an account
let login = ""; // whose sign-in this is
let challenge = null; // what to answer; null when it is over
let wrong = []; // codes that were refused
let said = null; // the note that is shown, to say it again in another language
let ticking = null; // the timer of the countdowns
let webOTP = null; // aborts the wait for a text that the browser reads
let link = null; // what a link in an e-mail led here with
let pending = null; // waits for a click on such a link in another tab

start();

async function start() {
  config = await readConfig();
  await speak(wanted(offered(), stored(localStore(), "customauth.language")));
  fillLanguages();
  if (!config.clientId) return show("setup");

  wrong = stored(sessionStore(), "customauth.wrong")?.split(" ") ?? [];
  client = createClient({ ...config, store: sessionStore() });
  session = new Session(client, config.clientId);
  if (config.inbox) openInbox(config, fillIn);
  listen();

  if (openLink()) return;
  if (session.remembered) return enter();
  challenge = (await client.resume()) ?? null;
  login = challenge?.login ?? history.state?.login ?? "";
  $("start-phone").value = login && format(login);
  fitCountry();
  renderStart();
  if (challenge && history.state?.step === "code") return showChallenge();
  const ranOut = history.state?.step === "code";
  show("start");
  if (ranOut) say("start", "error", "e_session_ended");
}

// readConfig reads config.json, which README.md describes. Where that allows it,
// ?region=…&clientId=… names another pool.
async function readConfig() {
  const given = await fetch("config.json", { cache: "no-cache" }).then((r) => (r.ok ? r.json() : {})).catch(() => ({}));
  const query = new URLSearchParams(location.search);
  const region = query.get("region"), clientId = query.get("clientId");
  if (!given.anyPool || (!region && !clientId)) return given;
  const possible = /^[a-z]{2}(-[a-z]+)+-\d$/.test(region ?? "") && /^[\w+]{1,128}$/.test(clientId ?? "");
  return { ...given, endpoint: undefined, inbox: undefined, region, clientId: possible ? clientId : "" };
}

function listen() {
  addEventListener("popstate", onBack);
  addEventListener("hashchange", openLink); // a link that was opened in this very tab
  // Signed out in another tab: the refresh token is gone, and so is this page.
  addEventListener("storage", (event) => {
    if (event.key === session.storageKey && event.newValue === null && shown() === "account") signedOut("signedOutElsewhere");
  });
  $("language").addEventListener("change", async () => {
    await speak($("language").value);
    store(localStore(), "customauth.language", words.language);
  });

  const phone = $("start-phone");
  phone.addEventListener("input", fitCountry);
  phone.addEventListener("change", () => {
    const read = readPhone();
    if (read.ok) phone.value = read.country === $("start-country").value ? read.national : format(read.e164);
  });
  $("start-country").addEventListener("change", () => hintPhone());
  $("start-switch").addEventListener("click", () => (config.accounts === "separate" ? toggleCreating(!creating) : useAccount()));
  onSubmit("start", submitStart);

  const code = $("code-input");
  code.addEventListener("input", () => takeCode(code.value));
  code.addEventListener("paste", (event) => {
    event.preventDefault();
    takeCode(event.clipboardData.getData("text"));
  });
  onSubmit("code", sendCode);
  onSubmit("link", followLink);
  $("code-resend").addEventListener("click", resend);
  $("code-create").querySelector("button").addEventListener("click", () => {
    toggleCreating(true);
    leave();
  });
  for (const button of document.querySelectorAll("[data-go=start]")) button.addEventListener("click", leave);

  $("sign-out").addEventListener("click", () => signOut(false));
  $("sign-out-everywhere").addEventListener("click", () => signOut(true));
}

// onBack goes where the browser's buttons lead. A challenge outlives that.
function onBack() {
  if (shown() === "account") return enter(); // back does not sign out
  if (history.state?.step === "code" && login) return showChallenge();
  show("start", { focus: creating ? $("start-name") : $("start-phone") });
}

// leave goes back to the start, as the back button does if that is what is behind.
function leave() {
  if (history.state?.pushed) history.back();
  else show("start", { focus: $("start-phone") });
}

// --- the phone number ---

function fillCountries() {
  const select = $("start-country");
  const before = select.value || config.country || guessCountry();
  const known = countries().map(({ country, code }) => ({ country, text: `${words.country(country)} (${ltr(`+${code}`)})` }));
  known.sort((a, b) => words.compare(a.text, b.text));
  select.replaceChildren(...known.map(({ country, text }) => new Option(text, country)));
  select.value = known.some((c) => c.country === before) ? before : "US";
}

// guessCountry is where the browser's languages are at home: AT for de-AT, BR for pt.
function guessCountry() {
  for (const tag of navigator.languages) {
    try {
      const { region } = new Intl.Locale(tag);
      if (region) return region;
    } catch {
      // Not a tag.
    }
  }
  return new Intl.Locale(navigator.language || "en").maximize().region;
}

function readPhone() {
  return parse($("start-phone").value, $("start-country").value);
}

// fitCountry shows the country that was typed with a plus.
function fitCountry() {
  const read = readPhone();
  if (read.country && read.country !== $("start-country").value && /^\s*[+＋]/.test($("start-phone").value)) {
    $("start-country").value = read.country;
  }
  hintPhone();
}

function hintPhone() {
  const read = readPhone();
  $("start-phone-hint").textContent = !read.ok ? "" : config.texts === false ? ltr(format(read.e164)) : words.say("willText", { phone: ltr(format(read.e164)) });
}

// --- the start ---

function toggleCreating(on) {
  creating = on;
  renderStart();
  if (shown() === "start") show("start", { focus: on ? $("start-name") : $("start-phone") });
}

// useAccount signs in without trying to make an account first.
function useAccount() {
  skipSignUp = true;
  $("start").querySelector("form").requestSubmit();
}

async function submitStart() {
  const name = $("start-name"), phone = $("start-phone");
  if (creating && !name.value.trim()) return fault(name, "name_empty");
  const read = readPhone();
  if (!read.ok) return fault(phone, `phone_${read.reason}`);

  // The sign-in of a moment ago goes on: its code is still good.
  if (!creating && challenge?.login === read.e164 && sent() && challenge.expiresAt > Date.now()) return showChallenge({ push: true });

  login = read.e164;
  if (creating || (config.accounts === "continue" && !skipSignUp)) {
    const { error } = await client.signUp(login, creating ? { name: name.value.trim() } : {});
    // Who has an account signs in, without being told so.
    if (error && error.code !== "account_exists" && error.code !== "sign_up_closed") {
      if (error.code === "sign_up_refused") offerSignIn();
      return fault(phone, error);
    }
  }
  skipSignUp = false;
  await begin({ push: true });
}

// offerSignIn leaves a way for those who have an account, when no new ones are made.
function offerSignIn() {
  $("start-aside").hidden = false;
  $("start-aside").querySelector("span").textContent = words.say("haveAccount");
  $("start-switch").textContent = words.say("signIn");
}

// begin begins a sign-in. If it brings no code, an earlier one that did is kept.
async function begin({ push = false, renewed = false } = {}) {
  const before = challenge;
  const outcome = await client.signIn(login);
  if (!outcome.challenge && !outcome.tokens) {
    if (shown() === "start") return fault($("start-phone"), outcome.error);
    showChallenge();
    return say("code", "error", errorName(outcome.error), valuesOf(outcome.error));
  }
  if (before?.login === login && sent(before) && !renewed && outcome.error && !sent(outcome.challenge)) {
    await client.keep(before);
    return say("code", "error", errorName(outcome.error), valuesOf(outcome.error));
  }
  newCode();
  take(outcome, { push });
  if (renewed && !outcome.error && sent()) say("code", "info", "renewed");
}

// take goes where an outcome leads: to the next challenge, or to the account.
function take(outcome, { push = false } = {}) {
  if (outcome.tokens) {
    challenge = null;
    refuse(null);
    waitForLink();
    session.start(outcome.tokens);
    return enter();
  }
  challenge = outcome.challenge;
  showChallenge({ push });
}

// --- the code ---

// sent tells whether there is something to enter.
function sent(it = challenge) {
  return Boolean(it?.expiresAt) && !asks(it) && !captcha(it);
}

// asks tells whether the pool wants to know the way first.
function asks(it = challenge) {
  return it?.ways.length > 0 && !it.way && !it.codeLength;
}

// captcha tells whether the pool wants to know first that this is no robot.
function captcha(it = challenge) {
  return Boolean(it?.parameters.siteKey);
}

function showChallenge({ push = false } = {}) {
  const id = captcha() ? "captcha" : asks() ? "ways" : "code";
  const again = shown() === id;
  const input = $("code-input");
  if (!again) input.value = "";
  renderCode();
  retitle();
  if (!again) {
    place({ step: "code", login }, push);
    show(id, { keepPlace: true });
  }
  const { errorCode, retryAfter } = challenge?.parameters ?? {};
  if (errorCode) say(id, "error", errorName({ code: errorCode, retryAfter: Number(retryAfter) || 0 }), valuesOf({ retryAfter: Number(retryAfter) || 0 }));
  else if (challenge) say(id, null);
  if (!challenge && !said) say(id, "error", "e_no_tries");
  if (errorCode === "wrong_code") {
    input.setAttribute("aria-invalid", "true");
    input.select();
  }
  if (id !== "code") $(id).querySelector("h1").focus();
  else (sent() ? input : $("code-resend")).focus();
  countDown();
  waitForText();
  waitForLink();
  if (id === "captcha") solve();
}

function renderCode() {
  const to = ltr(format(login));
  const input = $("code-input");
  const there = sent();
  const length = challenge?.codeLength ?? 0;

  $("code-heading").textContent = words.say(there ? "codeHeading" : "noCode");
  $("code-lead").textContent = !there ? (challenge ? words.say("notSent", { to }) : "") : words.say(leadName(), { to });
  $("code").querySelector("form").hidden = !there;
  $("code-nothing").hidden = !there;
  input.style.setProperty("--length", length || 6);
  input.classList.toggle("slots", length > 0 && length <= 10);
  input.inputMode = config.codeKeyboard ?? "numeric";

  const left = challenge?.attemptsRemaining ?? 0;
  $("code-attempts").textContent = !left ? "" : left === 1 ? words.say("lastTry") : words.say("tries", { n: left });
  $("code-attempts").classList.toggle("warn", left === 1);

  const others = (challenge?.ways ?? []).filter((w) => w !== challenge.way);
  $("code-ways").hidden = others.length === 0 || asks();
  $("code-ways-list").replaceChildren(...others.map(wayButton));
  $("ways-list").replaceChildren(...(challenge?.ways ?? []).map(wayButton));
  $("code-create").hidden = config.accounts !== "separate";
  $("code-contact").hidden = config.accounts !== "closed" || !config.contact;
}

function leadName() {
  switch (challenge.medium) {
    case "EMAIL": return challenge.parameters.link ? "sentLink" : "sentEmail";
    case "VOICE": return "sentCall";
    case "SMS": return config.accounts === "continue" ? "sentText" : "sentTextIf";
    default: return "";
  }
}

function wayButton(way) {
  const button = make("button", words.has(`way_${way}`) ? words.say(`way_${way}`) : way);
  button.type = "button";
  button.className = "secondary";
  button.addEventListener("click", () => choose(way));
  return button;
}

// countDown shows until when the code is good, and when a new one may be asked for.
// It only informs: the clock of this machine may be wrong, and what counts is what
// the pool says.
function countDown() {
  clearInterval(ticking);
  const tick = () => {
    const wait = resendWait();
    // Hours are said by the note, not by a clock.
    $("code-resend-wait").textContent = wait && wait < 3600 ? clock(wait) : "";
    $("code-resend").setAttribute("aria-disabled", String(wait > 0));
    const left = Math.ceil(((challenge?.expiresAt ?? 0) - Date.now()) / 1000);
    // A code lives for ten minutes at most: more than that is a clock that is off.
    const told = sent() && left <= 600 && challenge.parameters.errorCode !== "expired";
    $("code-expiry").textContent = !told ? "" : left > 0 ? words.say("valid", { time: clock(left) }) : words.say("notValid");
  };
  tick();
  ticking = setInterval(tick, 1000);
}

// resendWait is how many seconds there are until a new code may be asked for.
function resendWait() {
  if (!challenge) return 0;
  const retryAt = challenge.at + 1000 * (Number(challenge.parameters.retryAfter) || 0);
  return Math.max(0, Math.ceil((Math.max(challenge.resendAt, retryAt) - Date.now()) / 1000));
}

// takeCode puts a code into the field, and sends it as soon as it is whole.
function takeCode(typed) {
  const input = $("code-input");
  const code = readCode(typed, challenge?.codeLength ?? 0);
  if (input.value !== code) input.value = code;
  if (challenge?.codeLength && code.length === challenge.codeLength && !wrong.includes(code)) $("code").querySelector("form").requestSubmit();
}

function fillIn(code) {
  if (shown() !== "code" || !sent()) return;
  $("code-input").focus();
  takeCode(code);
}

// waitForText lets the browser read the code out of the text, where it can: WebOTP,
// on phones, for texts whose last line names this site.
async function waitForText() {
  webOTP?.abort();
  if (!("OTPCredential" in window) || !sent()) return;
  webOTP = new AbortController();
  try {
    const credential = await navigator.credentials.get({ otp: { transport: ["sms"] }, signal: webOTP.signal });
    fillIn(credential.code);
  } catch {
    // Refused, aborted or not possible: the person types the code.
  }
}

// sendCode sends what is in the field, but nothing that was refused before.
async function sendCode() {
  const input = $("code-input");
  const code = readCode(input.value, challenge.codeLength);
  if (!code) return fault(input, "code_empty");
  if (code.length < challenge.codeLength) return fault(input, "code_short", { n: challenge.codeLength });
  if (wrong.includes(code)) return fault(input, "code_again");
  await go((it) => client.answer(it, code, more()), (outcome) => {
    if (outcome.error?.code === "wrong_code") refuse(code);
  });
}

// resend asks for a new code. Where this sign-in has none left, the next begins.
async function resend() {
  const wait = resendWait();
  if (wait) return say("code", "info", "wait", { in: wait });
  if (!challenge?.resendAt) return busy("code", () => begin());
  await busy("code", () => go((it) => client.resend(it, more()), sentAnother));
}

async function choose(way) {
  await busy(shown(), () => go((it) => client.choose(it, way, words.language, more().metadata), sentAnother));
}

// more is what goes with every answer: in which language the next message should be,
// and where its link should lead.
function more() {
  return { locale: words.language, metadata: { origin: location.origin } };
}

function sentAnother(outcome) {
  if (!outcome.challenge || outcome.error) return;
  newCode();
}

// newCode forgets what was typed for the code before.
function newCode() {
  refuse(null);
  $("code-input").value = "";
}

// go sends something to the pool, and goes on with what it answers. If the reader
// went elsewhere meanwhile, that is all. A sign-in that ran out begins again.
async function go(send, look) {
  const mine = challenge;
  const outcome = await send(mine);
  look?.(outcome);
  if (!["captcha", "ways", "code"].includes(shown())) {
    challenge = outcome.challenge ?? null;
    if (outcome.tokens) client.signOut(outcome.tokens);
    return;
  }
  if (outcome.tokens) return take(outcome);
  if (outcome.challenge && outcome.challenge !== mine) {
    const before = challenge;
    take(outcome);
    if (look === sentAnother && !outcome.error && sent(before)) say("code", "info", "resent");
    return;
  }
  const { error } = outcome;
  if (outcome.challenge) return say(shown(), "error", errorName(error), valuesOf(error)); // nothing is lost
  challenge = null;
  if (error.code === "session_ended") return begin({ renewed: true });
  showChallenge(); // that it is over, and how to begin again
  say("code", "error", error.code === "sign_in_failed" ? "e_no_tries" : errorName(error), valuesOf(error));
}

// solve shows the CAPTCHA of config.json's module, and answers with its token. A token
// is good once: after anything but a challenge that follows there is another CAPTCHA.
async function solve() {
  const mine = challenge, place = make("div", "");
  $("captcha-place").replaceChildren(place);
  try {
    const module = await import(new URL(config.captcha, document.baseURI));
    const token = await module.solve(place, mine.parameters);
    if (challenge !== mine || shown() !== "captcha") return;
    await busy("captcha", () => go((it) => client.answer(it, token, more())));
  } catch {
    return say("captcha", "error", config.captcha ? "e_unreachable" : "e_misconfigured");
  }
  if (challenge === mine && shown() === "captcha") solve();
}

// --- a link in an e-mail ---

// openLink shows what a link led to, and tells whether one did. Nothing happens before
// a click, so programs that look at links do no harm.
function openLink() {
  const found = attempt(() => arrived());
  if (!found) return false;
  link = found;
  showLink(link.here ? "linkHere" : "linkElsewhere");
  return true;
}

function showLink(name) {
  for (const [id, text] of [["link-heading", name], ["link-lead", `${name}Lead`]]) {
    $(id).dataset.words = text;
    $(id).textContent = words.say(text);
  }
  $("link").querySelector("form").hidden = name !== "linkHere";
  $("link-code").textContent = name === "linkElsewhere" ? readCode(link.code, 0) : "";
  show("link");
}

// followLink finishes the sign-in in the tab that began it, or in this one if that is
// gone.
async function followLink() {
  const { taken, resume } = await link.finish();
  if (shown() !== "link") return; // this is the tab that began it
  if (taken) return showLink("linkTaken");
  if (!resume) return showLink("linkElsewhere");
  challenge = resume;
  login = resume.login;
  showChallenge();
  takeCode(link.code);
}

// waitForLink lets a link that is opened in another tab finish the sign-in in this one,
// or, if this one is gone, in that.
function waitForLink() {
  if (challenge?.parameters.link) {
    pending?.close();
    pending = attempt(() => asked(challenge.parameters, { onCode: takeLink, resume: challenge }));
  } else {
    pending?.done();
    pending = null;
  }
}

function takeLink(code) {
  if (shown() !== "code") showChallenge();
  takeCode(code);
}

// refuse remembers a code that was wrong, so that it is never sent again, also after
// a reload; null forgets them all.
function refuse(code) {
  wrong = code ? [...wrong, code] : [];
  store(sessionStore(), "customauth.wrong", wrong.join(" "));
}

// --- signed in ---

// enter goes to the account. If that fails, the tokens are kept where they may still
// be good: a reload tries again.
async function enter() {
  const { tokens, error } = await session.tokens();
  const found = tokens ? await client.attributes(tokens) : { error };
  if (found.error) {
    if (found.error.code === "signed_out") session.forget();
    show("start");
    return say("start", "error", errorName(found.error), valuesOf(found.error));
  }
  login = "";
  showAccount(found.attributes, tokens);
}

function showAccount({ name, phone_number, email }, tokens) {
  $("account-hello").textContent = name ? words.say("hello", { name }) : words.say("helloYou");
  const facts = [["name", name], ["phone", phone_number && ltr(format(phone_number))], ["email", email]];
  $("account-attributes").replaceChildren(...facts.filter(([, value]) => value).flatMap(([label, value]) => {
    const term = make("dt", words.say(label));
    term.dataset.words = label;
    return [term, make("dd", value)];
  }));
  $("account-hello").dataset.name = name ?? "";
  $("account-claims").textContent = JSON.stringify(claims(tokens.id), null, 2);
  show("account");
}

async function signOut(everywhere) {
  await busy("account", async () => {
    const { error } = await session.end(everywhere);
    signedOut(error && error.code !== "signed_out" ? "signedOutHere" : everywhere ? "signedOutEverywhere" : "signedOut");
  });
}

function signedOut(name) {
  session.forget();
  show("start");
  say("start", "info", name);
}

// --- the language ---

function offered() {
  const known = Object.keys(languages);
  const some = config.languages?.filter((l) => known.includes(l));
  return some?.length ? some : known;
}

function fillLanguages() {
  $("language").replaceChildren(...offered().map((l) => Object.assign(new Option(languages[l], l), { lang: l })));
  $("language").value = words.language;
  $("language").closest("label").hidden = offered().length < 2;
}

// speak says everything in a language.
async function speak(language) {
  words = await load(language);
  document.documentElement.lang = language;
  document.documentElement.dir = words.direction;
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = words.say(element.dataset.words);
  $("brand").textContent = config.name ?? "";
  if (config.logo) $("logo").src = config.logo;
  fillCountries();
  renderStart();
  renderLegal();
  hintPhone();
  if (shown() === "code" || shown() === "ways") {
    renderCode();
    countDown();
  }
  if (shown() === "account") {
    const { name } = $("account-hello").dataset;
    $("account-hello").textContent = name ? words.say("hello", { name }) : words.say("helloYou");
  }
  retitle();
  if (said) say(said.id, said.kind, said.name, said.values);
}

function renderStart() {
  const separate = config.accounts === "separate";
  $("start").querySelector("h1").textContent = words.say(creating ? "create" : "start");
  $("start-lead").textContent = words.say(startLead());
  $("start-name-field").hidden = !creating;
  $("start-aside").hidden = !separate;
  $("start-aside").querySelector("span").textContent = words.say(creating ? "haveAccount" : "noAccount");
  $("start-switch").textContent = words.say(creating ? "signIn" : "create");
  $("start-contact").hidden = config.accounts !== "closed" || !config.contact;
  for (const link of document.querySelectorAll("#start-contact a, #code-contact a")) link.href = safeLink(config.contact);
  if (shown() === "start") retitle();
}

function startLead() {
  if (config.texts === false) return config.accounts === "continue" ? "startLeadAny" : "signInLeadAny";
  return creating ? "createLead" : config.accounts === "continue" ? "startLead" : "signInLead";
}

// renderLegal is the line with the terms and the privacy policy, or with one of them.
function renderLegal() {
  const link = (name) => config[name] && Object.assign(make("a", words.say(name)), { href: safeLink(config[name]), target: "_blank", rel: "noopener" });
  const terms = link("terms"), privacy = link("privacy");
  $("legal").hidden = !terms && !privacy;
  $("legal").replaceChildren(...(terms && privacy ? words.parts("agree", { terms, privacy }) : [terms || privacy || ""]));
}

// safeLink is an address of the kinds that a link may have.
function safeLink(address = "") {
  return /^(https?:|mailto:|tel:|\/)/.test(address) ? address : "";
}

// --- what the sections have in common ---

function shown() {
  return document.querySelector("main section:not([hidden])").id;
}

// show shows one section. Focus goes to the field that comes next, or to the
// heading: a screen reader then reads on from there.
function show(id, { focus, keepPlace = false } = {}) {
  const first = shown() === "loading";
  for (const section of document.querySelectorAll("main section")) section.hidden = section.id !== id;
  document.body.dataset.shown = id;
  said = null;
  for (const box of $(id).querySelectorAll(".note")) box.replaceChildren();
  if (id !== "code") {
    clearInterval(ticking);
    webOTP?.abort();
  }
  if (id !== "account") {
    // Nothing of the account stays behind.
    for (const part of ["hello", "attributes", "claims"]) $(`account-${part}`).replaceChildren();
    delete $("account-hello").dataset.name;
  }
  if (!keepPlace) place({ step: id, login }, false);
  retitle();
  if (!first) (focus ?? $(id).querySelector("h1")).focus();
}

// place writes into the browser's history where the reader is.
function place(state, push) {
  if (push && history.state?.step !== state.step) history.pushState({ ...state, pushed: true }, "");
  else history.replaceState({ ...state, pushed: history.state?.pushed && state.step === "code" }, "");
}

function retitle() {
  document.title = [$(shown()).querySelector("h1").textContent, config.name].filter(Boolean).join(" · ");
}

// say shows a note: what went wrong, or with "info" what went well. Either ends the
// other; null ends both.
function say(id, kind, name, values = {}) {
  for (const box of $(id).querySelectorAll(".note")) box.replaceChildren();
  for (const input of $(id).querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  said = kind && { id, kind, name, values };
  if (!kind) return;
  const box = $(id).querySelector(`.note.${kind}`) ?? $(id).querySelector(".note");
  const told = values.in ? { ...values, in: words.in(values.in) } : values;
  box.append(words.say(name, told));
  if (values.detail) box.append(make("small", values.detail));
}

// fault says what is wrong with one field and goes there.
function fault(input, error, values) {
  const id = shown();
  if (typeof error === "string") say(id, "error", error, values);
  else say(id, "error", errorName(error), valuesOf(error));
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

// errorName is the text for an error of client.js.
function errorName({ code, retryAfter }) {
  if (code === "origin_not_allowed") return "e_misconfigured";
  if (code === "rate_limited" && !retryAfter) return "e_rate_limited_later";
  if ((code === "resend_too_soon" || code === "sent_recently") && !retryAfter) return "e_rate_limited_later";
  return words.has(`e_${code}`) ? `e_${code}` : "e_broken";
}

// valuesOf are what goes into that text, and for what only whoever runs the service
// can mend also what the service said.
function valuesOf({ code, retryAfter, message, name }) {
  return {
    in: retryAfter,
    reason: message,
    detail: ["misconfigured", "broken", "account_unconfirmed", "invalid_input"].includes(code) ? [name, message].filter(Boolean).join(": ") : "",
  };
}

function onSubmit(id, action) {
  $(id).querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(id, action);
  });
}

// busy runs an action once at a time: a second press while the first is under way
// does nothing.
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

// Browsers may forbid storage. The page then forgets with a reload.

function sessionStore() {
  return attempt(() => window.sessionStorage);
}

function localStore() {
  return attempt(() => window.localStorage);
}

function stored(storage, key) {
  return attempt(() => storage.getItem(key));
}

function store(storage, key, value) {
  attempt(() => storage.setItem(key, value));
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
