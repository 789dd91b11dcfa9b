// The app under test: a page that signs in by itself, with fetch alone.

import http from 'node:http';

const page = `<!doctype html><meta charset="utf-8"><title>Shop</title>
<form id="start"><label>Phone <input name="phone"></label><button>Sign in</button></form>
<form id="answer" hidden><label>Code <input name="code"></label><button>Send</button></form>
<p role="status"></p>
<script type="module">
const endpoint = ${JSON.stringify(process.env.COGNITO_ENDPOINT)}, ClientId = ${JSON.stringify(process.env.COGNITO_CLIENT_ID)};
const status = document.querySelector('[role=status]'), start = document.querySelector('#start'), form = document.querySelector('#answer');
async function call(operation, body) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSCognitoIdentityProviderService.' + operation },
    body: JSON.stringify({ ClientId, ...body }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.__type);
  return answer;
}
let step;
async function show(next) {
  try {
    step = await next();
    form.hidden = !step.Session;
    if (step.Session) status.textContent = status.textContent === 'Enter the code' ? 'Wrong code' : 'Enter the code';
    else {
      const user = await call('GetUser', { AccessToken: step.AuthenticationResult.AccessToken });
      status.textContent = 'Welcome ' + user.UserAttributes.find((a) => a.Name === 'phone_number').Value;
    }
  } catch (error) {
    form.hidden = true;
    status.textContent = error.message;
  }
}
start.onsubmit = (event) => {
  event.preventDefault();
  const USERNAME = new FormData(start).get('phone');
  show(async () => {
    try {
      await call('SignUp', { Username: USERNAME, Password: 'Made-up-1-password' });
    } catch (error) {
      if (error.message !== 'UsernameExistsException') throw error;
    }
    return call('InitiateAuth', { AuthFlow: 'CUSTOM_AUTH', AuthParameters: { USERNAME } });
  });
};
form.onsubmit = (event) => {
  event.preventDefault();
  show(() => call('RespondToAuthChallenge', {
    ChallengeName: 'CUSTOM_CHALLENGE', Session: step.Session,
    ChallengeResponses: { USERNAME: step.ChallengeParameters.USERNAME, ANSWER: new FormData(form).get('code') },
  }));
};
</script>`;

http.createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(page);
}).listen(Number(process.env.APP_PORT), '127.0.0.1');
