// What the browser does to prove something: passkeys, and the picture for an
// authenticator app. Device keys are in device.js.

/** makePasskey makes one, for the "publicKey" of POST /passkeys/begin. */
export async function makePasskey(publicKey) {
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
  return (await navigator.credentials.create({ publicKey: options })).toJSON();
}

/** usePasskey answers a challenge of the step, whose parameter "publicKey" is JSON. */
export async function usePasskey(publicKey) {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(publicKey));
  return JSON.stringify(await navigator.credentials.get({ publicKey: options }));
}

/** passkeyError says in words why the browser gave no passkey. */
export function passkeyError({ name }) {
  switch (name) {
    case "NotAllowedError": return "No passkey was used: it was cancelled, took too long, or there is none for this site.";
    case "InvalidStateError": return "This device has a passkey of yours already.";
    default: return "Your browser could not use a passkey.";
  }
}

/** paint draws a picture in a data URL. An image with that address would need a weaker policy. */
export async function paint(canvas, dataURL) {
  const bytes = Uint8Array.from(atob(dataURL.split(",")[1]), (c) => c.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
}

/** browserName is what to call this browser: "Chromium on Linux". */
export function browserName() {
  const { brands = [], platform = "" } = navigator.userAgentData ?? {};
  const brand = brands.map((b) => b.brand).find((b) => !/not.?a.?brand/i.test(b)) ?? "This browser";
  return platform ? `${brand} on ${platform}` : brand;
}
