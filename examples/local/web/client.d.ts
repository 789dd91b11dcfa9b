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
export function createClient({ clientId, region, endpoint, store, sessionMinutes, timeout, fetch: send }: Settings): {
    signUp: (login: string, attributes?: Record<string, string>, metadata?: Record<string, string>) => Promise<{
        error?: Failure;
    }>;
    signIn: (login: string) => Promise<Outcome>;
    stepUp: (tokens: Tokens, otherClientId: string) => Promise<Outcome>;
    answer: (challenge: Challenge, code: string, more?: More) => Promise<Outcome>;
    resend: (challenge: Challenge, more?: More) => Promise<Outcome>;
    choose: (challenge: Challenge, way: string, locale?: string, metadata?: Record<string, string>) => Promise<Outcome>;
    resume: () => Promise<Challenge | undefined>;
    keep: (challenge?: Challenge) => Promise<void>;
    refresh: (tokens: Tokens) => Promise<Outcome>;
    signOut: (tokens: Tokens, { everywhere }?: {
        everywhere?: boolean;
    }) => Promise<{
        error?: Failure;
    }>;
    attributes: (tokens: Tokens) => Promise<{
        attributes?: Record<string, string>;
        error?: Failure;
    }>;
};
/**
 * claims reads what a token says, for show: it checks no signature. A server that
 * trusts a token must check it against the pool's keys.
 * @param {string} token
 * @returns {Record<string, any>}
 */
export function claims(token: string): Record<string, any>;
/**
 * madeUpPassword has 192 random bits, and one of each kind of character that a
 * password policy may ask for: lower and upper case, a digit, a symbol. It has 57
 * characters; a policy can ask for 99, which nobody does.
 */
export function madeUpPassword(): string;
export type Settings = {
    /**
     * an app client without a secret, with ALLOW_CUSTOM_AUTH
     * and ALLOW_REFRESH_TOKEN_AUTH
     */
    clientId: string;
    /**
     * of the user pool, such as "eu-west-1"
     */
    region?: string | undefined;
    /**
     * instead of the region: the URL of a proxy or a local pool
     */
    endpoint?: string | undefined;
    /**
     * where the challenge that waits for its answer is kept, so
     * that resume() finds it after a reload; sessionStorage, for example. Default: nowhere
     */
    store?: Store | undefined;
    /**
     * AuthSessionValidity of the app client: how long a
     * kept challenge is worth resuming. Default 3, as Cognito's
     */
    sessionMinutes?: number | undefined;
    /**
     * milliseconds to wait for an answer. Default 20,000:
     * Cognito waits five seconds for a trigger, and may call it again
     */
    timeout?: number | undefined;
    /**
     * for tests
     */
    fetch?: typeof fetch | undefined;
};
/**
 * what sessionStorage, localStorage and AsyncStorage have in common
 */
export type Store = {
    getItem: (key: string) => any;
    setItem: (key: string, value: string) => any;
    removeItem: (key: string) => any;
};
/**
 * what is asked. It is plain data: JSON can keep it.
 */
export type Challenge = {
    clientId: string;
    /**
     * what the user typed to sign in
     */
    login: string;
    /**
     * the pool's name for the user, or a made-up one
     */
    username: string;
    /**
     * of Cognito's challenge: CUSTOM_CHALLENGE
     */
    name: string;
    /**
     * good for one answer
     */
    session: string;
    /**
     * when it came, in milliseconds since 1970 by this machine's clock
     */
    at: number;
    /**
     * name of the step
     */
    step: string;
    /**
     * "SMS", "EMAIL", "VOICE", or "" if nothing is sent
     */
    medium: string;
    /**
     * masked, such as "+***********"
     */
    destination: string;
    /**
     * how many characters the code has, or 0 if that is not told
     */
    codeLength: number;
    /**
     * when the code expires, in milliseconds since 1970, or 0
     */
    expiresAt: number;
    /**
     * answers that are left, or 0 if that is not told
     */
    attemptsRemaining: number;
    /**
     * when another code can be asked for, as at; 0: never in this sign-in
     */
    resendAt: number;
    /**
     * the way that is taken, or ""
     */
    way: string;
    /**
     * all that can be chosen from
     */
    ways: string[];
    /**
     * all public parameters, as they came
     */
    parameters: Record<string, string>;
};
/**
 * plain data, too
 */
export type Tokens = {
    clientId: string;
    access: string;
    id: string;
    refresh: string;
    /**
     * when the access token ends, in milliseconds since 1970
     */
    endsAt: number;
};
export type Failure = {
    code: Code;
    /**
     * seconds until trying again makes sense, or 0
     */
    retryAfter: number;
    /**
     * for developers, as the service said it; it may name the cause
     * in English. Do not show it
     */
    message: string;
    /**
     * of the service's exception, or ""
     */
    name: string;
};
export type Outcome = {
    challenge?: Challenge | undefined;
    tokens?: Tokens | undefined;
    error?: Failure | undefined;
};
/**
 * what goes with an answer
 */
export type More = {
    /**
     * the way to take next, one of challenge.ways
     */
    way?: string | undefined;
    /**
     * of the messages, a BCP 47 tag such as "de-AT"
     */
    locale?: string | undefined;
    /**
     * further ClientMetadata
     *
     * Codes. Those that customauth's handlers say, with a challenge:
     */
    metadata?: Record<string, string> | undefined;
};
/**
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
 */
export type SignInCode = "wrong_code" | "not_proved" | "expired" | "resend_too_soon" | "sent_recently" | "no_resends_left" | "rate_limited" | "delivery_failed" | "way_not_offered";
/**
 * Those of the network. The challenge stays, and the same answer can be sent again;
 * after "timeout" the first one may have arrived, and the next says session_ended.
 */
export type ServiceCode = "sign_in_failed" | "session_ended" | "signed_out" | "no_account" | "account_exists" | "account_disabled" | "account_unconfirmed" | "sign_up_closed" | "sign_up_refused" | "invalid_input" | "too_many_requests" | "misconfigured" | "broken";
/**
 * A step of one's own may say further words.
 */
export type NetworkCode = "offline" | "timeout" | "unreachable" | "unreadable";
export type Code = SignInCode | ServiceCode | NetworkCode | (string & {});
export type Client = ReturnType<typeof createClient>;
