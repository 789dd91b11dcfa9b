// The language of the page: which one the reader wants, and numbers, durations and
// names of countries in it. The texts are in words-en.js and its siblings.

/** languages are those that the page has texts in, with their own names. */
export const languages = {
  en: "English", ar: "العربية", de: "Deutsch", es: "Español", fr: "Français", he: "עברית",
  it: "Italiano", ja: "日本語", pl: "Polski", pt: "Português", tr: "Türkçe", zh: "简体中文",
};

const rightToLeft = ["ar", "he"];

/** wanted is the language that the reader chose before, or that the browser asks for. */
export function wanted(offered, chosen) {
  for (const tag of [chosen, ...navigator.languages]) {
    const language = tag?.toLowerCase().split("-")[0].replace("iw", "he");
    if (offered.includes(language)) return language;
  }
  return offered.includes("en") ? "en" : offered[0];
}

/** load gets the texts of a language. */
export async function load(language) {
  const { words } = await import(`./words-${language}.js`);
  return new Words(language, words);
}

export class Words {
  #words;

  constructor(language, words) {
    this.language = language;
    this.direction = rightToLeft.includes(language) ? "rtl" : "ltr";
    this.#words = words;
  }

  has(name) {
    return name in this.#words;
  }

  /** say gives a text, with its {values} put in. */
  say(name, values = {}) {
    return this.parts(name, values).join("");
  }

  /** parts are the pieces of a text, where a value may be an element. */
  parts(name, values) {
    const text = this.#words[name] ?? name;
    return text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? values[piece] ?? "" : piece)).filter((piece) => piece !== "");
  }

  /** in says when something will be: "in 42 seconds". */
  in(seconds) {
    const [n, unit] = seconds < 90 ? [seconds, "second"] : seconds < 90 * 60 ? [Math.ceil(seconds / 60), "minute"] : [Math.ceil(seconds / 3600), "hour"];
    return new Intl.RelativeTimeFormat(this.language).format(n, unit);
  }

  /** country is the name of one. */
  country(code) {
    this.names ??= new Intl.DisplayNames(this.language, { type: "region" });
    return this.names.of(code);
  }

  compare(a, b) {
    this.collator ??= new Intl.Collator(this.language);
    return this.collator.compare(a, b);
  }
}

/** clock says a number of seconds as a countdown does: "0:42". */
export function clock(s) {
  const pad = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  const rest = `${h ? pad(Math.floor(s / 60) % 60) : Math.floor(s / 60)}:${pad(s % 60)}`;
  return h ? `${h}:${rest}` : rest;
}

/** ltr keeps a number in one piece, also in a text that runs from right to left. */
export function ltr(text) {
  return `\u2066${text.replaceAll(" ", "\u00a0").replaceAll("-", "\u2011")}\u2069`;
}
