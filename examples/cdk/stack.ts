// The stack: a user pool whose users sign in with their phone number and a code
// by SMS, the functions that Cognito calls for it, the keys, and the table that
// counts texts and guesses. What watches over it in production is in watch.ts.

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { firewall, watch } from './watch';

export interface CustomAuthProps extends StackProps {
  /** Folders or zips with a Go binary each, named bootstrap. */
  readonly code: { readonly challenges: lambda.Code; readonly postAuth: lambda.Code; readonly rotation: lambda.Code };

  /** The countries that texts may go to, as ISO 3166 codes: "DE,AT". */
  readonly countries: string;

  /** Sender ID of the texts, 3 to 11 letters and digits, where the country allows one. */
  readonly senderId?: string;

  /** A phone number of the account, in E.164 form, that texts are sent from. */
  readonly originationNumber?: string;

  /**
   * For a pool that has real users. What is kept in it survives the stack; the
   * functions have a share of the account's concurrency; logs last a year; a
   * firewall, alarms and a dashboard are there.
   * Default false, so that one command removes the example, and it costs nothing
   * while nobody signs in.
   */
  readonly production?: boolean;

  /**
   * Cognito's feature plan. 'plus' turns threat protection on, which costs more for
   * each user (https://aws.amazon.com/cognito/pricing/). Lite lacks refresh-token
   * rotation. Default 'essentials'.
   */
  readonly plan?: 'essentials' | 'plus';

  /** What texts may cost in a month, in USD, before an alarm goes off. Default 50. */
  readonly spendAlarm?: number;

  /** Who gets the alarms by e-mail, and has to confirm that once. */
  readonly alarmEmail?: string;

  /** Serves users' accounts, where they add and remove ways to sign in. Default: not. */
  readonly accountPage?: AccountPage;
}

export interface AccountPage {
  /** A folder or zip with a Go binary, named bootstrap. */
  readonly code: lambda.Code;

  /** Where the app runs, and the only place whose pages may ask: "https://app.example.com". */
  readonly origin: string;

  /**
   * The domain that passkeys are bound to, for ever: the host of the origin, or a
   * domain above it ("example.com"). Default the host of the origin.
   */
  readonly rpId?: string;

  /** What browsers and authenticator apps call the site. Default rpId. */
  readonly site?: string;
}

/**
 * How long an app has for an answer. Codes live 3 minutes (OTP.TTL), and a session
 * that ended with them could not ask for another: the longest is the right one.
 * Cognito allows 3 to 15 minutes.
 */
const sessionLifetime = Duration.minutes(15);

/**
 * How many instances each function may have in production: enough for 120 calls
 * of Cognito a second (its default quota for sign-ins), a second each, and a bound
 * on what a flood costs. An account has 1,000 for all functions of a region as a
 * rule; new ones have fewer and must ask first.
 */
const concurrency = { challenges: 120, postAuth: 40, account: 10 };

