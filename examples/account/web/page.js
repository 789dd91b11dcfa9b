// What the sections have in common: showing one, notes, the dialog, errors in words.

import { load } from "./words.js";

export const $ = (id) => document.getElementById(id);

let words; // the English ones of examples/local, for the errors of client.js

/** begin gets the texts. */
export async function begin() {
  words = await load("en");
}

/** shown is the id of the section that is shown. */
export function shown() {
  return document.querySelector("main .card > section:not([hidden])").id;
}

/** show shows one section. Focus goes to the field, or to the heading. */
export function show(id, focus) {
  for (const section of document.querySelectorAll("main .card > section")) section.hidden = section.id !== id;
  document.body.dataset.shown = id;
  say(id);
  document.title = $(id).querySelector("h1").textContent;
  (focus ?? $(id).querySelector("h1")).focus();
}

/** say shows a note in a section: an "error", or with "info" what went well. */
export function say(id, kind, text) {
  for (const note of $(id).querySelectorAll(":scope > .note")) note.replaceChildren();
  for (const input of $(id).querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  if (kind) $(id).querySelector(`:scope > .note.${kind}`).append(text);
}

/** fault says what is wrong with a field, and goes there. */
export function fault(input, text) {
  say(shown(), "error", text);
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

const errors = {
  not_proved: "That was not accepted. Please try again.",
  expired: "That took too long. Please begin again.",
  wrong_code: "That is not the code. Please check it and try again.",
  not_accepted: "This passkey was not accepted. Please begin again.",
  too_many: "You have as many of these as are possible.",
  not_found: "It is not there any more.",
  conflict: "Somebody else changed it at the same time. Please look again.",
  unavailable: "That is not possible at the moment. Please try again soon.",
  bad_request: "That was not understood.",
  unauthorized: "Please sign in again.",
  invalid_token: "You have been signed out. Please sign in again.",
};

/** errorText is what an error of client.js, or of the account, says to people. */
export function errorText({ code, retryAfter = 0 }) {
  if (code === "rate_limited" && !retryAfter) return words.say("e_rate_limited_later");
  if (words.has(`e_${code}`) && code !== "not_proved") return words.say(`e_${code}`, { in: retryAfter && words.in(retryAfter) });
  return errors[code] ?? words.say("e_broken");
}

/** waitText says when something will be possible. */
export function waitText(seconds) {
  return words.say("wait", { in: words.in(seconds) });
}

/** busy runs an action in a section, once at a time. */
export async function busy(action) {
  const section = $(shown());
  if (section.getAttribute("aria-busy") === "true") return;
  section.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    section.removeAttribute("aria-busy");
  }
}

/** onSubmit runs an action when the form of a section is sent. */
export function onSubmit(id, action) {
  $(id).querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(action);
  });
}

/** onClick runs an action when a button is pressed. */
export function onClick(button, action) {
  button.addEventListener("click", () => busy(action));
}

/** ask asks in a dialog. With a name it returns the new one, else true; undefined: no. */
export function ask(question, yes, name) {
  const dialog = $("ask");
  $("ask-heading").textContent = question;
  $("ask-yes").textContent = yes;
  $("ask-field").hidden = name === undefined;
  $("ask-name").value = name ?? "";
  dialog.showModal();
  (name === undefined ? $("ask-no") : $("ask-name")).focus();
  return new Promise((resolve) => {
    const answered = new AbortController();
    const end = (answer) => {
      answered.abort();
      dialog.close();
      resolve(answer);
    };
    const listen = (target, event, handle) => target.addEventListener(event, handle, { signal: answered.signal });
    listen(dialog.querySelector("form"), "submit", (event) => {
      event.preventDefault();
      end(name === undefined ? true : $("ask-name").value.trim());
    });
    listen($("ask-no"), "click", () => end(undefined));
    listen(dialog, "cancel", () => end(undefined)); // the key Escape
  });
}

/** make makes an element with a text. */
export function make(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}
