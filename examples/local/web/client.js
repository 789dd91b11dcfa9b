// A client for sign-in without a password at an Amazon Cognito user pool: the
// public operations that it takes, on fetch, without an SDK. It needs fetch, atob and
// crypto.getRandomValues, as browsers and Node 20 have them, and keeps nothing but
// what it is given a place for.
//
//   const client = createClient({ region: "eu-west-1", clientId: "…", store: sessionStorage });
//   let { challenge, tokens, error } = await client.signIn("+12065550100");
//   ({ challenge, tokens, error } = await client.answer(challenge, "123456"));
//
// Nothing here throws for what can happen to a user. Every call returns an outcome:
//
//   tokens      the user is signed in
//   challenge   the sign-in goes on, and this is what to answer next
//   error       what went wrong, with a code of the list below
//
// Challenge and error come together when a sign-in goes on after a mistake: a wrong
// code, no connection. With an error and no challenge the sign-in is over.

/**
 * @typedef {object} Settings
 * @property {string} clientId an app client without a secret, with ALLOW_CUSTOM_AUTH
 *   and ALLOW_REFRESH_TOKEN_AUTH
 * @property {string} [region] of the user pool, such as "eu-west-1"
 * @property {string} [endpoint] instead of the region: the URL of a proxy or a local pool
 * @property {Store} [store] where the challenge that waits for its answer is kept, so
 *   that resume() finds it after a reload; sessionStorage, for example. Default: nowhere
 * @property {number} [sessionMinutes] AuthSessionValidity of the app client: how long a
 *   kept challenge is worth resuming. Default 3, as Cognito's
 * @property {number} [timeout] milliseconds to wait for an answer. Default 20,000:
 *   Cognito waits five seconds for a trigger, and may call it again
 * @property {typeof fetch} [fetch] for tests
 *
 * @typedef {object} Store what sessionStorage, localStorage and AsyncStorage have in common
 * @property {(key: string) => any} getItem
 * @property {(key: string, value: string) => any} setItem
 * @property {(key: string) => any} removeItem
 *
 * @typedef {object} Challenge what is asked. It is plain data: JSON can keep it.
 * @property {string} clientId
 * @property {string} login what the user typed to sign in
 * @property {string} username the pool's name for the user, or a made-up one
 * @property {string} name of Cognito's challenge: CUSTOM_CHALLENGE
 * @property {string} session good for one answer
 * @property {number} at when it came, in milliseconds since 1970 by this machine's clock
 * @property {string} step name of the step
 * @property {string} medium "SMS", "EMAIL", "VOICE", or "" if nothing is sent
 * @property {string} destination masked, such as "+***********"
 * @property {number} codeLength how many characters the code has, or 0 if that is not told
 * @property {number} expiresAt when the code expires, in milliseconds since 1970, or 0
 * @property {number} attemptsRemaining answers that are left, or 0 if that is not told
 * @property {number} resendAt when another code can be asked for, as at; 0: never in this sign-in
 * @property {string} way the way that is taken, or ""
 * @property {string[]} ways all that can be chosen from
 * @property {Record<string, string>} parameters all public parameters, as they came
 *
 * @typedef {object} Tokens plain data, too
 * @property {string} clientId
 * @property {string} access
 * @property {string} id
 * @property {string} refresh
 * @property {number} endsAt when the access token ends, in milliseconds since 1970
 *
 * @typedef {object} Failure
 * @property {Code} code
 * @property {number} retryAfter seconds until trying again makes sense, or 0
 * @property {string} message for developers, as the service said it; it may name the cause
 *   in English. Do not show it
 * @property {string} name of the service's exception, or ""
 *
 * @typedef {object} Outcome
 * @property {Challenge} [challenge]
 * @property {Tokens} [tokens]
 * @property {Failure} [error]
 *
 * @typedef {object} More what goes with an answer
 * @property {string} [way] the way to take next, one of challenge.ways
 * @property {string} [locale] of the messages, a BCP 47 tag such as "de-AT"
 * @property {Record<string, string>} [metadata] further ClientMetadata
 *
 * Codes. Those that customauth's handlers say, with a challenge:
 * @typedef {"wrong_code" | "not_proved" | "expired" | "resend_too_soon" | "sent_recently" | "no_resends_left" |
 *   "rate_limited" | "delivery_failed" | "way_not_offered"} SignInCode
 *
 * Those of the service:
 *   sign_in_failed     no attempts are left, or the pool lets this user not in
 *   session_ended      the sign-in took too long, or was answered elsewhere: begin again
 *   signed_out         the tokens are no longer good
 *   no_account         (only where PreventUserExistenceErrors is not ENABLED)
 *   account_exists     at sign-up
 *   account_disabled   by whoever runs the pool
 *   account_unconfirmed  no pre sign-up trigger confirmed it
 *   sign_up_closed     the pool takes no new accounts by itself
 *   sign_up_refused    the pre sign-up trigger refused; its words are the message
 *   invalid_input      the pool does not take this number, address or attribute
 *   too_many_requests  for the pool's quotas; the challenge stays
 *   misconfigured      the app client or the pool does not fit this client
 *   broken             anything else: see name and message
 * @typedef {"sign_in_failed" | "session_ended" | "signed_out" | "no_account" | "account_exists" | "account_disabled" |
 *   "account_unconfirmed" | "sign_up_closed" | "sign_up_refused" | "invalid_input" | "too_many_requests" |
 *   "misconfigured" | "broken"} ServiceCode
 *
 * Those of the network. The challenge stays, and the same answer can be sent again;
 * after "timeout" the first one may have arrived, and the next says session_ended.
 * @typedef {"offline" | "timeout" | "unreachable" | "unreadable"} NetworkCode
 *
 * A step of one's own may say further words.
 * @typedef {SignInCode | ServiceCode | NetworkCode | (string & {})} Code
 *
 * @typedef {ReturnType<typeof createClient>} Client
 */

