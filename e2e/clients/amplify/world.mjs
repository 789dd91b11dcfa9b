// What the scripts here share: where the pool is, the texts that it sent, and
// Amplify, configured for it. The Go test in the folder above sets the variables.

import { Amplify } from 'aws-amplify';

export const { ENDPOINT, INBOX, POOL_ID, CLIENT_ID, PHONE, PASSWORD } = process.env;

Amplify.configure({
  Auth: { Cognito: { userPoolId: POOL_ID, userPoolClientId: CLIENT_ID, userPoolEndpoint: ENDPOINT } },
});

// codes returns the codes that went to an address, newest first.
export async function codes(to) {
  const response = await fetch(`${INBOX}/?to=${encodeURIComponent(to)}`);
  return response.json();
}

// texts returns the codes that the phone got, newest first.
export async function texts() {
  return codes(PHONE);
}

export async function rightCode() {
  return (await texts())[0];
}

export async function wrongCode() {
  return (await rightCode()) === '000000' ? '111111' : '000000';
}

// countdown waits until the user may ask for another code.
export async function countdown(parameters) {
  const seconds = Number(parameters.resendAfter);
  if (!(seconds <= 2)) throw new Error(`resendAfter is ${parameters.resendAfter}`);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

// profile asks the pool itself about an access token, and returns the error's
// name for one that is refused.
export async function profile(accessToken) {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.GetUser',
    },
    body: JSON.stringify({ AccessToken: accessToken }),
  });
  const body = await response.json();
  return response.ok ? body : body.__type;
}