export class CustomAuthStack extends Stack {
  constructor(scope: Construct, id: string, private readonly props: CustomAuthProps) {
    super(scope, id, props);
    if (!/^[A-Z]{2}(,[A-Z]{2})*$/.test(props.countries)) {
      throw new Error(`countries is "${props.countries}", want country codes like DE,AT`);
    }
    const keys = this.key('Key', 'Keys of customauth: base64, newest first, separated by commas.');
    const counterKey = this.key('CounterKey', 'The counter key of customauth, in base64. With another one all counters begin afresh.');
    const table = this.counters();

    const environment: Record<string, string> = {
      CUSTOMAUTH_COUNTER_SECRET: counterKey.secretArn, // names, never values
      CUSTOMAUTH_TABLE: table.tableName,
      GOMAXPROCS: '1', // measured: a tenth less of a cold start, a quarter less of a warm call
    };
    const challenges = this.triggerFunction('Challenges', props.code.challenges, concurrency.challenges, [keys, counterKey], {
      ...environment,
      ...this.textSettings,
      CUSTOMAUTH_KEYS_SECRET: keys.secretArn,
      ...(props.production ? { CUSTOMAUTH_METRICS: this.stackName } : {}), // see watch.ts; CloudWatch bills them
    });
    this.allowTexts(challenges.role!);
    this.allow(challenges, 'Count', ['dynamodb:BatchGetItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'], table.tableArn);

    // The pool names this function by its ARN as a text, and not by reference: the
    // function is told the app client, which is the pool's, and so comes after it.
    const postAuthName = `${this.stackName}-PostAuth`;
    const pool = this.userPool(challenges, `arn:${this.partition}:lambda:${this.region}:${this.account}:function:${postAuthName}`);
    const client = this.appClient(pool);
    const postAuth = this.triggerFunction('PostAuth', props.code.postAuth, concurrency.postAuth, [counterKey], {
      ...environment,
      CUSTOMAUTH_CLIENT_IDS: client.userPoolClientId,
    }, postAuthName);
    this.allow(postAuth, 'ReadProofs', ['dynamodb:GetItem'], table.tableArn);
    this.allow(postAuth, 'MarkVerified', ['cognito-idp:AdminUpdateUserAttributes', 'cognito-idp:AdminUserGlobalSignOut'], pool.userPoolArn);
    for (const [name, fn] of Object.entries({ Challenges: challenges, PostAuth: postAuth })) {
      new lambda.CfnPermission(this, `${name}FromPool`, {
        action: 'lambda:InvokeFunction',
        functionName: fn.functionArn,
        principal: 'cognito-idp.amazonaws.com',
        sourceArn: pool.userPoolArn,
      });
    }

    const rotation = this.rotation(keys);
    const account = props.accountPage && this.accountFunction(props.accountPage, pool, client, table);
    if (props.production) {
      firewall(this, pool.userPoolArn);
      watch(this, {
        functions: { Challenges: challenges, PostAuth: postAuth, Rotation: rotation, ...(account ? { Account: account } : {}) },
        table,
        spend: props.spendAlarm ?? 50,
        email: props.alarmEmail,
      });
    }
    new CfnOutput(this, 'UserPoolId', { value: pool.userPoolId });
    new CfnOutput(this, 'ClientId', { value: client.userPoolClientId });
    new CfnOutput(this, 'Region', { value: this.region });
  }

  /** Where texts may go, and what they are sent as. */
  private get textSettings(): Record<string, string> {
    const { countries, senderId, originationNumber } = this.props;
    return {
      CUSTOMAUTH_COUNTRIES: countries,
      ...(senderId ? { CUSTOMAUTH_SENDER_ID: senderId } : {}),
      ...(originationNumber ? { CUSTOMAUTH_ORIGINATION_NUMBER: originationNumber } : {}),
    };
  }

  /** Whether what holds data goes with the stack. */
  private get removal(): RemovalPolicy {
    return this.props.production ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  }

  /**
   * A key that Secrets Manager makes up, and that the functions read when they
   * start, so it is neither in the template nor in the functions' configuration,
   * which many more people may read.
   *
   * The library takes keys in base64. 64 random letters and digits are valid
   * base64: a key of 48 bytes that holds 381 bits of randomness.
   */
  private key(id: string, description: string): secretsmanager.Secret {
    return new secretsmanager.Secret(this, id, {
      description,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: this.removal,
    });
  }

  /**
   * The counters of texts and guesses, and what accounts proved. Its items are
   * HMACs and times: no phone number, no name. It is encrypted with the KMS key
   * that AWS manages for DynamoDB in this account, whose use shows in CloudTrail.
   * In production it can be put back to any second of the last 35 days: without it
   * accounts that are locked would be open again, and proofs forgotten.
   */
  private counters(): dynamodb.Table {
    return this.table('Counters', { timeToLiveAttribute: 'expires' });
  }

