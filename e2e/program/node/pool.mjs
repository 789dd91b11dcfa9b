// What the tests here share: the pool of the program, told by its variables.

import assert from 'node:assert/strict';
import {
  CognitoIdentityProviderClient, InitiateAuthCommand, RespondToAuthChallengeCommand,
} from '@aws-sdk/client-cognito-identity-provider';

export const { COGNITO_CLIENT_ID: ClientId, COGNITO_USER_POOL_ID: UserPoolId, COGNITO_TEST_URL } = process.env;

// The SDK finds the pool by AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER.
export const cognito = new CognitoIdentityProviderClient();

export async function control(method, path, body) {
  const response = await fetch(`${COGNITO_TEST_URL}/${path}`, { method, body: body && JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(response.ok, answer.error);
  return answer;
}

export const begin = (USERNAME) => cognito.send(new InitiateAuthCommand({
  AuthFlow: 'CUSTOM_AUTH', ClientId, AuthParameters: { USERNAME },
}));

export const answer = (step, ANSWER) => cognito.send(new RespondToAuthChallengeCommand({
  ClientId, ChallengeName: step.ChallengeName, Session: step.Session,
  ChallengeResponses: { USERNAME: step.ChallengeParameters.USERNAME, ANSWER },
}));
