// Package cognitotest is an Amazon Cognito user pool in this process, for tests
// of custom authentication triggers, as net/http/httptest is a server for tests
// of HTTP handlers.
package cognitotest
