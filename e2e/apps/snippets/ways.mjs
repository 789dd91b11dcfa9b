// The snippets of docs/ways.md, with Amplify, and the journeys that they are made for.
// The Go test says which texts go where, and hands out tokens of a CAPTCHA.

import assert from "node:assert/strict";
import { Amplify } from "aws-amplify";
import { signOut, signUp } from "aws-amplify/auth";
import { arrived, asked } from "../../../magiclink/web/magiclink.js";
import { countdown, EMAIL, ENDPOINT, INBOX, memory, PHONE, POOL_ID } from "../world.mjs";

const { ASKING_CLIENT_ID, HUMAN_CLIENT_ID, SOLVER } = process.env;

// docs: choose
import { confirmSignIn, signIn } from "aws-amplify/auth";

async function begin(username) {
  const { nextStep } = await signIn({ username, options: { authFlowType: "CUSTOM_WITHOUT_SRP" } });
  return nextStep.additionalInfo; // ways: "sms email link"; way: "sms", and none with Ask
}

async function choose(info, way, locale) {
  const { nextStep } = await confirmSignIn({
    challengeResponse: "-", // not compared
    options: { clientMetadata: { action: info.way ? "resend" : "choose", way, locale } },
  });
  return nextStep.additionalInfo;
}

async function enter(code) {
  const { isSignedIn, nextStep } = await confirmSignIn({ challengeResponse: code });
  return isSignedIn ? null : nextStep.additionalInfo;
}
// end

// docs: captcha
async function beginWithCaptcha(username, way, locale) {
  let info = await begin(username);
  while (info.step === "captcha") {
    const token = await solve(info); // a new one each time: tokens are good once
    const { nextStep } = await confirmSignIn({
      challengeResponse: token,
      options: { clientMetadata: { way, locale } },
    });
    info = nextStep.additionalInfo;
  }
  return info;
}
// end

// docs: turnstile
// <script src="https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit"></script>
const solve = ({ siteKey, action }) => new Promise((resolve, reject) => {
  turnstile.render("#captcha", { sitekey: siteKey, action, callback: resolve, "error-callback": reject });
});
// end

// docs: register
async function register(username, password, userAttributes) {
  const token = await solve({ siteKey: SITE_KEY });
  await signUp({ username, password, options: { userAttributes, clientMetadata: { captcha: token } } });
}
// end

// docs: link
function waitForLink(info, signedIn) {
  const pending = asked(info, {
    onCode: async (code) => {
      const left = await enter(code); // the user clicked, in the tab of the link
      pending.done();
      if (left) waitForLink(left, signedIn);
      else signedIn();
    },
  });
}
// end

// The widget, which the first time is solved by a robot.
const SITE_KEY = "0x4AAA";
let solved = 0;
globalThis.turnstile = {
  async render(where, { sitekey, callback }) {
    assert.deepEqual([where, sitekey], ["#captcha", SITE_KEY]);
    callback(solved++ === 0 ? "made up" : await (await fetch(SOLVER)).text());
  },
};

/** newest is the newest message to an address. */
async function newest(to) {
  const [message] = await (await fetch(`${INBOX}/?to=${encodeURIComponent(to)}`)).json();
  return message;
}

const use = (userPoolClientId) => Amplify.configure({ Auth: { Cognito: { userPoolId: POOL_ID, userPoolClientId, userPoolEndpoint: ENDPOINT } } });

// Choose e-mail in German, switch to SMS in Arabic by a resend.
use(ASKING_CLIENT_ID);
let info = await begin(PHONE);
assert.deepEqual([info.way, info.ways], [undefined, "sms email link"]);
info = await choose(info, "email", "de");
assert.equal(info.way, "email");
assert.match((await newest(EMAIL)).text, /^Ihr Anmeldecode ist \d{6}\.\n/);
const old = (await newest(EMAIL)).code;
await countdown(info.resendAfter);
info = await choose(info, "sms", "ar");
assert.equal(info.way, "sms");
assert.match((await newest(PHONE)).text, /^رمزك \d{6} /);
info = await enter(old === (await newest(PHONE)).code ? "0000000" : old);
assert.equal(info.errorCode, "wrong_code");
assert.equal(await enter((await newest(PHONE)).code), null);
await signOut();

// A CAPTCHA that is refused and then passed, with the way beside the token.
use(HUMAN_CLIENT_ID);
info = await beginWithCaptcha(PHONE, "email", "ar");
assert.deepEqual([solved, info.way], [2, "email"]);
assert.match((await newest(EMAIL)).text, /^رمز تسجيل الدخول/);
assert.equal(await enter((await newest(EMAIL)).code), null);
await signOut();

// Somebody unknown goes the same way.
info = await beginWithCaptcha("+12065550199", "email");
assert.equal(info.way, "email");
assert.equal(info.codeLength, "6");
assert.equal((await enter("000000")).errorCode, "wrong_code");

// Sign-up, without a token and with one.
const password = "Correct-Horse-7-battery", other = "+12065550102";
await assert.rejects(
  signUp({ username: other, password, options: { userAttributes: { phone_number: other } } }),
  { name: "UserLambdaValidationException", message: "PreSignUp failed with error the CAPTCHA was not solved." },
);
await register(other, password, { phone_number: other });

// A link. The browser has storage; a scanner's browser has its own, and so nothing to
// finish. The click is in another tab of the user's.
use(ASKING_CLIENT_ID);
globalThis.localStorage = storage();
info = await choose(await begin(PHONE), "link");
const signedIn = new Promise((resolve) => waitForLink(info, resolve));
const link = new URL(/http:\S+/.exec((await newest(EMAIL)).text)[0]);
await (await fetch(link)).text();
const tab = (localStorage) => ({ // its setTimeout never fires: it waits for the other tab as long as it takes
  location: { hash: link.hash, pathname: link.pathname, search: "" }, history: { replaceState() {} }, localStorage, BroadcastChannel, setTimeout() {},
});
const scanner = arrived(tab(storage()));
assert.equal(scanner.here, false);
const clicked = arrived(tab(globalThis.localStorage));
assert.equal(clicked.here, true);
assert.deepEqual(await clicked.finish(), { taken: true });
await signedIn;
await signOut();

/** storage is localStorage, whose keys are its properties. */
function storage() {
  const items = memory();
  return new Proxy(items, { ownKeys: () => [...items.kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
}
console.log("done");
