// Asserts the synthesised template: what would be deployed, property by property.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import flags from 'aws-cdk-lib/recommended-feature-flags.json';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { CustomAuthStack, type CustomAuthProps } from '../stack';

const project = join(__dirname, '..', '..'); // this file runs as dist/test/stack.test.js
const scratch = mkdtempSync(join(tmpdir(), 'customauth-cdk-'));
after(() => rmSync(scratch, { recursive: true }));

// The template does not depend on what the binary does: a stand-in will do.
const binary = mkdtempSync(join(scratch, 'code-'));
writeFileSync(join(binary, 'bootstrap'), 'a stand-in');

function synthesise(props: Partial<CustomAuthProps> = {}): Template {
  const code = () => Code.fromAsset(binary);
  return Template.fromStack(new CustomAuthStack(new App({ context: flags }), 'CustomAuth', {
    code: { challenges: code(), postAuth: code(), rotation: code() }, countries: 'US', ...props,
  }));
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

// called returns a function, and the statements of its role.
function called(template: Template, name: string) {
  const [id, fn] = Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => new RegExp(`^${name}[0-9A-F]{8}$`).test(id))!;
  const role: string = fn.Properties.Role['Fn::GetAtt'][0];
  return { id, properties: fn.Properties, role, dependsOn: fn.DependsOn as string[], statements: statements(template, role) };
}

// resource returns the logical id of a resource of the stack.
function resource(template: Template, type: string, name: string): string {
  const found = Object.keys(template.findResources(type)).filter((id) => new RegExp(`^${name}[0-9A-F]{8}$`).test(id));
  assert.equal(found.length, 1, `${type} ${name}`);
  return found[0]!;
}

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const functions = ['Challenges', 'PostAuth', 'Rotation'];

describe('user pool', () => {
  const template = synthesise();
  const [, { Properties: pool, DeletionPolicy, DependsOn }] = only(template, 'AWS::Cognito::UserPool');

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
  test('changes no number before it is proved', () => {
    assert.deepEqual(pool.UserAttributeUpdateSettings, { AttributesRequireVerificationBeforeUpdate: ['phone_number'] });
    assert.deepEqual(pool.AutoVerifiedAttributes, ['phone_number']); // Cognito wants both
  });
  test('has a role by which Cognito sends that code, and nothing else', () => {
    const role: string = pool.SmsConfiguration.SnsCallerArn['Fn::GetAtt'][0];
    assert.deepEqual(template.findResources('AWS::IAM::Role')[role]!.Properties.AssumeRolePolicyDocument.Statement, [{
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'cognito-idp.amazonaws.com' },
      Condition: { StringEquals: { 'sts:ExternalId': pool.SmsConfiguration.ExternalId, 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    }]);
    assert.deepEqual(statements(template, role), texts);
    assert.ok(DependsOn?.some((id) => id.startsWith('CognitoTextsDefaultPolicy')), `DependsOn: ${DependsOn}`);
  });
  test('names its plan', () => {
    assert.equal(pool.UserPoolTier, 'ESSENTIALS');
    assert.equal(pool.UserPoolAddOns, undefined);
  });
  test('is protected against threats where the plan has it', () => {
    const [, { Properties: plus }] = only(synthesise({ plan: 'plus' }), 'AWS::Cognito::UserPool');
    assert.equal(plus.UserPoolTier, 'PLUS');
    assert.deepEqual(plus.UserPoolAddOns, {
      AdvancedSecurityMode: 'ENFORCED', AdvancedSecurityAdditionalFlows: { CustomAuthMode: 'ENFORCED' },
    });
  });
  test('can be removed', () => {
    assert.equal(DeletionPolicy, 'Delete');
    assert.equal(pool.DeletionProtection, 'INACTIVE');
  });
});

test('app client', () => {
  const template = synthesise();
  const [pool] = only(template, 'AWS::Cognito::UserPool');
  const [, client] = only(template, 'AWS::Cognito::UserPoolClient');
  assert.deepEqual(client.Properties, {
    UserPoolId: { Ref: pool },
    GenerateSecret: false,
    ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH'],
    RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 10 },
    WriteAttributes: ['locale', 'name', 'phone_number'],
    PreventUserExistenceErrors: 'ENABLED',
    AuthSessionValidity: 15, // minutes
    EnableTokenRevocation: true,
    AllowedOAuthFlowsUserPoolClient: false,
    SupportedIdentityProviders: ['COGNITO'],
    AccessTokenValidity: 60,
    IdTokenValidity: 60,
    RefreshTokenValidity: 30 * 24 * 60,
    TokenValidityUnits: { AccessToken: 'minutes', IdToken: 'minutes', RefreshToken: 'minutes' },
  });
});

