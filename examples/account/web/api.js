// The requests to the account: /account/… and /transfers, with an access token.

/**
 * call sends one. Data is what came back; error is a word, with retryAfter in seconds;
 * and need says what sign-in is missing (RFC 9470).
 */
export async function call(method, path, token, body) {
  let response, data;
  try {
    response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    data = response.status === 204 ? undefined : await response.json();
  } catch {
    return { error: { code: "unreachable" } };
  }
  if (response.ok) return { data };
  const error = { code: data.error, retryAfter: Number(response.headers.get("retry-after")) || 0 };
  if (error.code !== "insufficient_user_authentication") return { error };
  return { error, need: need(response.headers.get("www-authenticate") ?? "") };
}

// need reads the challenge of RFC 9470, section 3.
function need(header) {
  const value = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(header)?.[1] ?? 0);
  return { level: value("acr_values"), maxAge: value("max_age") };
}
