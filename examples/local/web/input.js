// What people type, made into what the service takes.

// readPhone makes a phone number E.164: a plus and 7 to 15 digits, of which
// the first is not zero (ITU-T E.164). It takes spaces, dashes, brackets, a
// leading 00, "(0)", "tel:" and digits of other scripts. The answer is
// { phone } or, when it cannot be one, { problem: "empty" | "country" |
// "letters" | "short" | "long" }.
export function readPhone(typed) {
  const s = plainDigits(typed)
    .replace(/^\s*tel:/i, "")
    .replace("(0)", "") // +44 (0)20 …: that zero is for calls inside the country
    .replace(/[\s\p{Cf}\p{Pd}().\/·]/gu, "")
    .replace(/^00/, "+");
  if (s === "") return { problem: "empty" };
  if (!/^\+?\d*$/.test(s)) return { problem: "letters" };
  if (!/^\+[1-9]/.test(s)) return { problem: "country" };
  if (s.length < 8) return { problem: "short" };
  if (s.length > 16) return { problem: "long" };
  return { phone: s };
}

// readCode takes the code out of what was typed or pasted: the code itself
// with spaces or dashes in it, or the whole text that carries it. Length is
// how long the code is, or 0 if that is not known.
export function readCode(typed, length) {
  const s = plainDigits(typed).toUpperCase();
  const bare = s.replace(/[^0-9A-Z]/g, "");
  if (!length || bare.length <= length) return bare;
  const run = s.match(new RegExp(`(?<![0-9A-Z])[0-9]{${length}}(?![0-9A-Z])`));
  return run ? run[0] : bare.slice(0, length);
}

// codeIn finds the code in a text, or gives null.
export function codeIn(text) {
  return text.match(/(?<![0-9A-Za-z+])[0-9]{4,10}(?![0-9A-Za-z])/)?.[0] ?? null;
}

// plainDigits turns full-width, Arabic-Indic, Persian and Devanagari digits
// into 0 to 9.
function plainDigits(s) {
  return s.normalize("NFKC").replace(/\p{Nd}/gu, (d) => {
    for (const zero of [0x30, 0x660, 0x6f0, 0x966]) {
      const n = d.codePointAt(0) - zero;
      if (n >= 0 && n <= 9) return String(n);
    }
    return d;
  });
}