/**
 * createClient returns the client of one app client. Its functions may be called at
 * the same time, but an answer only once for each challenge.
 * @param {Settings} settings
 */
export function createClient({ clientId, region, endpoint, store, sessionMinutes = 3, timeout = 20_000, fetch: send = fetch }) {
  const url = endpoint ?? `https://cognito-idp.${region}.amazonaws.com${region?.startsWith("cn-") ? ".cn" : ""}/`;
  const key = `customauth.challenge.${clientId}`;
  /** @type {Map<string, Promise<Outcome>>} */
  const refreshing = new Map();

  /**
   * signUp makes an account. The pool insists on a password, and nobody will ever use
   * it: it is random, and forgotten at once. Sign-in is a call of its own.
   * @param {string} login phone number in E.164, e-mail address or user name
   * @param {Record<string, string>} [attributes] A login that is a number or an address
   *   is set as phone_number or email, unless it is here
   * @param {Record<string, string>} [metadata] ClientMetadata, for the pre sign-up trigger
   * @returns {Promise<{ error?: Failure }>}
   */
  async function signUp(login, attributes = {}, metadata) {
    const all = { ...(login.startsWith("+") ? { phone_number: login } : login.includes("@") && { email: login }), ...attributes };
    try {
      const output = await call("SignUp", {
        ClientId: clientId,
        Username: login,
        Password: madeUpPassword(),
        UserAttributes: Object.entries(all).map(([Name, Value]) => ({ Name, Value })),
        ClientMetadata: metadata,
      });
      return output.UserConfirmed ? {} : { error: failure("account_unconfirmed") };
    } catch (e) {
      return { error: understand(e, "signUp") };
    }
  }

  /**
   * signIn begins a sign-in.
   * @param {string} login
   * @returns {Promise<Outcome>}
   */
  function signIn(login) {
    return begin(login, clientId);
  }

  /**
   * stepUp begins a sign-in of the same user at another app client, whose steps are
   * stricter: before a payment, for example. The tokens that come are that client's.
   * @param {Tokens} tokens
   * @param {string} otherClientId
   * @returns {Promise<Outcome>}
   */
  function stepUp(tokens, otherClientId) {
    return begin(claims(tokens.access).username, otherClientId);
  }

  /**
   * answer answers a challenge.
   * @param {Challenge} challenge
   * @param {string} code
   * @param {More} [more]
   * @returns {Promise<Outcome>}
   */
  function answer(challenge, code, more) {
    return respond(challenge, code, "", more);
  }

  /**
   * resend asks for another code. If there is none, error says why, and the code before
   * stays good.
   * @param {Challenge} challenge
   * @param {More} [more]
   * @returns {Promise<Outcome>}
   */
  function resend(challenge, more) {
    return respond(challenge, "resend", "resend", more);
  }

  /**
   * choose takes one of challenge.ways, and has its message sent.
   * @param {Challenge} challenge
   * @param {string} way
   * @param {string} [locale]
   * @param {Record<string, string>} [metadata] further ClientMetadata
   * @returns {Promise<Outcome>}
   */
  function choose(challenge, way, locale, metadata) {
    return respond(challenge, "choose", "choose", { way, locale, metadata });
  }

  /**
   * resume finds the challenge that waits for its answer, after a reload or after the
   * app was killed. It is no promise that the service still knows it.
   * @returns {Promise<Challenge | undefined>}
   */
  async function resume() {
    try {
      /** @type {Challenge} */
      const kept = JSON.parse(await store?.getItem(key));
      if (kept?.session && Date.now() < kept.at + sessionMinutes * 60_000) return kept;
    } catch {
      // Not ours, or the browser forbids it.
    }
  }

  /**
   * refresh gets new tokens. Called many times at once it asks once: where refresh
   * tokens rotate, each is good for one use. With the error signed_out the user has to
   * sign in; with any other, the tokens may still be good.
   * @param {Tokens} tokens
   * @returns {Promise<Outcome>}
   */
  function refresh(tokens) {
    let wait = refreshing.get(tokens.refresh);
    if (!wait) {
      wait = renew(tokens).finally(() => refreshing.delete(tokens.refresh));
      refreshing.set(tokens.refresh, wait);
    }
    return wait;
  }

  /** @param {Tokens} old @returns {Promise<Outcome>} */
  async function renew(old) {
    const app = { ClientId: old.clientId };
    try {
      const output = await call("GetTokensFromRefreshToken", { ...app, RefreshToken: old.refresh }).catch((e) => {
        // Who does not know this operation knows the older one.
        if (!/UnknownOperation|InvalidAction|InvalidParameter/.test(e.name)) throw e;
        return call("InitiateAuth", { ...app, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN: old.refresh } });
      });
      return { tokens: tokensOf(output.AuthenticationResult, old.clientId, old.refresh) };
    } catch (e) {
      return { error: understand(e, "tokens") };
    }
  }

  /**
   * signOut revokes the refresh token and what was made of it, or, everywhere, all
   * sign-ins of the user. Forget the tokens whatever it returns.
   * @param {Tokens} tokens
   * @param {{ everywhere?: boolean }} [how]
   * @returns {Promise<{ error?: Failure }>}
   */
  async function signOut(tokens, { everywhere = false } = {}) {
    await keep();
    try {
      if (everywhere) await call("GlobalSignOut", { AccessToken: tokens.access });
      else await call("RevokeToken", { ClientId: tokens.clientId, Token: tokens.refresh });
      return {};
    } catch (e) {
      return { error: understand(e, "tokens") };
    }
  }

  /**
   * attributes reads the user's attributes from the pool.
   * @param {Tokens} tokens
   * @returns {Promise<{ attributes?: Record<string, string>, error?: Failure }>}
   */
  async function attributes(tokens) {
    try {
      const output = await call("GetUser", { AccessToken: tokens.access });
      return { attributes: Object.fromEntries(output.UserAttributes.map((/** @type {any} */ a) => [a.Name, a.Value])) };
    } catch (e) {
      return { error: understand(e, "tokens") };
    }
  }

  /** @param {string} login @param {string} client @returns {Promise<Outcome>} */
  async function begin(login, client) {
    try {
      const output = await call("InitiateAuth", { ClientId: client, AuthFlow: "CUSTOM_AUTH", AuthParameters: { USERNAME: login } });
      return await take(output, { login, clientId: client });
    } catch (e) {
      return { error: understand(e, "begin") };
    }
  }

  /**
   * respond answers a challenge. Cognito wants an ANSWER that is not empty; with an
   * action it is not compared.
   * @param {Challenge} challenge @param {string} text @param {string} action @param {More} [more]
   * @returns {Promise<Outcome>}
   */
  async function respond(challenge, text, action, { way, locale, metadata } = {}) {
    try {
      const output = await call("RespondToAuthChallenge", {
        ClientId: challenge.clientId,
        ChallengeName: challenge.name,
        Session: challenge.session,
        ChallengeResponses: { USERNAME: challenge.username, ANSWER: text },
        ClientMetadata: { ...metadata, ...(action && { action }), ...(way && { way }), ...(locale && { locale }) },
      });
      return await take(output, challenge);
    } catch (e) {
      const error = understand(e, "answer");
      if (stays.has(error.code)) return { challenge, error };
      await keep();
      return { error };
    }
  }

  /** @param {any} output @param {{ login: string, clientId: string }} of @returns {Promise<Outcome>} */
  async function take(output, { login, clientId }) {
    if (output.AuthenticationResult) {
      await keep();
      return { tokens: tokensOf(output.AuthenticationResult, clientId, "") };
    }
    if (output.ChallengeName !== "CUSTOM_CHALLENGE") {
      return { error: failure("misconfigured", `cannot answer the challenge ${output.ChallengeName}`) };
    }
    const p = output.ChallengeParameters ?? {};
    const at = Date.now();
    /** @type {Challenge} */
    const challenge = {
      clientId, login, at,
      username: p.USERNAME ?? login,
      name: output.ChallengeName,
      session: output.Session,
      step: p.step ?? "",
      medium: p.CODE_DELIVERY_DELIVERY_MEDIUM ?? "",
      destination: p.CODE_DELIVERY_DESTINATION ?? "",
      codeLength: whole(p.codeLength),
      expiresAt: Date.parse(p.expiresAt) || 0,
      attemptsRemaining: whole(p.attemptsRemaining),
      resendAt: p.resendAfter ? at + 1000 * whole(p.resendAfter) : 0,
      way: p.way ?? "",
      ways: p.ways ? p.ways.split(" ") : [],
      parameters: p,
    };
    await keep(challenge);
    return p.errorCode ? { challenge, error: failure(p.errorCode, "", "", whole(p.retryAfter)) } : { challenge };
  }

  /**
   * keep puts a challenge where resume() finds it, in place of the last one, which is
   * there anyway. Without one it forgets: the user gave the sign-in up.
   * @param {Challenge} [challenge]
   * @returns {Promise<void>}
   */
  async function keep(challenge) {
    try {
      if (challenge) await store?.setItem(key, JSON.stringify(challenge));
      else await store?.removeItem(key);
    } catch {
      // Full or forbidden: the sign-in then ends with a reload.
    }
  }

  /** @param {string} operation @param {object} input @returns {Promise<any>} */
  async function call(operation, input) {
    const abort = new AbortController();
    const late = setTimeout(() => abort.abort(), timeout);
    let response, text;
    try {
      response = await send(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/x-amz-json-1.1",
          "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
        },
        body: JSON.stringify(input),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: abort.signal,
      });
      text = await response.text();
    } catch (e) {
      const { message } = /** @type {Error} */ (e);
      throw failure(abort.signal.aborted ? "timeout" : globalThis.navigator?.onLine === false ? "offline" : "unreachable", message);
    } finally {
      clearTimeout(late);
    }
    let output;
    try {
      output = JSON.parse(text || "{}"); // RevokeToken answers with nothing
    } catch {
      throw failure("unreadable");
    }
    if (response.ok) return output;
    if (typeof output.__type !== "string") throw failure("unreadable");
    // Some services say "com.amazonaws.cognito#NotAuthorizedException".
    throw failure("", output.message ?? "", output.__type.split("#").pop());
  }

  return { signUp, signIn, stepUp, answer, resend, choose, resume, keep, refresh, signOut, attributes };
}

