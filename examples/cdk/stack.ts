// The stack: a user pool whose users sign in with their phone number and a code
// by SMS, the function that Cognito calls for it, the key that seals a sign-in's
// state, and the table that counts texts and guesses.

import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

export interface CustomAuthProps extends StackProps {
  /** A folder or zip with the Go binary, named bootstrap. */
  readonly code: lambda.Code;

  /**
   * 'one': every trigger in one function, so that a sign-in meets one cold start
   * at most. 'three': Define, Create and Verify in functions of their own, each
   * with no more rights than it needs. Default 'one'.
   */
  readonly functions?: 'one' | 'three';

  /**
   * Keep the user pool, and its users, when the stack is deleted, and refuse to
   * delete it otherwise. Default false, so that one command removes the example.
   */
  readonly keepUsers?: boolean;

  /** The countries that texts may go to, as ISO 3166 codes: "DE,AT". */
  readonly countries: string;

  /** Sender ID of the texts, 3 to 11 letters and digits, where the country allows one. */
  readonly senderId?: string;

  /** A phone number of the account, in E.164 form, that texts are sent from. */
  readonly originationNumber?: string;
}

/**
 * How long a code lives in the library (OTP.TTL, 3 minutes by default). The app
 * client's session must live as long: shorter, and it cuts off a code that is
 * still valid; longer, and it outlives every code. Cognito allows 3 to 15 minutes.
 */
const codeLifetime = Duration.minutes(3);

export class CustomAuthStack extends Stack {
  constructor(scope: Construct, id: string, props: CustomAuthProps) {
    super(scope, id, props);
    if (!/^[A-Z]{2}(,[A-Z]{2})*$/.test(props.countries)) {
      throw new Error(`countries is "${props.countries}", want country codes like DE,AT`);
    }

    const secret = this.key();
    const table = this.counters();
    const pool = this.userPool(props.keepUsers ?? false);
    const client = this.appClient(pool);

    const environment: Record<string, string> = {
      CUSTOMAUTH_KEYS_SECRET: secret.secretArn, // its name, never its value
      CUSTOMAUTH_TABLE: table.tableName,
      CUSTOMAUTH_COUNTRIES: props.countries,
      GOMAXPROCS: '1', // measured: a tenth less of a cold start, a quarter less of a warm call
    };
    if (props.senderId) environment.CUSTOMAUTH_SENDER_ID = props.senderId;
    if (props.originationNumber) environment.CUSTOMAUTH_ORIGINATION_NUMBER = props.originationNumber;

    const make = (name: string) => this.triggerFunction(name, props.code, environment, secret);
    const one = props.functions !== 'three' ? make('Triggers') : undefined;
    const define = one ?? make('Define');
    const create = one ?? make('Create');
    const verify = one ?? make('Verify');

    this.allowTexts(create);
    this.allowCounting(table, new Set([create, verify]));
    this.allowMarkingVerified(pool, verify);

    pool.addTrigger(cognito.UserPoolOperation.DEFINE_AUTH_CHALLENGE, define);
    pool.addTrigger(cognito.UserPoolOperation.CREATE_AUTH_CHALLENGE, create);
    pool.addTrigger(cognito.UserPoolOperation.VERIFY_AUTH_CHALLENGE_RESPONSE, verify);
    pool.addTrigger(cognito.UserPoolOperation.PRE_SIGN_UP, define); // needs no rights: goes where there are the fewest
    pool.addTrigger(cognito.UserPoolOperation.POST_AUTHENTICATION, verify);

    new CfnOutput(this, 'UserPoolId', { value: pool.userPoolId });
    new CfnOutput(this, 'ClientId', { value: client.userPoolClientId });
    new CfnOutput(this, 'Region', { value: this.region });
  }

