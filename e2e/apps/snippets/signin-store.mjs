// docs: store
// A sign-in as a store: what is shown follows from { challenge, tokens, error, busy }.
export function createSignIn(client) {
  let state = { busy: true };
  const listeners = new Set();
  const set = (next) => {
    state = next;
    for (const listener of listeners) listener();
  };
  const run = async (work) => {
    if (state.busy && state.started) return; // a second press while the first is under way
    set({ ...state, busy: true, started: true });
    set(await work(state.challenge));
  };
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    resume: async () => set({ challenge: await client.resume() }),
    begin: (phone) => run(async () => {
      const { error } = await client.signUp(phone);
      if (error && error.code !== "account_exists") return { error };
      return client.signIn(phone);
    }),
    answer: (code) => run(async (challenge) => {
      const outcome = await client.answer(challenge, code);
      return outcome.error?.code === "session_ended" ? client.signIn(challenge.login) : outcome;
    }),
    resend: () => run((challenge) => client.resend(challenge)),
    choose: (way) => run((challenge) => client.choose(challenge, way)),
  };
}
// end
