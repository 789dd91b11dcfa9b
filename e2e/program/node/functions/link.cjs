// A link by e-mail, in CommonJS. The token in it is kept as a digest.

const { createHash, randomBytes, timingSafeEqual } = require('node:crypto');
const { SESv2Client, SendEmailCommand } = require('@aws-sdk/client-sesv2');

const ses = new SESv2Client();
const digest = (text) => createHash('sha256').update(text).digest();

exports.define = async (event) => {
  const last = event.request.session.at(-1);
  event.response.issueTokens = last?.challengeResult === true;
  event.response.failAuthentication = last?.challengeResult === false;
  event.response.challengeName = 'CUSTOM_CHALLENGE';
  return event;
};

exports.create = async (event) => {
  const token = randomBytes(32).toString('base64url');
  const expires = Date.now() + 10 * 60 * 1000;
  await ses.send(new SendEmailCommand({
    FromEmailAddress: 'Shop <hello@shop.example>',
    Destination: { ToAddresses: [event.request.userAttributes.email] },
    Content: { Simple: {
      Subject: { Data: 'Sign in to the shop' },
      Body: { Html: { Data: `<p><a href="https://shop.example/in?u=${event.userName}&amp;t=${token}">Sign in</a></p>` } },
    } },
  }));
  event.response.publicChallengeParameters = { sent: 'true' };
  event.response.privateChallengeParameters = { digest: digest(token).toString('hex'), expires: String(expires) };
  return event;
};

exports.verify = async (event) => {
  const { digest: want, expires } = event.request.privateChallengeParameters;
  const same = timingSafeEqual(digest(event.request.challengeAnswer), Buffer.from(want, 'hex'));
  event.response.answerCorrect = same && Date.now() < Number(expires);
  return event;
};
