// What a page does with a link of package magiclink. An ES module without dependencies;
// serve it as it is, or import it into your bundle.
//
// The tab that asks for a link:
//
//	import { asked } from "./magiclink.js";
//	const pending = asked(challengeParameters, {
//	  onCode: (code) => confirmSignIn({ challengeResponse: code }), // a click in the link's tab
//	  resume: { username, session },                                // only if another tab may finish
//	});
//	… pending.done() when the sign-in ended, either way.
//
// The page that the link leads to:
//
//	import { arrived } from "./magiclink.js";
//	const link = arrived();
//	if (link?.here) button.onclick = async () => {
//	  const result = await link.finish();
//	  if (result.resume) … // no tab took it: answer with result.code and result.resume.session
//	};
//	else if (link) show(link.code); // to be typed where it was asked for
//
// Nothing here asks the network, and nothing happens without a click.

const prefix = "customauth.magiclink.";
const lifetime = 15 * 60 * 1000; // Cognito's sessions last no longer

/**
 * Remembers that this browser asked for a link, and waits for it. Call it for each
 * challenge whose parameters have "link", also after a resend or a wrong answer: the
 * session is then a new one.
 *
 * resume is what another tab needs to finish the sign-in when this one is gone, such as
 * the user name and Cognito's Session. It is kept in localStorage, so leave it out where
 * scripts of others run on your origin, or where the client library keeps the session to
 * itself, as Amplify does: the tab that asked must then be open.
 */
export function asked(parameters, { onCode, resume } = {}, env = globalThis) {
  const id = parameters.link;
  const { localStorage } = env;
  sweep(localStorage, env);
  localStorage.setItem(prefix + id, JSON.stringify({ until: now(env) + lifetime, resume }));
  const channel = onCode && new env.BroadcastChannel(prefix + id);
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (typeof data?.code !== "string") return;
      channel.postMessage({ taken: true });
      onCode(data.code);
    };
  }
  return {
    /** The sign-in ended: the link is of no use any more. */
    done() {
      channel?.close();
      localStorage.removeItem(prefix + id);
    },
    /** Another challenge follows in this tab: stop waiting for this one. */
    close() {
      channel?.close();
    },
  };
}

/**
 * Reads the link that led here, and takes the code out of the address bar and the
 * history. Returns undefined if it was none, or
 *
 *	code    what the message has as text
 *	here    whether this browser asked for it
 *	finish  to be called on a click, if here: hands the code to the tab that asked.
 *	        {taken: true} if that tab took it; else {code, resume}: resume is what
 *	        asked was given, and undefined if there is none: then show the code.
 */
export function arrived(env = globalThis) {
  const { location, history, localStorage } = env;
  const fragment = new URLSearchParams(location.hash.slice(1));
  const code = fragment.get("code");
  const id = fragment.get("link");
  if (!code || !id) return undefined;
  history.replaceState(history.state, "", location.pathname + location.search);
  const found = read(localStorage, prefix + id, env);
  return {
    code,
    here: found !== undefined,
    finish: () => finish(id, code, found, env),
  };
}

async function finish(id, code, found, env, wait = 1000) {
  if (!found) return { code };
  const channel = new env.BroadcastChannel(prefix + id);
  try {
    const taken = await new Promise((resolve) => {
      channel.onmessage = ({ data }) => data?.taken && resolve(true);
      env.setTimeout(() => resolve(false), wait);
      channel.postMessage({ code });
    });
    if (taken) return { taken: true };
  } finally {
    channel.close();
  }
  return { code, resume: found.resume };
}

function now(env) {
  return (env.Date ?? Date).now();
}

function read(storage, key, env) {
  try {
    const found = JSON.parse(storage.getItem(key));
    return found && found.until > now(env) ? found : undefined;
  } catch {
    return undefined;
  }
}

// sweep forgets what is too old.
function sweep(storage, env) {
  for (const key of Object.keys(storage)) {
    if (key.startsWith(prefix) && !read(storage, key, env)) storage.removeItem(key);
  }
}
