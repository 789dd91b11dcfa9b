// node --test magiclink.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { arrived, asked } from "./magiclink.js";

// A Browser has storage of its own, and channels among its tabs.
class Browser {
  storage = storage();
  name = Math.random().toString(36);
  time = 1_000_000;
  // A patient tab waits for the other one as long as it takes, any other a moment.
  tab(href = "https://app.example.com/sign-in", { patient = false } = {}) {
    const browser = this;
    const url = new URL(href);
    const tab = {
      localStorage: this.storage,
      location: url,
      history: { state: null, replaceState: (_s, _t, to) => { tab.address = to; } },
      address: href,
      setTimeout: (f, ms) => patient || setTimeout(f, ms / 50),
      Date: { now: () => browser.time },
      BroadcastChannel: class extends BroadcastChannel {
        constructor(name) { super(browser.name + name); }
      },
    };
    return tab;
  }
}

function storage() {
  const methods = {
    getItem(k) { return Object.hasOwn(this, k) ? this[k] : null; },
    setItem(k, v) { this[k] = String(v); },
    removeItem(k) { delete this[k]; },
  };
  return Object.create(methods);
}

const parameters = { link: "q1w2e3r4t5y6", codeLength: "6" };
const link = "https://app.example.com/sign-in#code=482+913&link=q1w2e3r4t5y6";

test("another tab, the one that asked is open", async () => {
  const browser = new Browser();
  const codes = [];
  const pending = asked(parameters, { onCode: (c) => codes.push(c) }, browser.tab());
  const arrival = arrived(browser.tab(link, { patient: true }));
  assert.equal(arrival.here, true);
  await sleep(30);
  assert.deepEqual(codes, [], "nothing happens before the click");
  assert.deepEqual(await arrival.finish(), { taken: true });
  assert.deepEqual(codes, ["482 913"]);
  pending.done();
  assert.equal(arrived(browser.tab(link)).here, false, "after the end the link is of no use");
});

test("another tab, the one that asked is gone", async () => {
  const browser = new Browser();
  const resume = { username: "someone", session: "AYABe…" };
  asked(parameters, { resume }, browser.tab());
  assert.deepEqual(await arrived(browser.tab(link)).finish(), { code: "482 913", resume });
});

test("the one that asked is gone, and left nothing to resume", async () => {
  const browser = new Browser();
  asked(parameters, { onCode() {} }, browser.tab()).close();
  assert.deepEqual(await arrived(browser.tab(link)).finish(), { code: "482 913", resume: undefined });
});

test("another browser shows the code", async () => {
  const codes = [];
  const pending = asked(parameters, { onCode: (c) => codes.push(c) }, new Browser().tab());
  const arrival = arrived(new Browser().tab(link));
  assert.equal(arrival.here, false);
  assert.equal(arrival.code, "482 913");
  assert.deepEqual(await arrival.finish(), { code: "482 913" });
  assert.deepEqual(codes, []);
  pending.done();
});

test("the link of another sign-in", () => {
  const browser = new Browser();
  asked({ link: "another" }, { resume: { session: "x" } }, browser.tab());
  assert.equal(arrived(browser.tab(link)).here, false);
});

test("the code leaves the address bar", () => {
  const tab = new Browser().tab("https://app.example.com/sign-in?lang=de#code=482913&link=x");
  arrived(tab);
  assert.equal(tab.address, "/sign-in?lang=de");
});

test("no link", () => {
  for (const hash of ["", "#", "#code=1", "#link=x", "#section", "#%"]) {
    const tab = new Browser().tab("https://app.example.com/sign-in" + hash);
    assert.equal(arrived(tab), undefined, hash);
    assert.equal(tab.address, "https://app.example.com/sign-in" + hash, "the address stays");
  }
});

test("what is old is forgotten", () => {
  const browser = new Browser();
  asked(parameters, { resume: { session: "x" } }, browser.tab());
  browser.time += 15 * 60 * 1000;
  assert.equal(arrived(browser.tab(link)).here, false);
  browser.storage["somebody else's"] = "stays";
  asked({ link: "another" }, {}, browser.tab());
  assert.deepEqual(Object.keys(browser.storage).sort(), ["customauth.magiclink.another", "somebody else's"]);
});

test("storage that somebody wrote into", () => {
  const browser = new Browser();
  for (const text of ["", "{", "null", "1", '"x"']) {
    browser.storage["customauth.magiclink.q1w2e3r4t5y6"] = text;
    assert.equal(arrived(browser.tab(link)).here, false, text);
  }
});
