// Asserts the synthesised template: what would be deployed, property by property.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { CustomAuthStack, type CustomAuthProps } from '../stack';

const project = join(__dirname, '..', '..'); // this file runs as dist/test/stack.test.js
const scratch = mkdtempSync(join(tmpdir(), 'customauth-cdk-'));
after(() => rmSync(scratch, { recursive: true }));

// The template does not depend on what the binary does: a stand-in will do.
const binary = mkdtempSync(join(scratch, 'code-'));
writeFileSync(join(binary, 'bootstrap'), 'a stand-in');

function synthesise(props: Partial<CustomAuthProps> = {}): Template {
  return Template.fromStack(new CustomAuthStack(new App(), 'CustomAuth', { code: Code.fromAsset(binary), countries: 'US', ...props }));
}

type Resource = { Properties: any; DeletionPolicy?: string; DependsOn?: string[] };

// only returns the logical id and the definition of the one resource of a type.
function only(template: Template, type: string): [string, Resource] {
  const found = Object.entries(template.findResources(type)) as [string, Resource][];
  assert.equal(found.length, 1, `resources of type ${type}`);
  return found[0]!;
}

// statements returns every IAM statement of a role's policies.
function statements(template: Template, role: string): any[] {
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => policy.Properties.Roles.some((r: any) => r.Ref === role))
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement);
}

// trigger returns the function that the pool calls for a trigger: its
// properties, and the statements of its role, by Sid.
function trigger(template: Template, name: string) {
  const [, pool] = only(template, 'AWS::Cognito::UserPool');
  const id: string = pool.Properties.LambdaConfig[name]['Fn::GetAtt'][0];
  const fn = template.findResources('AWS::Lambda::Function')[id]!;
  const role: string = fn.Properties.Role['Fn::GetAtt'][0];
  return { id, properties: fn.Properties, role, statements: statements(template, role) };
}

const triggers = [
  'DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse', 'PreSignUp', 'PostAuthentication',
];

describe('user pool', () => {
  const template = synthesise();
  const [, { Properties: pool, DeletionPolicy }] = only(template, 'AWS::Cognito::UserPool');

  test('signs in by phone number', () => {
    assert.deepEqual(pool.UsernameAttributes, ['phone_number']);
    assert.equal(pool.AliasAttributes, undefined);
    assert.deepEqual(pool.Schema, [{ Name: 'phone_number', Required: true, Mutable: true }]);
  });
  test('lets people sign up themselves', () => {
    assert.deepEqual(pool.AdminCreateUserConfig, { AllowAdminCreateUserOnly: false });
  });
  test('recovers no passwords', () => {
    assert.deepEqual(pool.AccountRecoverySetting, { RecoveryMechanisms: [{ Name: 'admin_only', Priority: 1 }] });
  });
  test('has no second factor of its own', () => {
    assert.equal(pool.MfaConfiguration, 'OFF');
    assert.equal(pool.EnabledMfas, undefined);
  });
  test('sends no texts of its own', () => {
    assert.deepEqual(pool.AutoVerifiedAttributes, []);
    assert.equal(pool.SmsConfiguration, undefined);
  });
  test('can be removed', () => {
    assert.equal(DeletionPolicy, 'Delete');
    assert.equal(pool.DeletionProtection, 'INACTIVE');
  });
  test('keeps its users with keepUsers', () => {
    const [, kept] = only(synthesise({ keepUsers: true }), 'AWS::Cognito::UserPool');
    assert.equal(kept.DeletionPolicy, 'Retain');
    assert.equal(kept.Properties.DeletionProtection, 'ACTIVE');
  });
});

test('app client', () => {
  const template = synthesise();
  const [pool] = only(template, 'AWS::Cognito::UserPool');
  const [, client] = only(template, 'AWS::Cognito::UserPoolClient');
  assert.deepEqual(client.Properties, {
    UserPoolId: { Ref: pool },
    GenerateSecret: false,
    ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    PreventUserExistenceErrors: 'ENABLED',
    AuthSessionValidity: 3, // minutes
    EnableTokenRevocation: true,
    AllowedOAuthFlowsUserPoolClient: false,
    SupportedIdentityProviders: ['COGNITO'],
    AccessTokenValidity: 60,
    IdTokenValidity: 60,
    RefreshTokenValidity: 30 * 24 * 60,
    TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'minutes', RefreshToken: 'minutes' },
  });
});

