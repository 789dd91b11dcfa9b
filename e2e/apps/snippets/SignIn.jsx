// docs: component
import { useSyncExternalStore } from "react";

export function SignIn({ signIn }) {
  const { challenge, tokens, error, busy } = useSyncExternalStore(signIn.subscribe, signIn.get, signIn.get);
  const submit = (action) => (event) => {
    event.preventDefault();
    action(new FormData(event.currentTarget).get("value"));
  };
  if (tokens) return <p>You are signed in.</p>;
  return challenge ? (
    <form key="code" onSubmit={submit(signIn.answer)} aria-busy={busy}>
      {error && <p role="alert">{error.code}</p>}
      <input name="value" inputMode="numeric" autoComplete="one-time-code" maxLength={challenge.codeLength || undefined} required autoFocus />
      <button>Sign in</button>
      <button type="button" onClick={signIn.resend}>Send a new code</button>
      {challenge.ways.map((way) => <button key={way} type="button" onClick={() => signIn.choose(way)}>{way}</button>)}
    </form>
  ) : (
    <form key="phone" onSubmit={submit(signIn.begin)} aria-busy={busy}>
      {error && <p role="alert">{error.code}</p>}
      <input name="value" type="tel" autoComplete="tel" placeholder="+12065550100" required />
      <button>Continue</button>
    </form>
  );
}
// end
