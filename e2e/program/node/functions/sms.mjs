// A code by SMS, as Cognito's developer guide and its samples write it: three
// functions and one for sign-up, in one file.

import { randomInt } from 'node:crypto';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';

const sns = new SNSClient();
const validity = 2 * 60 * 1000;
let texts = 0; // of this process

export const define = async (event) => {
  const { session } = event.request;
  const last = session.at(-1);
  event.response.issueTokens = last?.challengeResult === true;
  event.response.failAuthentication = !event.response.issueTokens && session.length >= 3;
  if (!event.response.issueTokens && !event.response.failAuthentication) event.response.challengeName = 'CUSTOM_CHALLENGE';
  return event;
};

export const create = async (event) => {
  const { session, userAttributes, userNotFound } = event.request;
  let secret = session.at(-1)?.challengeMetadata;
  if (!secret) {
    secret = `${randomInt(100000, 1000000)}-${Date.now() + validity}`;
    if (!userNotFound) {
      texts += 1;
      await sns.send(new PublishCommand({
        PhoneNumber: userAttributes.phone_number,
        Message: `Your code is ${secret.split('-')[0]}`,
      }));
    }
  }
  event.response.publicChallengeParameters = { texts: String(texts) };
  event.response.privateChallengeParameters = { secret };
  event.response.challengeMetadata = secret;
  return event;
};

export const verify = async (event) => {
  const [code, expires] = event.request.privateChallengeParameters.secret.split('-');
  event.response.answerCorrect = event.request.challengeAnswer === code && Date.now() < Number(expires);
  return event;
};

// A handler of the first years: it calls back.
export const signUp = (event, context, callback) => {
  event.response.autoConfirmUser = true;
  event.response.autoVerifyPhone = true;
  setImmediate(() => callback(null, event));
};
