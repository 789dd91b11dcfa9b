// Prints the templates of an example, of a production stack, and of one with all that
// there is to choose, with names for the binaries, as JSON, for tests of other
// programs: node dist/template.js

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import flags from 'aws-cdk-lib/recommended-feature-flags.json';
import { Code, type CodeConfig } from 'aws-cdk-lib/aws-lambda';
import { CustomAuthStack, type CustomAuthProps } from './stack';

class Named extends Code {
  readonly isInline = false;
  constructor(private readonly name: string) {
    super();
  }
  bind(): CodeConfig {
    return { s3Location: { bucketName: 'binaries', objectKey: this.name } };
  }
}

const template = (props: Partial<CustomAuthProps>) => Template.fromStack(new CustomAuthStack(new App({ context: flags }), 'CustomAuth', {
  code: { challenges: new Named('challenges'), postAuth: new Named('postauth'), rotation: new Named('rotation') },
  countries: 'US',
  ...props,
})).toJSON();
console.log(JSON.stringify({
  example: template({}),
  production: template({ production: true }),
  chosen: template({
    production: true,
    countries: 'DE,AT',
    plan: 'plus',
    senderId: 'Example',
    originationNumber: '+4915550001234',
    spendAlarm: 75,
    alarmEmail: 'ops@example.com',
  }),
}));