const texts = [
  { Sid: 'SendTexts', Effect: 'Allow', Action: 'sns:Publish', Resource: '*' },
  {
    Sid: 'PublishToPhonesOnly',
    Effect: 'Deny',
    Action: 'sns:Publish',
    Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':sns:*:*:*']] },
  },
];

describe('functions', () => {
  const template = synthesise();
  const key = resource(template, 'AWS::SecretsManager::Secret', 'Key');
  const counterKey = resource(template, 'AWS::SecretsManager::Secret', 'CounterKey');
  const [table] = only(template, 'AWS::DynamoDB::Table');
  const [pool, { Properties: poolProperties }] = only(template, 'AWS::Cognito::UserPool');
  const [client] = only(template, 'AWS::Cognito::UserPoolClient');
  const [challenges, postAuth, rotation] = functions.map((name) => called(template, name)) as [Called, Called, Called];
  type Called = ReturnType<typeof called>;
  const ownLog = (name: string) => ({
    Sid: 'WriteOwnLog',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: arn(resource(template, 'AWS::Logs::LogGroup', `${name}Log`)),
  });

  test('divide the triggers', () => {
    template.resourceCountIs('AWS::Lambda::Function', 3);
    assert.deepEqual(poolProperties.LambdaConfig, {
      PreSignUp: arn(challenges.id),
      DefineAuthChallenge: arn(challenges.id),
      CreateAuthChallenge: arn(challenges.id),
      VerifyAuthChallengeResponse: arn(challenges.id),
      PostAuthentication: {
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':lambda:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' },
          `:function:${postAuth.properties.FunctionName}`]],
      },
    });
  });
  test('run Go on arm64, 5 s at most', () => {
    for (const { properties } of [challenges, postAuth, rotation]) {
      assert.equal(properties.Runtime, 'provided.al2023');
      assert.equal(properties.Handler, 'bootstrap');
      assert.deepEqual(properties.Architectures, ['arm64']);
      assert.equal(properties.MemorySize, 512);
      assert.equal(properties.ReservedConcurrentExecutions, undefined);
    }
    assert.deepEqual([challenges, postAuth, rotation].map((f) => f.properties.Timeout), [5, 5, 30]);
  });
  test('are told names, and no key', () => {
    const common = { CUSTOMAUTH_COUNTER_SECRET: { Ref: counterKey }, CUSTOMAUTH_TABLE: { Ref: table }, GOMAXPROCS: '1' };
    assert.deepEqual(challenges.properties.Environment, {
      Variables: { ...common, CUSTOMAUTH_KEYS_SECRET: { Ref: key }, CUSTOMAUTH_COUNTRIES: 'US' },
    });
    assert.deepEqual(postAuth.properties.Environment, { Variables: { ...common, CUSTOMAUTH_CLIENT_IDS: { Ref: client } } });
    assert.equal(rotation.properties.Environment, undefined);
  });
  test('are told the settings for texts', () => {
    const chosen = called(synthesise({ countries: 'DE,AT', senderId: 'Example', originationNumber: '+4915550001234' }), 'Challenges');
    const { CUSTOMAUTH_COUNTRIES, CUSTOMAUTH_SENDER_ID, CUSTOMAUTH_ORIGINATION_NUMBER } = chosen.properties.Environment.Variables;
    assert.deepEqual(
      [CUSTOMAUTH_COUNTRIES, CUSTOMAUTH_SENDER_ID, CUSTOMAUTH_ORIGINATION_NUMBER], ['DE,AT', 'Example', '+4915550001234']);
  });
  test('are told real country codes', () => {
    for (const countries of ['', 'de', 'Germany', 'DE, AT', 'DE,']) {
      assert.throws(() => synthesise({ countries }), /country codes like DE,AT/);
    }
  });
  test('are called by this pool, or Secrets Manager of this account, only', () => {
    const byPool = (fn: Called) => ({
      Action: 'lambda:InvokeFunction', FunctionName: arn(fn.id), Principal: 'cognito-idp.amazonaws.com', SourceArn: arn(pool),
    });
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission')).map((p) => p.Properties);
    assert.deepEqual(permissions, [byPool(challenges), byPool(postAuth), {
      Action: 'lambda:InvokeFunction', FunctionName: arn(rotation.id), Principal: 'secretsmanager.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
    }]);
  });
  test('have these rights and no others', () => {
    for (const role of Object.values(template.findResources('AWS::IAM::Role'))) {
      assert.equal(role.Properties.ManagedPolicyArns, undefined);
      assert.equal(role.Properties.Policies, undefined);
    }
    assert.deepEqual(challenges.statements, [
      ownLog('Challenges'),
      { Sid: 'ReadKeys', Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: [{ Ref: counterKey }, { Ref: key }] },
      ...texts,
      {
        Sid: 'Count',
        Effect: 'Allow',
        Action: ['dynamodb:BatchGetItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
        Resource: arn(table),
      },
    ]);
    assert.deepEqual(postAuth.statements, [
      ownLog('PostAuth'),
      { Sid: 'ReadKeys', Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { Ref: counterKey } },
      { Sid: 'ReadProofs', Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: arn(table) },
      {
        Sid: 'MarkVerified',
        Effect: 'Allow',
        Action: ['cognito-idp:AdminUpdateUserAttributes', 'cognito-idp:AdminUserGlobalSignOut'],
        Resource: arn(pool),
      },
    ]);
    assert.deepEqual(rotation.statements, [
      ownLog('Rotation'),
      {
        Sid: 'RotateKeys',
        Effect: 'Allow',
        Action: [
          'secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage',
        ],
        Resource: { Ref: key },
      },
    ]);
  });
  test('have their rights before they run', () => {
    for (const [i, fn] of [challenges, postAuth, rotation].entries()) {
      assert.ok(fn.dependsOn.some((id) => id.startsWith(`${functions[i]}RoleDefaultPolicy`)), `DependsOn: ${fn.dependsOn}`);
    }
  });
  test('keep logs of their own for a month', () => {
    for (const [i, fn] of [challenges, postAuth, rotation].entries()) {
      const id = resource(template, 'AWS::Logs::LogGroup', `${functions[i]}Log`);
      const group = template.findResources('AWS::Logs::LogGroup')[id]!;
      assert.equal(group.Properties.RetentionInDays, 30);
      assert.equal(group.DeletionPolicy, 'Delete');
      assert.deepEqual(fn.properties.LoggingConfig, { LogGroup: { Ref: id } });
    }
  });
});

