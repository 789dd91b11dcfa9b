// The phone and the mailbox beside the page, when it is served by examples/local: they
// show every text, call and e-mail that the program would have sent, as it arrives.

import { codeIn } from "./input.js";

const $ = (id) => document.getElementById(id);

// openInbox shows what comes to the address config.inbox, and keeps it up to date; e-mails
// are at config.mails. onCode is called with the code that someone taps to fill in.
export function openInbox(config, onCode) {
  const phone = list($("phone"), (message) => bubble(message, onCode));
  const mail = config.mails ? list($("mail"), (message) => letter(message, config.mails, onCode)) : null;
  $("phone-clock").textContent = hour(new Date());
  setInterval(() => { $("phone-clock").textContent = hour(new Date()); }, 10_000);

  // The stream sends the whole inbox, newest first, each time it changes.
  // EventSource connects again by itself when the program was restarted.
  const stream = new EventSource(config.inbox);
  stream.onmessage = (event) => {
    const all = JSON.parse(event.data);
    phone(all.filter((m) => m.channel !== "EMAIL").reverse());
    mail?.(all.filter((m) => m.channel === "EMAIL"));
  };
}

// list shows a place for messages. What it returns keeps the place up to date.
function list(root, draw) {
  const log = root.querySelector("[role=log]");
  const items = new Map(); // key -> list item
  root.hidden = false;
  return (messages) => {
    const keys = new Set(messages.map(key));
    for (const [k, item] of items) {
      if (keys.has(k)) continue;
      item.remove();
      items.delete(k);
    }
    const late = messages.filter((message) => !items.has(key(message))).sort((a, b) => a.id - b.id);
    for (const message of late) items.set(key(message), draw(message));
    const order = messages.map((message) => items.get(key(message)));
    order.forEach((item, i) => {
      const place = log.firstElementChild;
      if (place.children[i] !== item) place.insertBefore(item, place.children[i] ?? null);
    });
    root.querySelector(".empty").hidden = messages.length > 0;
    if (root.id === "phone") log.scrollTop = log.scrollHeight;
  };
}

function key(message) {
  return `${message.time} ${message.id}`;
}

// bubble is a text, or a call as words.
function bubble(message, onCode) {
  const item = document.createElement("li");
  const call = message.channel === "VOICE";
  item.append(make("p", "meta", `${call ? "Call to " : ""}${message.to} · ${hour(new Date(message.time))}`));
  item.append(make("p", call ? "text call" : "text", call ? spoken(message.text) : message.text));
  const code = codeIn(message.text);
  if (code) item.append(taps(code, onCode));
  return item;
}

// spoken is a text as it is read out: digit by digit.
function spoken(text) {
  return `“${text.replace(/(?<![0-9A-Za-z])[0-9]{4,}(?![0-9A-Za-z])/g, (code) => [...code].join(", "))}”`;
}

// letter is an e-mail, of which the newest is open. A frame shows what it says: as the
// program that serves it says, without scripts, and its links open tabs of their own.
function letter(message, mails, onCode) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(make("span", "subject", message.subject || "(no subject)"), make("span", "meta", `${message.to} · ${hour(new Date(message.time))}`));
  details.append(summary);
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("iframe")) return;
    const frame = document.createElement("iframe");
    frame.title = message.subject || "E-mail";
    frame.sandbox = "allow-popups allow-popups-to-escape-sandbox";
    frame.src = mails + encodeURIComponent(message.id);
    summary.after(frame);
  });
  const code = codeIn(message.text.replace(/https?:\S+/g, ""));
  if (code) details.append(taps(code, onCode));
  for (const other of document.querySelectorAll("#mail details[open]")) other.open = false;
  details.open = true;
  item.append(details);
  return item;
}

// taps are the buttons that a phone shows for a code.
function taps(code, onCode) {
  const buttons = make("p", "taps");
  const fill = make("button", "fill", `Fill in ${code}`);
  fill.type = "button";
  fill.onclick = () => onCode(code);
  const copy = make("button", "copy", "Copy");
  copy.type = "button";
  copy.setAttribute("aria-label", `Copy ${code}`);
  copy.onclick = async () => {
    await navigator.clipboard.writeText(code);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  };
  buttons.append(fill, copy);
  return buttons;
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  return element;
}

function hour(date) {
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
