// A function of Lambda@Edge that lets in who has a token of the pool, made as the
// README of cognito-at-edge shows.

const { Authenticator } = require('cognito-at-edge');

const authenticator = new Authenticator({
  region: process.env.AWS_REGION,
  userPoolId: process.env.COGNITO_USER_POOL_ID,
  userPoolAppId: process.env.COGNITO_CLIENT_ID,
  userPoolDomain: 'shop.auth.eu-west-1.amazoncognito.com',
});

exports.handler = async (request) => authenticator.handle(request);