describe('one function', () => {
  const template = synthesise();
  const [key] = only(template, 'AWS::SecretsManager::Secret');
  const [table] = only(template, 'AWS::DynamoDB::Table');
  const [pool] = only(template, 'AWS::Cognito::UserPool');
  const [log] = only(template, 'AWS::Logs::LogGroup');
  const [fn, { Properties: properties }] = only(template, 'AWS::Lambda::Function');

  test('answers every trigger', () => {
    const [, { Properties }] = only(template, 'AWS::Cognito::UserPool');
    assert.deepEqual(Properties.LambdaConfig, Object.fromEntries(triggers.map((t) => [t, { 'Fn::GetAtt': [fn, 'Arn'] }])));
  });
  test('runs the Go binary on arm64, 5 s at most', () => {
    assert.equal(properties.Runtime, 'provided.al2023');
    assert.equal(properties.Handler, 'bootstrap');
    assert.deepEqual(properties.Architectures, ['arm64']);
    assert.equal(properties.Timeout, 5);
    assert.equal(properties.MemorySize, 512);
  });
  test('is told names, and no key', () => {
    assert.deepEqual(properties.Environment, {
      Variables: {
        CUSTOMAUTH_KEYS_SECRET: { Ref: key },
        CUSTOMAUTH_TABLE: { Ref: table },
        CUSTOMAUTH_COUNTRIES: 'US',
        GOMAXPROCS: '1',
      },
    });
  });
  test('is told the settings for texts', () => {
    const [, chosen] = only(
      synthesise({ countries: 'DE,AT', senderId: 'Example', originationNumber: '+4915550001234' }), 'AWS::Lambda::Function');
    const { CUSTOMAUTH_COUNTRIES, CUSTOMAUTH_SENDER_ID, CUSTOMAUTH_ORIGINATION_NUMBER } = chosen.Properties.Environment.Variables;
    assert.deepEqual(
      [CUSTOMAUTH_COUNTRIES, CUSTOMAUTH_SENDER_ID, CUSTOMAUTH_ORIGINATION_NUMBER], ['DE,AT', 'Example', '+4915550001234']);
  });
  test('is told real country codes', () => {
    for (const countries of ['', 'de', 'Germany', 'DE, AT', 'DE,']) {
      assert.throws(() => synthesise({ countries }), /country codes like DE,AT/);
    }
  });
  test('is called by this pool only', () => {
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
    assert.equal(permissions.length, triggers.length);
    for (const permission of permissions) {
      assert.deepEqual(permission.Properties, {
        Action: 'lambda:InvokeFunction',
        FunctionName: { 'Fn::GetAtt': [fn, 'Arn'] },
        Principal: 'cognito-idp.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': [pool, 'Arn'] },
      });
    }
  });
  test('has these rights and no others', () => {
    const [role, { Properties: roleProperties }] = only(template, 'AWS::IAM::Role');
    assert.equal(roleProperties.ManagedPolicyArns, undefined);
    assert.equal(roleProperties.Policies, undefined);
    assert.deepEqual(roleProperties.AssumeRolePolicyDocument.Statement, [
      { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
    ]);
    assert.deepEqual(statements(template, role), [
      {
        Sid: 'WriteOwnLog',
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: { 'Fn::GetAtt': [log, 'Arn'] },
      },
      { Sid: 'ReadKey', Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { Ref: key } },
      { Sid: 'SendTexts', Effect: 'Allow', Action: 'sns:Publish', Resource: '*' },
      {
        Sid: 'PublishToPhonesOnly',
        Effect: 'Deny',
        Action: 'sns:Publish',
        Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':sns:*:*:*']] },
      },
      {
        Sid: 'Count',
        Effect: 'Allow',
        Action: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
        Resource: { 'Fn::GetAtt': [table, 'Arn'] },
      },
      {
        Sid: 'MarkVerified',
        Effect: 'Allow',
        Action: ['cognito-idp:AdminUpdateUserAttributes', 'cognito-idp:DescribeUserPoolClient'],
        Resource: { 'Fn::GetAtt': [pool, 'Arn'] },
      },
    ]);
  });
  test('has its rights before it runs', () => {
    const [, { DependsOn }] = only(template, 'AWS::Lambda::Function');
    assert.ok(DependsOn?.some((id) => id.startsWith('TriggersRoleDefaultPolicy')), `DependsOn: ${DependsOn}`);
  });
  test('keeps its log for a month', () => {
    const [, group] = only(template, 'AWS::Logs::LogGroup');
    assert.equal(group.Properties.RetentionInDays, 30);
    assert.equal(group.DeletionPolicy, 'Delete');
    assert.deepEqual(properties.LoggingConfig, { LogGroup: { Ref: log } });
  });
});

