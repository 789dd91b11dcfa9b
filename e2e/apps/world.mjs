// What the scripts here share: where the pool is, and the codes that it sent. The
// Go test sets the variables.

export const { ENDPOINT, INBOX, POOL_ID, REGION, CLIENT_ID, WAYS_CLIENT_ID, PHONE, EMAIL } = process.env;

/** codes are the codes sent to an address, newest first. */
export async function codes(to = PHONE) {
  const response = await fetch(`${INBOX}/?to=${encodeURIComponent(to)}`);
  return response.json();
}

export async function rightCode(to) {
  return (await codes(to))[0];
}

export async function wrongCode(to) {
  return (await rightCode(to)) === "000000" ? "111111" : "000000";
}

/** countdown waits until another code may be asked for. */
export async function countdown(resendAfter = "1") {
  if (!(Number(resendAfter) <= 2)) throw new Error(`resendAfter is ${resendAfter}`);
  await new Promise((resolve) => setTimeout(resolve, 1000 * Number(resendAfter)));
}

/** memory is a store like sessionStorage. */
export function memory() {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}
