// The tokens of the signed-in user, and how they survive a reload.
//
// The access and ID tokens live in this module's memory: they end with the
// page. The refresh token has to outlive it, and a page without a server of
// its own has no better place than localStorage. Every script that runs in
// this page could read it there. That is why the page loads no script from
// elsewhere, why its Content-Security-Policy allows none, and why data never
// becomes HTML. If your app has a backend, keep the refresh token there and
// give the browser an HttpOnly cookie; if not, turn on refresh token rotation.

const EARLY = 60_000; // renew this long (ms) before the access token ends

export class Session {
  #cognito;
  #key;
  #tokens = null; // { access, id, endsAt }
  #renewing = null;
  #fallback = null; // the refresh token, where the browser forbids storage

  constructor(cognito, clientId) {
    this.#cognito = cognito;
    this.#key = `customauth.refreshToken.${clientId}`;
  }

  // storageKey is where the refresh token is kept: for "storage" events.
  get storageKey() {
    return this.#key;
  }

  get remembered() {
    return this.#refreshToken !== null;
  }

  // start takes the AuthenticationResult of a finished sign-in.
  start(result) {
    this.#tokens = {
      access: result.AccessToken,
      id: result.IdToken,
      endsAt: Date.now() + result.ExpiresIn * 1000,
    };
    if (result.RefreshToken) this.#refreshToken = result.RefreshToken; // absent after a refresh without rotation
  }

  get endsAt() {
    return this.#tokens?.endsAt ?? 0;
  }

  // claims are what the ID token says, for show. The page does not check the
  // signature: the token came straight from the pool, and a server that
  // trusts it must check it against the pool's keys.
  get claims() {
    const payload = this.#tokens.id.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  // accessToken is one that is still good, renewed first if need be.
  async accessToken() {
    if (!this.#tokens || Date.now() > this.#tokens.endsAt - EARLY) await this.renew();
    return this.#tokens.access;
  }

  // renew gets new tokens for the refresh token, once however often it is
  // asked at the same moment: with rotation, the old token is good for one use.
  renew() {
    this.#renewing ??= this.#renew().finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  async #renew() {
    const output = await this.#cognito.refresh(this.#refreshToken);
    this.start(output.AuthenticationResult);
  }

  // end signs out here, and tells the pool. The tokens are forgotten even
  // when the pool cannot be told; then the error says so.
  async end({ everywhere = false } = {}) {
    const refreshToken = this.#refreshToken;
    try {
      if (everywhere) await this.#cognito.globalSignOut(await this.accessToken());
      else if (refreshToken) await this.#cognito.revoke(refreshToken);
    } finally {
      this.forget();
    }
  }

  forget() {
    this.#tokens = null;
    this.#refreshToken = null;
  }

  get #refreshToken() {
    try {
      return localStorage.getItem(this.#key) ?? this.#fallback;
    } catch {
      return this.#fallback;
    }
  }

  set #refreshToken(token) {
    try {
      if (token === null) localStorage.removeItem(this.#key);
      else localStorage.setItem(this.#key, token);
      this.#fallback = null;
    } catch {
      this.#fallback = token; // storage is blocked or full: signed in until the page is left
    }
  }
}