describe('three functions', () => {
  const template = synthesise({ functions: 'three' });
  const byTrigger = Object.fromEntries(triggers.map((t) => [t, trigger(template, t)]));
  const sids = (name: string) => byTrigger[name]!.statements.map((s) => s.Sid);

  test('divide the triggers', () => {
    template.resourceCountIs('AWS::Lambda::Function', 3);
    template.resourceCountIs('AWS::IAM::Role', 3);
    template.resourceCountIs('AWS::Logs::LogGroup', 3);
    assert.equal(new Set(triggers.map((t) => byTrigger[t]!.id)).size, 3);
    assert.equal(byTrigger.PreSignUp!.id, byTrigger.DefineAuthChallenge!.id);
    assert.equal(byTrigger.PostAuthentication!.id, byTrigger.VerifyAuthChallengeResponse!.id);
  });
  test('are set up alike', () => {
    const setUp = ({ Role, LoggingConfig, ...rest }: any) => rest; // each has its own of these
    const [first, ...others] = Object.values(template.findResources('AWS::Lambda::Function')).map((f) => setUp(f.Properties));
    for (const other of others) assert.deepEqual(other, first);
    assert.equal(first.Timeout, 5);
    assert.equal(first.Environment.Variables.GOMAXPROCS, '1');
  });
  test('divide the rights', () => {
    assert.deepEqual(sids('DefineAuthChallenge'), ['WriteOwnLog', 'ReadKey']);
    assert.deepEqual(sids('CreateAuthChallenge'), ['WriteOwnLog', 'ReadKey', 'SendTexts', 'PublishToPhonesOnly', 'Count']);
    assert.deepEqual(sids('VerifyAuthChallengeResponse'), ['WriteOwnLog', 'ReadKey', 'Count', 'MarkVerified']);
  });
  test('write one log each', () => {
    const groups = triggers.slice(0, 3).map((t) => byTrigger[t]!.properties.LoggingConfig.LogGroup.Ref);
    assert.equal(new Set(groups).size, 3);
    for (const [i, t] of triggers.slice(0, 3).entries()) {
      assert.deepEqual(byTrigger[t]!.statements[0].Resource, { 'Fn::GetAtt': [groups[i], 'Arn'] });
    }
  });
});

test('key', () => {
  const template = synthesise();
  const [, secret] = only(template, 'AWS::SecretsManager::Secret');
  assert.deepEqual(secret.Properties.GenerateSecretString, { PasswordLength: 64, ExcludePunctuation: true });
  assert.equal(secret.Properties.SecretString, undefined);
  assert.equal(secret.DeletionPolicy, 'Delete');
  const text = JSON.stringify(template.toJSON());
  assert.ok(!text.includes('resolve:secretsmanager'), 'the template copies the value of the secret');
});

test('table of counters', () => {
  const [, table] = only(synthesise(), 'AWS::DynamoDB::Table');
  assert.deepEqual(table.Properties, {
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
    TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    SSESpecification: { SSEEnabled: true },
  });
  assert.equal(table.DeletionPolicy, 'Delete');
});

test('outputs', () => {
  const template = synthesise();
  const [pool] = only(template, 'AWS::Cognito::UserPool');
  const [client] = only(template, 'AWS::Cognito::UserPoolClient');
  assert.deepEqual(template.toJSON().Outputs, {
    UserPoolId: { Value: { Ref: pool } },
    ClientId: { Value: { Ref: client } },
    Region: { Value: { Ref: 'AWS::Region' } },
  });
});

test('cdk synth builds the function for Lambda, without an account', () => {
  const out = join(scratch, 'out');
  synth(out);
  const assets = JSON.parse(readFileSync(join(out, 'CustomAuth.assets.json'), 'utf8'));
  const folders = Object.values<any>(assets.files).filter((f) => f.source.packaging === 'zip').map((f) => f.source.path);
  assert.equal(folders.length, 1, 'one binary, uploaded once');
  const elf = readFileSync(join(out, folders[0], 'bootstrap'));
  assert.equal(elf.toString('latin1', 0, 4), '\x7fELF');
  assert.equal(elf.readUInt16LE(18), 183, 'the machine of the binary, 183 being aarch64');
});

test('a switch with an unknown value stops the app', () => {
  for (const context of [{ functions: '3' }, { keepUsers: 'yes' }]) {
    const app = spawnSync(process.execPath, ['dist/app.js'], {
      cwd: project, env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context) }, encoding: 'utf8',
    });
    assert.notEqual(app.status, 0);
    assert.match(app.stderr, /context (functions is "3", want one or three|keepUsers is "yes", want false or true)/);
  }
});

test('cfn-lint', { skip: hasCfnLint() ? false : 'cfn-lint is not installed' }, () => {
  const files = (['one', 'three'] as const).map((functions) => {
    const file = join(scratch, `${functions}.json`);
    writeFileSync(file, JSON.stringify(synthesise({ functions, keepUsers: functions === 'three' }).toJSON()));
    return file;
  });
  // W3005: CDK writes a DependsOn where a reference says the same already.
  const lint = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', ...files], { encoding: 'utf8' });
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
});

// synth runs the CDK's command line with no credentials and no configuration.
function synth(out: string): void {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && !name.startsWith('CDK_')));
  execFileSync(
    join(project, 'node_modules', '.bin', 'cdk'),
    ['synth', '--quiet', '--app', 'node dist/app.js', '--output', out],
    {
      cwd: project,
      env: {
        ...env,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

function hasCfnLint(): boolean {
  return spawnSync('cfn-lint', ['--version']).status === 0;
}
