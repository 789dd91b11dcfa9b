// The CDK app: builds the Lambda binaries and puts one stack around them.
// Context switches (npx cdk deploy -c name=value) are read here and nowhere else.

import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import flags from 'aws-cdk-lib/recommended-feature-flags.json';
import { buildLambda } from './build';
import { CustomAuthStack, type AccountPage } from './stack';

// The CDK's recommended settings: without, each command says that they are not set.
const app = new App({ context: flags });
const project = join(__dirname, '..'); // this file runs as dist/app.js

new CustomAuthStack(app, 'CustomAuth', {
  production: choice('production', 'false', 'true') === 'true',
  plan: choice('plan', 'essentials', 'plus'),
  countries: text('countries') ?? '',
  senderId: text('senderId'),
  originationNumber: text('originationNumber'),
  spendAlarm: number('spendAlarm'),
  alarmEmail: text('alarmEmail'),
  accountPage: choice('account', 'false', 'true') === 'true' ? accountPage() : undefined,
  code: {
    challenges: build('lambda', '.', 'challenges'),
    postAuth: build('lambda', './postauth', 'postauth'),
    rotation: build('lambda', './rotation', 'rotation'),
  },
});

// accountPage is asked for by -c account=true.
function accountPage(): AccountPage {
  const origin = text('origin');
  if (!origin) throw new Error('context origin is missing: with account=true it is where your app runs, like https://app.example.com');
  return { code: build('account', '.', 'account'), origin, rpId: text('rpId'), site: text('site') };
}

// build compiles a command of one of the Go modules here.
function build(module: string, command: string, name: string): Code {
  return Code.fromAsset(buildLambda(join(project, module), command, join(project, 'dist', 'lambda', name)));
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