test('keys', () => {
  const template = synthesise();
  const secrets = Object.values(template.findResources('AWS::SecretsManager::Secret'));
  assert.equal(secrets.length, 2);
  for (const secret of secrets) {
    assert.deepEqual(secret.Properties.GenerateSecretString, { PasswordLength: 64, ExcludePunctuation: true });
    assert.equal(secret.Properties.SecretString, undefined);
    assert.equal(secret.DeletionPolicy, 'Delete');
  }
  assert.ok(!JSON.stringify(template.toJSON()).includes('resolve:secretsmanager'), 'the template copies the value of a secret');
});

test('the keys are changed each quarter, and the counter key never', () => {
  const template = synthesise();
  const [, { Properties: schedule }] = only(template, 'AWS::SecretsManager::RotationSchedule');
  assert.deepEqual(schedule, {
    SecretId: { Ref: resource(template, 'AWS::SecretsManager::Secret', 'Key') },
    RotationLambdaARN: arn(called(template, 'Rotation').id),
    RotationRules: { AutomaticallyAfterDays: 90 },
    RotateImmediatelyOnUpdate: false,
  });
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

describe('production', () => {
  const template = synthesise({ production: true, alarmEmail: 'ops@example.com' });
  const all = template.toJSON().Resources as Record<string, { Type: string; Properties: any; DeletionPolicy?: string }>;
  const ofType = (type: string) => Object.values(all).filter((r) => r.Type === type);

  test('keeps users, keys, counters and logs', () => {
    const kept = ['AWS::Cognito::UserPool', 'AWS::SecretsManager::Secret', 'AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'];
    assert.equal(kept.flatMap(ofType).length, 7);
    for (const r of kept.flatMap(ofType)) assert.equal(r.DeletionPolicy, 'Retain', r.Type);
    assert.equal(ofType('AWS::Cognito::UserPool')[0]!.Properties.DeletionProtection, 'ACTIVE');
    const [table] = ofType('AWS::DynamoDB::Table');
    assert.equal(table!.Properties.DeletionProtectionEnabled, true);
    assert.deepEqual(table!.Properties.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true });
    for (const log of ofType('AWS::Logs::LogGroup')) assert.equal(log.Properties.RetentionInDays, 365);
  });
  test('has a share of the concurrency', () => {
    assert.deepEqual(functions.map((f) => called(template, f).properties.ReservedConcurrentExecutions), [120, 40, undefined]);
  });
  test('has a firewall that counts what no trigger is told', () => {
    const [acl] = ofType('AWS::WAFv2::WebACL');
    const rules = acl!.Properties.Rules.map((r: any) => {
      const { Limit, AggregateKeyType, ScopeDownStatement: scope } = r.Statement.RateBasedStatement;
      const operations = (scope?.OrStatement?.Statements ?? (scope ? [scope] : []))
        .map((s: any) => [s.ByteMatchStatement.FieldToMatch.SingleHeader.Name, s.ByteMatchStatement.SearchString.split('.')[1]].join(' '));
      return [r.Name, Object.keys(r.Action)[0], AggregateKeyType, Limit, operations];
    });
    const texts = ['UpdateUserAttributes', 'GetUserAttributeVerificationCode', 'ResendConfirmationCode'].map((o) => `x-amz-target ${o}`);
    assert.deepEqual(rules, [
      ['SignUps', 'Block', 'IP', 50, ['x-amz-target SignUp']],
      ['SignIns', 'Block', 'IP', 200, ['x-amz-target InitiateAuth']],
      ['TextsByCognito', 'Block', 'IP', 20, texts],
      ['Everything', 'Block', 'IP', 1000, []],
      ['TextsByCognitoInAll', 'Block', 'CONSTANT', 100, texts],
    ]);
    const [association] = ofType('AWS::WAFv2::WebACLAssociation');
    assert.deepEqual(association!.Properties.ResourceArn, arn(only(template, 'AWS::Cognito::UserPool')[0]));
  });
  test('has alarms, which somebody gets', () => {
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    const alarms = ofType('AWS::CloudWatch::Alarm');
    for (const a of alarms) assert.deepEqual(a.Properties.AlarmActions, [{ Ref: topic }]);
    const of = alarms.map(({ Properties: p }) => {
      const dimensions = (p.Dimensions ?? []).filter((d: any) => typeof d.Value === 'string').map((d: any) => `${d.Name}=${d.Value}`);
      return [p.Namespace, p.MetricName, ...dimensions, p.Threshold].join(' ');
    }).sort();
    assert.deepEqual(of, [
      'AWS/DynamoDB ReadThrottleEvents 1', 'AWS/DynamoDB WriteThrottleEvents 1',
      'AWS/Lambda Errors 1', 'AWS/Lambda Errors 1', 'AWS/Lambda Errors 1',
      'AWS/Lambda Throttles 1', 'AWS/Lambda Throttles 1', 'AWS/Lambda Throttles 1',
      'AWS/SNS SMSMonthToDateSpentUSD 50',
      'CustomAuth Count Outcome=broken 1', 'CustomAuth Count Reason=mismatch 10', 'CustomAuth Count Reason=rate_limited 50',
      'CustomAuth CountryClosed 1',
    ]);
    // Without the first one CloudWatch could not publish: a policy replaces the default.
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      Topics: [{ Ref: topic }],
      PolicyDocument: {
        Statement: [{
          Sid: 'Alarms', Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish', Resource: { Ref: topic },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        }, {
          Sid: 'EncryptedOnly', Effect: 'Deny', Principal: '*', Action: 'sns:Publish', Resource: { Ref: topic },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }],
      },
    });
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
  });
  test('has the function write its metrics', () => {
    assert.equal(called(template, 'Challenges').properties.Environment.Variables.CUSTOMAUTH_METRICS, 'CustomAuth');
  });
  test('has a dashboard', () => template.resourceCountIs('AWS::CloudWatch::Dashboard', 1));
  test('is the only one that costs something while nobody signs in', () => {
    const example = synthesise();
    for (const type of ['AWS::WAFv2::WebACL', 'AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard']) example.resourceCountIs(type, 0);
  });
});