  private table(id: string, props: Pick<dynamodb.TableProps, 'sortKey' | 'timeToLiveAttribute'>): dynamodb.Table {
    return new dynamodb.Table(this, id, {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      encryption: dynamodb.TableEncryption.AWS_MANAGED,
      removalPolicy: this.removal,
      ...(this.props.production ? {
        deletionProtection: true,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      } : {}),
      ...props,
    });
  }

  private userPool(challenges: lambda.Function, postAuth: string): cognito.UserPool {
    const smsRole = this.smsRole();
    const pool = new cognito.UserPool(this, 'Users', {
      featurePlan: this.props.plan === 'plus' ? cognito.FeaturePlan.PLUS : cognito.FeaturePlan.ESSENTIALS,
      ...(this.props.plan === 'plus' ? {
        standardThreatProtectionMode: cognito.StandardThreatProtectionMode.FULL_FUNCTION,
        customThreatProtectionMode: cognito.CustomThreatProtectionMode.FULL_FUNCTION,
      } : {}),
      signInAliases: { phone: true },
      standardAttributes: { phoneNumber: { required: true, mutable: true } },
      selfSignUpEnabled: true,
      // Nobody has a password that is worth recovering, and recovery is another
      // way into an account: Cognito's own texts, with Cognito's own limits.
      accountRecovery: cognito.AccountRecovery.NONE,
      // The code is the proof. Cognito's own second factor would ask for another.
      mfa: cognito.Mfa.OFF,
      // A number that is changed must be proved first. Otherwise somebody changes
      // hers to a stranger's, who later proves it by a code and is then in her
      // account. Cognito sends that one code, and only for that: whoever signs up is
      // confirmed by the trigger, gets nothing from Cognito, and proves the number
      // by the first sign-in.
      autoVerify: { phone: true },
      keepOriginal: { phone: true },
      userVerification: { smsMessage: '{####} is the code that confirms your new phone number.' },
      smsRole,
      smsRoleExternalId: this.stackName,
      deletionProtection: this.props.production ?? false,
      removalPolicy: this.removal,
    });
    pool.node.addDependency(smsRole); // Cognito refuses a role that may not send
    // By hand, because addTrigger takes a function by reference alone.
    (pool.node.defaultChild as cognito.CfnUserPool).lambdaConfig = {
      preSignUp: challenges.functionArn,
      defineAuthChallenge: challenges.functionArn,
      createAuthChallenge: challenges.functionArn,
      verifyAuthChallengeResponse: challenges.functionArn,
      postAuthentication: postAuth,
    };
    return pool;
  }

  /** The role by which Cognito sends the code that proves a changed number. */
  private smsRole(): iam.Role {
    const role = new iam.Role(this, 'CognitoTexts', {
      description: 'Cognito sends the code that proves a changed phone number',
      assumedBy: new iam.ServicePrincipal('cognito-idp.amazonaws.com', {
        conditions: { StringEquals: { 'sts:ExternalId': this.stackName, 'aws:SourceAccount': this.account } },
      }),
    });
    this.allowTexts(role);
    return role;
  }

  private appClient(pool: cognito.UserPool): cognito.UserPoolClient {
    return pool.addClient('App', {
      generateSecret: false, // apps and pages cannot keep one
      // ALLOW_CUSTOM_AUTH alone: each other flow is another door. Tokens are
      // refreshed by GetTokensFromRefreshToken, which each time gives a new refresh
      // token and ends the old one.
      authFlows: { custom: true },
      refreshTokenRotationGracePeriod: Duration.seconds(10), // for a request whose answer was lost
      // What people say of themselves at sign-up. An e-mail address is not among it:
      // nothing here proves one.
      writeAttributes: new cognito.ClientAttributes().withStandardAttributes({ phoneNumber: true, fullname: true, locale: true }),
      preventUserExistenceErrors: true,
      authSessionValidity: sessionLifetime,
      enableTokenRevocation: true,
      disableOAuth: true, // no hosted pages, no redirects
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(30),
    });
  }

