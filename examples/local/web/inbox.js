// The phone beside the page, when it is served by examples/local: it shows
// every text that the program would have sent, as it arrives.

import { codeIn } from "./input.js";

// openInbox shows the phone with the texts that an address serves, and keeps it up
// to date. onCode is called with the code that someone taps to fill in.
export function openInbox(root, address, onCode) {
  const log = root.querySelector("[role=log]");
  const list = log.querySelector("ol");
  const empty = root.querySelector(".empty");
  const time = root.querySelector("#phone-clock");
  const shown = new Map(); // key -> list item
  root.hidden = false;

  const tick = () => { time.textContent = hour(new Date()); };
  tick();
  setInterval(tick, 10_000);

  // The stream sends the whole inbox, newest first, each time it changes.
  // EventSource connects again by itself when the program was restarted.
  const stream = new EventSource(address);
  stream.onmessage = (event) => {
    const messages = JSON.parse(event.data).reverse();
    const keys = new Set(messages.map(key));
    for (const [k, item] of shown) {
      if (keys.has(k)) continue;
      item.remove();
      shown.delete(k);
    }
    for (const message of messages) {
      if (shown.has(key(message))) continue;
      const item = bubble(message, onCode);
      shown.set(key(message), item);
      list.append(item);
    }
    empty.hidden = messages.length > 0;
    log.scrollTop = log.scrollHeight;
  };
}

function key(message) {
  return `${message.time} ${message.to}`;
}

function bubble(message, onCode) {
  const item = document.createElement("li");
  item.append(make("p", "meta", `${message.to} · ${hour(new Date(message.time))}`));
  item.append(make("p", "text", message.text));

  const code = codeIn(message.text);
  if (code) {
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
    item.append(buttons);
  }
  return item;
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
