// Codes as people type and paste them. Phone numbers are read by phones.js.

/**
 * readCode takes the code out of what was typed or pasted: the code itself with
 * spaces or dashes in it, or the whole message that carries it. Length is how long
 * the code is, or 0 if that is not known.
 */
export function readCode(typed, length) {
  const s = plainDigits(typed).toUpperCase();
  const bare = s.replace(/[^0-9A-Z]/g, "");
  if (!length || bare.length <= length) return bare;
  const run = s.match(new RegExp(`(?<![0-9A-Z])[0-9]{${length}}(?![0-9A-Z])`));
  return run ? run[0] : bare.slice(0, length);
}

/** codeIn finds the code in a text, or gives null. */
export function codeIn(text) {
  return text.match(/(?<![0-9A-Za-z+])[0-9]{4,12}(?![0-9A-Za-z])/)?.[0] ?? null;
}

/** plainDigits turns digits of other scripts into 0 to 9. */
function plainDigits(s) {
  return s.normalize("NFKC").replace(/\p{Nd}/gu, (d) => {
    for (const zero of [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50]) {
      const n = d.codePointAt(0) - zero;
      if (n >= 0 && n <= 9) return String(n);
    }
    return d;
  });
}