describe('account', () => {
  const origin = 'https://app.example.com';
  const accountPage = (change: object = {}) => ({ code: Code.fromAsset(binary), origin, ...change });
  const template = synthesise({ accountPage: accountPage() });
  const account = called(template, 'Account');
  const table = resource(template, 'AWS::DynamoDB::Table', 'Credentials');
  const counters = resource(template, 'AWS::DynamoDB::Table', 'Counters');
  const [pool] = only(template, 'AWS::Cognito::UserPool');
  const [client] = only(template, 'AWS::Cognito::UserPoolClient');
  const [credentialKey, accountKey] = ['CredentialKey', 'AccountKey'].map((name) => resource(template, 'AWS::SecretsManager::Secret', name));

  test('is not there by default', () => {
    const without = synthesise();
    without.resourceCountIs('AWS::Lambda::Url', 0);
    assert.ok(!JSON.stringify(without.toJSON()).match(/Account[0-9A-F]{8}|Credential/));
  });
  test('changes nothing else of the stack', () => {
    const { Resources: before } = synthesise({ production: true }).toJSON();
    const { Resources: after } = synthesise({ production: true, accountPage: accountPage() }).toJSON();
    for (const [id, definition] of Object.entries(before)) assert.deepEqual(after[id], definition, id);
    const added = Object.keys(after).filter((id) => !(id in before)).map((id) => id.replace(/[0-9A-F]{8}$/, '')).sort();
    assert.deepEqual(added, [
      'Account', 'AccountBrokenAlarm', 'AccountErrorsAlarm', 'AccountFunctionUrl', 'AccountKey', 'AccountLog', 'AccountRole',
      'AccountRoleDefaultPolicy', 'AccountThrottlesAlarm', 'Accountinvokefunction', 'Accountinvokefunctionurl', 'CredentialKey', 'Credentials',
    ]);
  });
  test('is asked by pages of the app alone', () => {
    const [, { Properties: url }] = only(template, 'AWS::Lambda::Url');
    assert.deepEqual(url, {
      TargetFunctionArn: arn(account.id),
      AuthType: 'NONE',
      InvokeMode: 'RESPONSE_STREAM',
      Cors: {
        AllowOrigins: [origin],
        AllowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
        AllowHeaders: ['authorization', 'content-type'],
        ExposeHeaders: ['retry-after', 'www-authenticate'],
        MaxAge: 3600,
      },
    });
    assert.deepEqual(template.toJSON().Outputs.AccountUrl, { Value: { 'Fn::GetAtt': [only(template, 'AWS::Lambda::Url')[0], 'FunctionUrl'] } });
  });
  test('is called by its address alone', () => {
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission')).map((p) => p.Properties)
      .filter((p) => p.FunctionName['Fn::GetAtt'][0] === account.id);
    assert.deepEqual(permissions, [
      { Action: 'lambda:InvokeFunctionUrl', FunctionName: arn(account.id), Principal: '*', FunctionUrlAuthType: 'NONE' },
      { Action: 'lambda:InvokeFunction', FunctionName: arn(account.id), Principal: '*', InvokedViaFunctionUrl: true },
    ]);
  });
  test('is told names, and no key', () => {
    assert.deepEqual(account.properties.Environment.Variables, {
      CUSTOMAUTH_ISSUER: { 'Fn::GetAtt': [pool, 'ProviderURL'] },
      CUSTOMAUTH_CLIENT_IDS: { Ref: client },
      CUSTOMAUTH_ORIGIN: origin,
      CUSTOMAUTH_RP_ID: 'app.example.com',
      CUSTOMAUTH_SITE: 'app.example.com',
      CUSTOMAUTH_CREDENTIALS_TABLE: { Ref: table },
      CUSTOMAUTH_CREDENTIAL_SECRET: { Ref: credentialKey },
      CUSTOMAUTH_ACCOUNT_SECRET: { Ref: accountKey },
      CUSTOMAUTH_TABLE: { Ref: counters },
      CUSTOMAUTH_COUNTRIES: 'US',
      GOMAXPROCS: '1',
    });
    assert.equal(account.properties.Timeout, 15);
  });
  test('has these rights and no others', () => {
    const allowed = (sid: string, resource: object | object[], ...actions: string[]) =>
      ({ Sid: sid, Effect: 'Allow', Action: actions.length === 1 ? actions[0] : actions, Resource: resource });
    assert.deepEqual(account.statements, [
      allowed('WriteOwnLog', arn(resource(template, 'AWS::Logs::LogGroup', 'AccountLog')), 'logs:CreateLogStream', 'logs:PutLogEvents'),
      allowed('ReadKeys', [{ Ref: accountKey }, { Ref: credentialKey }], 'secretsmanager:GetSecretValue'),
      allowed('Enrol', arn(table), 'dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:Query'),
      allowed('Count', arn(counters), 'dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'),
      ...texts,
    ]);
  });
  test('keeps what users enrol in a table of its own, without an end', () => {
    assert.deepEqual(template.findResources('AWS::DynamoDB::Table')[table]!.Properties, {
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'sk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
    });
  });
  test('seals it with a key that no schedule changes', () => {
    const [, { Properties: schedule }] = only(template, 'AWS::SecretsManager::RotationSchedule');
    assert.deepEqual(schedule.SecretId, { Ref: resource(template, 'AWS::SecretsManager::Secret', 'Key') });
  });
  test('is kept in production', () => {
    const production = synthesise({ production: true, accountPage: accountPage() });
    const kept = production.findResources('AWS::DynamoDB::Table')[table]!;
    assert.equal(kept.DeletionPolicy, 'Retain');
    assert.equal(kept.Properties.DeletionProtectionEnabled, true);
    assert.deepEqual(kept.Properties.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true });
    for (const id of [credentialKey, accountKey]) assert.equal(production.findResources('AWS::SecretsManager::Secret')[id!]!.DeletionPolicy, 'Retain');
    const log = production.findResources('AWS::Logs::LogGroup')[resource(production, 'AWS::Logs::LogGroup', 'AccountLog')]!;
    assert.deepEqual([log.DeletionPolicy, log.Properties.RetentionInDays], ['Retain', 365]);
    assert.equal(called(production, 'Account').properties.ReservedConcurrentExecutions, 10);
  });
  test('takes the domain of passkeys, and a name', () => {
    const of = (change: object) => called(synthesise({ accountPage: accountPage(change) }), 'Account').properties.Environment.Variables;
    const { CUSTOMAUTH_RP_ID, CUSTOMAUTH_SITE } = of({ rpId: 'example.com', site: 'Example' });
    assert.deepEqual([CUSTOMAUTH_RP_ID, CUSTOMAUTH_SITE], ['example.com', 'Example']);
    assert.equal(of({ origin: 'http://localhost:3000' }).CUSTOMAUTH_RP_ID, 'localhost');
  });
  test('refuses an origin or a domain that cannot be', () => {
    for (const wrong of ['*', 'app.example.com', 'http://app.example.com', 'https://app.example.com/', 'https://*.example.com', 'https://a.com,https://b.com']) {
      assert.throws(() => synthesise({ accountPage: accountPage({ origin: wrong }) }), /want one like https:/, wrong);
    }
    for (const rpId of ['example.org', 'ample.com', 'www.app.example.com']) {
      assert.throws(() => synthesise({ accountPage: accountPage({ rpId }) }), /a domain above it/, rpId);
    }
  });
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

test('cdk synth builds the functions for Lambda, without an account', () => {
  const out = join(scratch, 'out');
  const said = synth(out, { account: 'true', origin: 'https://app.example.com' });
  assert.doesNotMatch(said, /feature flags/);
  const assets = JSON.parse(readFileSync(join(out, 'CustomAuth.assets.json'), 'utf8'));
  const folders = Object.values<any>(assets.files).filter((f) => f.source.packaging === 'zip').map((f) => f.source.path);
  assert.equal(folders.length, 4, 'binaries');
  const { Resources: resources } = JSON.parse(readFileSync(join(out, 'CustomAuth.template.json'), 'utf8'));
  const commands = { Challenges: 'lambda', PostAuth: 'lambda/postauth', Rotation: 'lambda/rotation', Account: 'account' };
  for (const [name, command] of Object.entries(commands)) {
    const [, fn] = Object.entries<any>(resources).find(([id]) => new RegExp(`^${name}[0-9A-F]{8}$`).test(id))!;
    const elf = readFileSync(join(out, assets.files[fn.Properties.Code.S3Key.replace('.zip', '')].source.path, 'bootstrap'));
    assert.ok(elf.includes(`path\tgithub.com/cyber-eternal/customauth/examples/cdk/${command}\n`), `${name} is not built of ${command}`);
  }
  for (const folder of folders) {
    const elf = readFileSync(join(out, folder, 'bootstrap'));
    assert.equal(elf.toString('latin1', 0, 4), '\x7fELF');
    assert.equal(elf.readUInt16LE(18), 183, 'the machine of the binary, 183 being aarch64');
  }
});

test('a switch with an unknown value stops the app', () => {
  for (const context of [{ plan: 'lite' }, { production: 'yes' }, { spendAlarm: 'much' }, { account: 'yes' }, { account: 'true' }]) {
    const app = spawnSync(process.execPath, ['dist/app.js'], {
      cwd: project, env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context) }, encoding: 'utf8',
    });
    assert.notEqual(app.status, 0);
    assert.match(app.stderr, /context (plan is "lite", want essentials or plus|production is "yes", want false or true|spendAlarm is "much", want a number|account is "yes", want false or true|origin is missing)/);
  }
});

test('cfn-lint', { skip: hasCfnLint() ? false : 'cfn-lint is not installed' }, () => {
  const files = [false, true].map((production) => {
    const file = join(scratch, `${production}.json`);
    const accountPage = { code: Code.fromAsset(binary), origin: 'https://app.example.com' };
    writeFileSync(file, JSON.stringify(synthesise({ production, accountPage, plan: production ? 'plus' : 'essentials' }).toJSON()));
    return file;
  });
  // W3005: CDK writes a DependsOn where a reference says the same already.
  const lint = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', ...files], { encoding: 'utf8' });
  assert.equal(lint.status, 0, lint.stdout + lint.stderr);
});

// synth runs the CDK's command line with no credentials and no configuration, and returns
// what it says.
function synth(out: string, context: Record<string, string>): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && !name.startsWith('CDK_')));
  const cdk = spawnSync(
    join(project, 'node_modules', '.bin', 'cdk'),
    ['synth', '--quiet', '--app', 'node dist/app.js', '--output', out, ...Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      cwd: project,
      env: {
        ...env,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  );
  assert.equal(cdk.status, 0, cdk.stderr);
  return cdk.stderr;
}

function hasCfnLint(): boolean {
  return spawnSync('cfn-lint', ['--version']).status === 0;
}
