// The CDK app: builds the Lambda binaries and puts one stack around them.
// Context switches (npx cdk deploy -c name=value) are read here and nowhere else.

import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildLambda } from './build';
import { CustomAuthStack } from './stack';

const app = new App();
const project = join(__dirname, '..'); // this file runs as dist/app.js

new CustomAuthStack(app, 'CustomAuth', {
  production: choice('production', 'false', 'true') === 'true',
  plan: choice('plan', 'essentials', 'plus'),
  countries: text('countries') ?? '',
  senderId: text('senderId'),
  originationNumber: text('originationNumber'),
  spendAlarm: number('spendAlarm'),
  alarmEmail: text('alarmEmail'),
  code: { challenges: build('.'), postAuth: build('./postauth'), rotation: build('./rotation') },
});

// build compiles one of the commands in lambda/.
function build(command: string): Code {
  return Code.fromAsset(buildLambda(join(project, 'lambda'), command, join(project, 'dist', 'lambda')));
}

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

// number reads a context value that is a number above 0.
function number(name: string): number | undefined {
  const value = text(name);
  if (value === undefined) return undefined;
  if (!(Number(value) > 0)) throw new Error(`context ${name} is "${value}", want a number`);
  return Number(value);
}