  /**
   * The key that seals a sign-in's state. Secrets Manager makes it up, and the
   * function reads it when it starts, so it is neither in the template nor in the
   * function's configuration, which many more people may read.
   *
   * The library takes keys in base64. 64 random letters and digits are valid
   * base64: a key of 48 bytes that holds 381 bits of randomness.
   *
   * It goes with the stack: all that is lost with it is the sign-ins under way.
   */
  private key(): secretsmanager.Secret {
    return new secretsmanager.Secret(this, 'Key', {
      description: 'Keys of customauth: base64, newest first, separated by commas.',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  /**
   * The counters of texts and guesses. Its items are HMACs and times: no phone
   * number, no name. It is encrypted with the KMS key that AWS manages for DynamoDB
   * in this account, whose use shows in CloudTrail. It goes with the stack, and has no backups: a
   * count is worth a day at most, and an account that is locked is locked by the
   * pool that goes too.
   */
  private counters(): dynamodb.Table {
    return new dynamodb.Table(this, 'Counters', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires',
      encryption: dynamodb.TableEncryption.AWS_MANAGED,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private userPool(keep: boolean): cognito.UserPool {
    return new cognito.UserPool(this, 'Users', {
      signInAliases: { phone: true },
      standardAttributes: { phoneNumber: { required: true, mutable: true } },
      selfSignUpEnabled: true,
      // Nobody has a password that is worth recovering, and recovery is another
      // way into an account: Cognito's own texts, with Cognito's own limits.
      accountRecovery: cognito.AccountRecovery.NONE,
      // The code is the proof. Cognito's own second factor would ask for another.
      mfa: cognito.Mfa.OFF,
      // Verified by the code itself, in the post authentication trigger. Cognito
      // sends nothing, so it needs no role for SMS.
      autoVerify: { phone: false },
      enableSmsRole: false,
      deletionProtection: keep,
      removalPolicy: keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  private appClient(pool: cognito.UserPool): cognito.UserPoolClient {
    return pool.addClient('App', {
      generateSecret: false, // apps and pages cannot keep one
      authFlows: { custom: true }, // ALLOW_CUSTOM_AUTH; CDK adds ALLOW_REFRESH_TOKEN_AUTH
      preventUserExistenceErrors: true,
      authSessionValidity: codeLifetime,
      enableTokenRevocation: true,
      disableOAuth: true, // no hosted pages, no redirects
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.days(30),
    });
  }

  /**
   * A function with a role of its own, which may write its own log and read the
   * key, and nothing else yet.
   */
  private triggerFunction(
    name: string, code: lambda.Code, environment: Record<string, string>, secret: secretsmanager.Secret,
  ): lambda.Function {
    const log = new logs.LogGroup(this, `${name}Log`, {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Not AWSLambdaBasicExecutionRole: that one may write every log of the account.
    const role = new iam.Role(this, `${name}Role`, {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    role.addToPolicy(new iam.PolicyStatement({
      sid: 'WriteOwnLog',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [log.logGroupArn],
    }));
    role.addToPolicy(new iam.PolicyStatement({
      sid: 'ReadKey',
      actions: ['secretsmanager:GetSecretValue'],
      resources: [secret.secretArn],
    }));
    return new lambda.Function(this, name, {
      description: 'Cognito triggers of customauth',
      code,
      handler: 'bootstrap',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: lambda.Architecture.ARM_64,
      // Cognito stops waiting after 5 s and calls again: work beyond that is lost.
      timeout: Duration.seconds(5),
      // Memory buys CPU: 512 MB are 0.29 of a core, so the two or three TLS
      // handshakes of a first call take tens of milliseconds, where 128 MB would
      // make hundreds of them. The calls of a sign-in cost some millionths of a
      // dollar then, and its text about a thousand times as much.
      memorySize: 512,
      environment,
      role,
      logGroup: log,
    });
  }

  /**
   * Texts to phone numbers, and nothing to topics or devices. In a policy the
   * resource of a text is the bare phone number, which is no ARN and so cannot be
   * named: only "*" matches it. Everything else that can be published to has an
   * ARN. An Allow with NotResource would say the same in one statement, but a Deny
   * holds even when somebody gives the role more rights later.
   */
  private allowTexts(fn: lambda.Function): void {
    fn.addToRolePolicy(new iam.PolicyStatement({
      sid: 'SendTexts',
      actions: ['sns:Publish'],
      resources: ['*'],
    }));
    fn.addToRolePolicy(new iam.PolicyStatement({
      sid: 'PublishToPhonesOnly',
      effect: iam.Effect.DENY,
      actions: ['sns:Publish'],
      resources: [`arn:${this.partition}:sns:*:*:*`],
    }));
  }

  /** The three calls that dynamodbstore makes, on this one table. */
  private allowCounting(table: dynamodb.Table, fns: Set<lambda.Function>): void {
    for (const fn of fns) {
      fn.addToRolePolicy(new iam.PolicyStatement({
        sid: 'Count',
        actions: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
        resources: [table.tableArn],
      }));
    }
  }

  /**
   * What postauth needs to mark a phone number as verified, on this pool only: to
   * set the attribute, and to see that the app client lets nobody in without a
   * code. The pool names the function as its trigger, and a function waits for its
   * role's own policy: with the pool's ARN in that policy, each would wait for the
   * other. A policy of its own, which the function does not wait for, breaks the
   * circle.
   */
  private allowMarkingVerified(pool: cognito.UserPool, fn: lambda.Function): void {
    new iam.Policy(this, 'MarkVerifiedPolicy', {
      roles: [fn.role!],
      statements: [new iam.PolicyStatement({
        sid: 'MarkVerified',
        actions: ['cognito-idp:AdminUpdateUserAttributes', 'cognito-idp:DescribeUserPoolClient'],
        resources: [pool.userPoolArn],
      })],
    });
  }
}
