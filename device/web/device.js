// The browser's side of package device: a key that this browser makes and cannot
// export, kept in IndexedDB, one for each account that signs in here.
//
//   import { remember, proof, known, forget } from "./device.js";
//
//   // After a sign-in, if the user wants this browser to be remembered:
//   await remember(account, async (key) => {
//     const r = await fetch(accountURL + "/devices", {
//       method: "POST",
//       headers: { authorization: "Bearer " + accessToken, "content-type": "application/json" },
//       body: JSON.stringify({ name: "Firefox on Linux", key }),
//     });
//     if (!r.ok) throw new Error("the device was not remembered");
//     return (await r.json()).id;
//   });
//
//   // At a sign-in, with the challenge parameter "nonce":
//   const device = await proof(account, parameters.nonce); // undefined if not remembered here
//   await confirmSignIn({ challengeResponse: "-", options: { clientMetadata: { action: "resend", device } } });
//
// "account" is any text by which the page tells accounts apart before they are signed
// in: what the user types, in lower case. It needs a secure context (https, or
// localhost). It has no dependencies.

const STORE = "keys";

// remember makes a key, or takes the one that is there, and calls register with the
// public key in base64url. What register returns, the device's id, is kept with it.
export async function remember(account, register) {
  const kept = await read(account);
  const keys = kept?.keys ?? (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]));
  const raw = await crypto.subtle.exportKey("raw", keys.publicKey);
  const id = await register(base64url(raw));
  await request("readwrite", (store) => store.put({ id, keys }, account));
  return id;
}

// proof signs the nonce of a sign-in. It is undefined where the account is not
// remembered in this browser.
export async function proof(account, nonce) {
  const kept = await read(account);
  if (!kept || !nonce) return undefined;
  const signed = new TextEncoder().encode("customauth device\n" + nonce);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, kept.keys.privateKey, signed);
  return kept.id + "." + base64url(signature); // 64 bytes, r || s
}

// known is the id under which the account is remembered in this browser, or undefined.
export async function known(account) {
  return (await read(account))?.id;
}

// forget throws the key away. The server should forget the device too.
export async function forget(account) {
  await request("readwrite", (store) => store.delete(account));
}

const read = (account) => request("readonly", (store) => store.get(account));

// request does one thing with the object store, and waits until it is written.
async function request(mode, act) {
  const db = await new Promise((resolve, reject) => {
    const open = indexedDB.open("customauth-device", 1);
    open.onupgradeneeded = () => open.result.createObjectStore(STORE);
    open.onsuccess = () => resolve(open.result);
    open.onerror = () => reject(open.error);
  });
  try {
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction(STORE, mode);
      const done = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(done.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    db.close();
  }
}

function base64url(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
