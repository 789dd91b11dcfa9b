// The snippets of docs/apps/react.md and react-native.md: the store, and the component
// of SignIn.jsx in every state, rendered on the server.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import ts from "typescript";
import { createClient } from "../../../examples/local/web/client.js";
import { CLIENT_ID, ENDPOINT, memory, PHONE, rightCode, wrongCode } from "../world.mjs";
import { createSignIn } from "./signin-store.mjs";

const source = await readFile(new URL("SignIn.jsx", import.meta.url), "utf8");
const { outputText } = ts.transpileModule(source, { compilerOptions: { jsx: ts.JsxEmit.ReactJSX, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
const compiled = new URL(`SignIn.${process.pid}.tmp.mjs`, import.meta.url);
await writeFile(compiled, outputText);
const { SignIn } = await import(compiled).finally(() => rm(compiled));
const shown = (signIn) => renderToString(createElement(SignIn, { signIn }));

const memoryStore = memory();
const AsyncStorage = { // as React Native's: with promises
  getItem: async (key) => memoryStore.getItem(key),
  setItem: async (key, value) => memoryStore.setItem(key, value),
  removeItem: async (key) => memoryStore.removeItem(key),
};
const settings = { endpoint: ENDPOINT, clientId: CLIENT_ID, store: AsyncStorage, sessionMinutes: 15 };

let signIn = createSignIn(createClient(settings));
await signIn.resume();
assert.match(shown(signIn), /autoComplete="tel"/i);
await signIn.begin(PHONE);
assert.match(shown(signIn), /one-time-code/);
await signIn.answer(await wrongCode());
assert.match(shown(signIn), /wrong_code/);

signIn = createSignIn(createClient(settings)); // the app was killed
await signIn.resume();
assert.match(shown(signIn), /one-time-code/);
await signIn.resend();
assert.match(shown(signIn), /one-time-code/);
await signIn.answer(await rightCode());
assert.match(shown(signIn), /signed in/);
assert.ok(signIn.get().tokens.access);
console.log("done");