/** stays are the errors after which the same answer can be sent again. */
const stays = new Set(["offline", "timeout", "unreachable", "unreadable", "too_many_requests"]);

/**
 * claims reads what a token says, for show: it checks no signature. A server that
 * trusts a token must check it against the pool's keys.
 * @param {string} token
 * @returns {Record<string, any>}
 */
export function claims(token) {
  const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  // Not every engine that apps run on has a TextDecoder.
  return JSON.parse(decodeURIComponent(Array.from(bytes, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("")));
}

/**
 * madeUpPassword has 192 random bits, and one of each kind of character that a
 * password policy may ask for: lower and upper case, a digit, a symbol. It has 57
 * characters; a policy can ask for 99, which nobody does.
 */
export function madeUpPassword() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return `aA1-${Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}-Zz9!`;
}

/** @param {any} result @param {string} clientId @param {string} refresh @returns {Tokens} */
function tokensOf(result, clientId, refresh) {
  return {
    clientId,
    access: result.AccessToken,
    id: result.IdToken,
    refresh: result.RefreshToken ?? refresh, // there is a new one only if they rotate
    endsAt: Date.now() + 1000 * result.ExpiresIn,
  };
}

/** @param {Code} code @returns {Failure} */
function failure(code, message = "", name = "", retryAfter = 0) {
  return { code, message, name, retryAfter };
}

