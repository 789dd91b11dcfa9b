// Prints the templates of an example and of a production stack, with a stand-in for
// the binaries, as a JSON list, for tests of other programs: node dist/template.js

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { CustomAuthStack } from './stack';

const folder = mkdtempSync(join(tmpdir(), 'customauth-cdk-'));
writeFileSync(join(folder, 'bootstrap'), 'a stand-in');
const code = () => Code.fromAsset(folder);
const templates = [false, true].map((production) => Template.fromStack(new CustomAuthStack(new App(), 'CustomAuth', {
  code: { challenges: code(), postAuth: code(), rotation: code() },
  countries: 'US',
  production,
})).toJSON());
console.log(JSON.stringify(templates));
rmSync(folder, { recursive: true });