  /**
   * A function that Cognito calls, with a role of its own, which may write its own
   * log and read its keys, and nothing else yet.
   */
  private triggerFunction(
    name: string, code: lambda.Code, reserved: number, keys: secretsmanager.Secret[], environment: Record<string, string>, functionName?: string,
  ): lambda.Function {
    const fn = this.function(name, {
      description: 'Cognito triggers of customauth',
      functionName,
      code,
      // Cognito stops waiting after 5 s and calls again: work beyond that is lost.
      timeout: Duration.seconds(5),
      environment,
      ...(this.props.production ? { reservedConcurrentExecutions: reserved } : {}),
    });
    this.allow(fn, 'ReadKeys', ['secretsmanager:GetSecretValue'], ...keys.map((key) => key.secretArn));
    return fn;
  }

  private function(
    name: string, props: Pick<lambda.FunctionProps, 'description' | 'functionName' | 'code' | 'timeout' | 'environment' | 'reservedConcurrentExecutions'>,
  ): lambda.Function {
    const log = new logs.LogGroup(this, `${name}Log`, {
      retention: this.props.production ? logs.RetentionDays.ONE_YEAR : logs.RetentionDays.ONE_MONTH,
      removalPolicy: this.removal,
    });
    // Not AWSLambdaBasicExecutionRole: that one may write every log of the account.
    const role = new iam.Role(this, `${name}Role`, { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const fn = new lambda.Function(this, name, {
      handler: 'bootstrap',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: lambda.Architecture.ARM_64,
      // Memory buys CPU: 512 MB are 0.29 of a core, so the two or three TLS
      // handshakes of a first call take tens of milliseconds, where 128 MB would
      // make hundreds of them. The calls of a sign-in cost some millionths of a
      // dollar then, and its text about a thousand times as much.
      memorySize: 512,
      role,
      logGroup: log,
      ...props,
    });
    this.allow(fn, 'WriteOwnLog', ['logs:CreateLogStream', 'logs:PutLogEvents'], log.logGroupArn);
    return fn;
  }

  private allow(fn: lambda.Function, sid: string, actions: string[], ...resources: string[]): void {
    fn.addToRolePolicy(new iam.PolicyStatement({ sid, actions, resources }));
  }

  /**
   * Texts to phone numbers, and nothing to topics or devices. In a policy the
   * resource of a text is the bare phone number, which is no ARN and so cannot be
   * named: only "*" matches it. Everything else that can be published to has an
   * ARN. An Allow with NotResource would say the same in one statement, but a Deny
   * holds even when somebody gives the role more rights later.
   */
  private allowTexts(role: iam.IRole): void {
    role.addToPrincipalPolicy(new iam.PolicyStatement({
      sid: 'SendTexts',
      actions: ['sns:Publish'],
      resources: ['*'],
    }));
    role.addToPrincipalPolicy(new iam.PolicyStatement({
      sid: 'PublishToPhonesOnly',
      effect: iam.Effect.DENY,
      actions: ['sns:Publish'],
      resources: [`arn:${this.partition}:sns:*:*:*`],
    }));
  }

  /**
   * Changes the keys each quarter, and on demand (aws secretsmanager rotate-secret).
   * The counter key is never changed.
   */
  private rotation(keys: secretsmanager.Secret): lambda.Function {
    const fn = this.function('Rotation', {
      description: 'Changes the keys of customauth',
      code: this.props.code.rotation,
      timeout: Duration.seconds(30),
    });
    this.allow(fn, 'RotateKeys', [
      'secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage',
    ], keys.secretArn);
    const allowed = new lambda.CfnPermission(this, 'RotationFromSecretsManager', {
      action: 'lambda:InvokeFunction',
      functionName: fn.functionArn,
      principal: 'secretsmanager.amazonaws.com',
      sourceAccount: this.account,
    });
    new secretsmanager.CfnRotationSchedule(this, 'RotationSchedule', {
      secretId: keys.secretArn,
      rotationLambdaArn: fn.functionArn,
      rotationRules: { automaticallyAfterDays: 90 },
      rotateImmediatelyOnUpdate: false,
    }).addResourceDependency(allowed);
    return fn;
  }

  /**
   * The account of signed-in users, over HTTPS. Whoever asks shows an access token of
   * the app client: Lambda lets everybody in (authType NONE), and the function does
   * not. What users enrol is in a table of its own, which the sign-in cannot read
   * until its owner adds a step that asks for it (see README.md).
   */
  private accountFunction(page: AccountPage, pool: cognito.UserPool, client: cognito.UserPoolClient, counters: dynamodb.Table): lambda.Function {
    const host = originHost(page.origin);
    const rpId = page.rpId ?? host;
    if (host !== rpId && !host.endsWith(`.${rpId}`)) {
      throw new Error(`rpId is "${rpId}", want ${host} or a domain above it`);
    }
    // Never rotated by a schedule: what is enrolled lasts for years, and is lost with its key.
    const credentialKey = this.key('CredentialKey', 'Seals what users enrol: base64, newest first, separated by commas. Without it they lose it.');
    const accountKey = this.key('AccountKey', 'Seals enrolments under way, for ten minutes.');
    const credentials = this.table('Credentials', { sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING } });
    const fn = this.function('Account', {
      description: 'The account of signed-in users: how they sign in',
      code: page.code,
      timeout: Duration.seconds(15), // Cognito and the notice have 3 s each
      environment: {
        ...this.textSettings,
        CUSTOMAUTH_ISSUER: pool.userPoolProviderUrl,
        CUSTOMAUTH_CLIENT_IDS: client.userPoolClientId,
        CUSTOMAUTH_ORIGIN: page.origin,
        CUSTOMAUTH_RP_ID: rpId,
        CUSTOMAUTH_SITE: page.site ?? rpId,
        CUSTOMAUTH_CREDENTIALS_TABLE: credentials.tableName,
        CUSTOMAUTH_CREDENTIAL_SECRET: credentialKey.secretArn,
        CUSTOMAUTH_ACCOUNT_SECRET: accountKey.secretArn,
        CUSTOMAUTH_TABLE: counters.tableName,
        GOMAXPROCS: '1',
      },
      ...(this.props.production ? { reservedConcurrentExecutions: concurrency.account } : {}),
    });
    this.allow(fn, 'ReadKeys', ['secretsmanager:GetSecretValue'], credentialKey.secretArn, accountKey.secretArn);
    this.allow(fn, 'Enrol', ['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:Query'], credentials.tableArn);
    this.allow(fn, 'Count', ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'], counters.tableArn);
    this.allowTexts(fn.role!);
    const url = fn.addFunctionUrl({
      authType: lambda.FunctionUrlAuthType.NONE,
      invokeMode: lambda.InvokeMode.RESPONSE_STREAM, // what lambdaurl answers in
      cors: {
        allowedOrigins: [page.origin],
        allowedMethods: [lambda.HttpMethod.GET, lambda.HttpMethod.POST, lambda.HttpMethod.PATCH, lambda.HttpMethod.DELETE],
        allowedHeaders: ['authorization', 'content-type'],
        exposedHeaders: ['retry-after', 'www-authenticate'],
        maxAge: Duration.hours(1),
      },
    });
    new CfnOutput(this, 'AccountUrl', { value: url.url });
    return fn;
  }
}

/** The host of an origin: https, or http on this machine, where passkeys work too. */
function originHost(origin: string): string {
  const host = /^(?:https:\/\/([a-z0-9.-]+)|http:\/\/(localhost))(?::\d+)?$/.exec(origin);
  if (!host) throw new Error(`origin is "${origin}", want one like https://app.example.com, or http://localhost:3000`);
  return host[1] ?? host[2]!;
}