/** @type {Record<string, ServiceCode>} */
const codes = {
  UsernameExistsException: "account_exists",
  AliasExistsException: "account_exists",
  UserNotFoundException: "no_account",
  UserNotConfirmedException: "account_unconfirmed",
  PasswordResetRequiredException: "account_disabled",
  RefreshTokenReuseException: "signed_out",
  CodeMismatchException: "session_ended", // of the session, not of the user's code
  ExpiredCodeException: "session_ended",
  InvalidParameterException: "invalid_input",
  InvalidPasswordException: "misconfigured",
  ResourceNotFoundException: "misconfigured",
  TooManyRequestsException: "too_many_requests",
  LimitExceededException: "too_many_requests",
  TooManyFailedAttemptsException: "too_many_requests",
};

/**
 * understand gives an error its code. Some of the service's exceptions mean several
 * things, which only their texts tell apart.
 * @param {unknown} thrown
 * @param {"signUp" | "begin" | "answer" | "tokens"} moment
 * @returns {Failure}
 */
function understand(thrown, moment) {
  const e = /** @type {Failure} */ (thrown);
  if (e.code) return e;
  return { ...failure("broken", e.message, e.name), ...meaning(e.name ?? "", e.message ?? "", moment) };
}

/** @param {string} name @param {string} message @param {string} moment @returns {{ code: ServiceCode, message?: string }} */
function meaning(name, message, moment) {
  if (name === "UserLambdaValidationException") {
    const words = /^PreSignUp failed with error (.+?)\.?$/.exec(message)?.[1];
    return words ? { code: "sign_up_refused", message: words } : { code: "broken" };
  }
  if (moment === "tokens" && /NotAuthorized|UserNotFound|PasswordReset/.test(name)) return { code: "signed_out" };
  if (name !== "NotAuthorizedException") return { code: codes[name] ?? "broken" };
  if (/secret/i.test(message)) return { code: "misconfigured" };
  if (/disabled/i.test(message)) return { code: "account_disabled" };
  if (/attempts exceeded/i.test(message)) return { code: "too_many_requests" };
  if (moment === "signUp") return { code: "sign_up_closed" };
  return { code: /session/i.test(message) ? "session_ended" : "sign_in_failed" };
}

/** @param {string | undefined} text */
function whole(text) {
  return /^\d{1,8}$/.test(text ?? "") ? Number(text) : 0;
}
