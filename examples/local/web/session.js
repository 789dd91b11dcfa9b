// The tokens of the signed-in user, and how they survive a reload.
//
// The access and ID tokens live in this module's memory: they end with the page.
// The refresh token has to outlive it, and a page without a server of its own has
// no better place than localStorage. Every script that runs in this page could read
// it there. That is why the page loads no script from elsewhere, why its
// Content-Security-Policy allows none, and why data never becomes HTML. If your app
// has a backend, keep the refresh token there and give the browser an HttpOnly
// cookie; if not, turn on refresh token rotation.

const EARLY = 60_000; // renew this long (ms) before the access token ends

export class Session {
  #client;
  #clientId;
  #tokens = null;
  #fallback = null; // the refresh token, where the browser forbids storage

  constructor(client, clientId) {
    this.#client = client;
    this.#clientId = clientId;
  }

  /** storageKey is where the refresh token is kept: for "storage" events. */
  get storageKey() {
    return `customauth.refreshToken.${this.#clientId}`;
  }

  get remembered() {
    return this.#kept() !== null;
  }

  /** start takes the tokens of a finished sign-in. */
  start(tokens) {
    this.#tokens = tokens;
    this.#keep(tokens.refresh);
  }

  /**
   * tokens are such that are still good, renewed first if need be. The answer is
   * { tokens } or { error }.
   */
  async tokens() {
    if (this.#tokens && Date.now() < this.#tokens.endsAt - EARLY) return { tokens: this.#tokens };
    const old = this.#tokens ?? { clientId: this.#clientId, access: "", id: "", refresh: this.#kept(), endsAt: 0 };
    const outcome = await this.#client.refresh(old);
    if (outcome.tokens) this.start(outcome.tokens);
    return outcome;
  }

  /**
   * end signs out here, and tells the pool. The tokens are forgotten even when the
   * pool cannot be told; then the answer has the error.
   */
  async end(everywhere) {
    const { tokens, error } = await this.tokens();
    const outcome = tokens ? await this.#client.signOut(tokens, { everywhere }) : { error };
    this.forget();
    return outcome;
  }

  forget() {
    this.#tokens = null;
    this.#keep(null);
  }

  #kept() {
    try {
      return localStorage.getItem(this.storageKey) ?? this.#fallback;
    } catch {
      return this.#fallback;
    }
  }

  #keep(token) {
    this.#fallback = null;
    try {
      if (token === null) localStorage.removeItem(this.storageKey);
      else localStorage.setItem(this.storageKey, token);
    } catch {
      this.#fallback = token; // storage is blocked or full: signed in until the page is left
    }
  }
}
