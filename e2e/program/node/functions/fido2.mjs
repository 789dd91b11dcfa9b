// A passkey: the user's public key is an attribute, the answer an assertion as
// navigator.credentials.get returns it (WebAuthn, 7.2), with ES256.

import { createHash, createPublicKey, randomBytes, verify as verifySignature } from 'node:crypto';

const rp = 'shop.example';

export const define = async (event) => {
  const last = event.request.session.at(-1);
  event.response.issueTokens = last?.challengeResult === true;
  event.response.failAuthentication = event.request.session.length >= 3 && !event.response.issueTokens;
  event.response.challengeName = 'CUSTOM_CHALLENGE';
  return event;
};

export const create = async (event) => {
  const challenge = randomBytes(32).toString('base64url');
  event.response.publicChallengeParameters = { fido2options: JSON.stringify({ challenge, rpId: rp, userVerification: 'required' }) };
  event.response.privateChallengeParameters = { challenge };
  return event;
};

export const verify = async (event) => {
  event.response.answerCorrect = proved(event);
  return event;
};

function proved({ request }) {
  const bytes = (text) => Buffer.from(text, 'base64url');
  const answer = JSON.parse(request.challengeAnswer);
  const client = JSON.parse(bytes(answer.clientDataJSON));
  const data = bytes(answer.authenticatorData);
  const rpHash = createHash('sha256').update(rp).digest();
  const [present, verified] = [0x01, 0x04];
  return client.type === 'webauthn.get'
    && client.challenge === request.privateChallengeParameters.challenge
    && client.origin === `https://${rp}`
    && data.subarray(0, 32).equals(rpHash)
    && (data[32] & (present | verified)) === (present | verified)
    && verifySignature(
      'sha256',
      Buffer.concat([data, createHash('sha256').update(bytes(answer.clientDataJSON)).digest()]),
      createPublicKey({ key: bytes(request.userAttributes['custom:publicKey']), format: 'der', type: 'spki' }),
      bytes(answer.signature),
    );
}
