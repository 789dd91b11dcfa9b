// The CDK app: builds the Lambda binary and puts one stack around it.
// Context switches (npx cdk deploy -c name=value) are read here and nowhere else.

import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildLambda } from './build';
import { CustomAuthStack } from './stack';

const app = new App();
const project = join(__dirname, '..'); // this file runs as dist/app.js

new CustomAuthStack(app, 'CustomAuth', {
  functions: choice('functions', 'one', 'three'),
  keepUsers: choice('keepUsers', 'false', 'true') === 'true',
  countries: text('countries') ?? '',
  senderId: text('senderId'),
  originationNumber: text('originationNumber'),
  code: Code.fromAsset(buildLambda(join(project, 'lambda'), join(project, 'dist', 'lambda'))),
});

// text reads a context value, which is a string on the command line and may be
// anything in cdk.json.
function text(name: string): string | undefined {
  const value: unknown = app.node.tryGetContext(name);
  return value === undefined ? undefined : String(value);
}

// choice reads a context value that is one of a few. The first is the default.
function choice<T extends string>(name: string, ...allowed: [T, ...T[]]): T {
  const value = text(name) ?? allowed[0];
  const found = allowed.find((a) => a === value);
  if (!found) throw new Error(`context ${name} is "${value}", want ${allowed.join(' or ')}`);
  return found;
}
