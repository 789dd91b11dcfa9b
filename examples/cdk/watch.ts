// What watches over the pool in production: a firewall for what no trigger is
// told, alarms for what somebody should look at, and a dashboard.

import { CfnOutput, Duration, Fn, type Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';

/**
 * Requests by one address in five minutes, by operation. No trigger is told the
 * caller's address, so nothing else can count these. They are generous: a
 * carrier has thousands of people behind one address.
 */
const rates: { name: string; operations: string[]; limit: number }[] = [
  { name: 'SignUps', operations: ['SignUp'], limit: 50 },
  { name: 'SignIns', operations: ['InitiateAuth'], limit: 200 },
  // Each of these may make Cognito send a text, which customauth does not count.
  { name: 'TextsByCognito', operations: ['UpdateUserAttributes', 'GetUserAttributeVerificationCode', 'ResendConfirmationCode'], limit: 20 },
  { name: 'Everything', operations: [], limit: 1000 },
];

/** How many texts Cognito itself may be asked for in five minutes, by everybody together. */
const textsByCognito = 100;

export function firewall(stack: Stack, poolArn: string): void {
  const rules = rates.map(({ name, operations, limit }) => ({
    name,
    rate: {
      limit,
      aggregateKeyType: 'IP',
      ...(operations.length ? { scopeDownStatement: calls(operations) } : {}),
    },
  }));
  rules.push({
    name: 'TextsByCognitoInAll',
    rate: { limit: textsByCognito, aggregateKeyType: 'CONSTANT', scopeDownStatement: calls(rates[2]!.operations) },
  });
  const acl = new wafv2.CfnWebACL(stack, 'Firewall', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: visible('Firewall'),
    rules: rules.map(({ name, rate }, priority) => ({
      name,
      priority,
      action: { block: {} },
      statement: { rateBasedStatement: { evaluationWindowSec: 300, ...rate } },
      visibilityConfig: visible(name),
    })),
  });
  new wafv2.CfnWebACLAssociation(stack, 'FirewallOfPool', { resourceArn: poolArn, webAclArn: acl.attrArn });
}

// calls matches requests of these operations, which Cognito's API names in a header.
function calls(operations: string[]): wafv2.CfnWebACL.StatementProperty {
  const statements = operations.map((operation) => ({
    byteMatchStatement: {
      fieldToMatch: { singleHeader: { Name: 'x-amz-target' } },
      positionalConstraint: 'EXACTLY',
      searchString: `AWSCognitoIdentityProviderService.${operation}`,
      textTransformations: [{ priority: 0, type: 'NONE' }],
    },
  }));
  return statements.length === 1 ? statements[0]! : { orStatement: { statements } };
}

function visible(metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false }; // samples hold phone numbers
}

export interface Watched {
  readonly functions: Record<string, lambda.Function>;
  readonly table: dynamodb.Table;
  readonly spend: number;
  readonly email?: string;
}

/**
 * What is counted of the sign-ins, and from how many in five minutes somebody should
 * look. The function writes these metrics itself, into its log (the package emf).
 */
const counts: { name: string; metricName: string; dimensionsMap: Record<string, string>; alarm?: number; what: string }[] = [
  { name: 'Broken', metricName: 'Count', dimensionsMap: { Outcome: 'broken' }, alarm: 1, what: 'a trigger failed' },
  { name: 'Mismatch', metricName: 'Count', dimensionsMap: { Reason: 'mismatch' }, alarm: 10, what: 'sign-ins that other keys or steps sealed: a deployment or a rotation went wrong' },
  { name: 'RateLimited', metricName: 'Count', dimensionsMap: { Reason: 'rate_limited' }, alarm: 50, what: 'an attack that is being stopped, or limits that are too tight' },
  { name: 'CountryClosed', metricName: 'CountryClosed', dimensionsMap: {}, alarm: 1, what: 'a budget of texts is used up: SMS pumping, or a campaign of yours' },
  { name: 'Sent', metricName: 'Sent', dimensionsMap: { Trigger: 'create' }, what: 'texts handed to SNS' },
  { name: 'Passed', metricName: 'Count', dimensionsMap: { Trigger: 'verify', Outcome: 'passed' }, what: 'right answers' },
];

export function watch(stack: Stack, { functions, table, spend, email }: Watched): void {
  // A policy replaces the one that a topic has without, by which everything in the
  // account may publish. So it has to let the alarms in.
  const topic = new sns.Topic(stack, 'Alarms');
  topic.addToResourcePolicy(new iam.PolicyStatement({
    sid: 'Alarms',
    actions: ['sns:Publish'],
    principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
    resources: [topic.topicArn],
    conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
  }));
  topic.addToResourcePolicy(new iam.PolicyStatement({
    sid: 'EncryptedOnly',
    effect: iam.Effect.DENY,
    actions: ['sns:Publish'],
    principals: [new iam.StarPrincipal()],
    resources: [topic.topicArn],
    conditions: { Bool: { 'aws:SecureTransport': 'false' } },
  }));
  if (email) topic.addSubscription(new subscriptions.EmailSubscription(email));
  new CfnOutput(stack, 'AlarmTopic', { value: topic.topicArn });

  const alarm = (name: string, metric: cloudwatch.IMetric, threshold: number, alarmDescription: string) => {
    new cloudwatch.Alarm(stack, `${name}Alarm`, {
      metric,
      threshold,
      alarmDescription,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new actions.SnsAction(topic));
  };
  const sum = { statistic: 'Sum', period: Duration.minutes(5) };

  const counted = Object.fromEntries(counts.map(({ name, metricName, dimensionsMap, alarm: threshold, what }) => {
    const metric = new cloudwatch.Metric({ namespace: stack.stackName, metricName, dimensionsMap, ...sum });
    if (threshold) alarm(name, metric, threshold, what);
    return [name, metric.with({ label: name })];
  }));
  new logs.MetricFilter(stack, 'CountryClosedInChallenges', { // why smsguard refuses is in the log alone
    logGroup: functions.Challenges!.logGroup,
    filterPattern: logs.FilterPattern.literal('{ $.error = "*_closed*" }'),
    metricNamespace: stack.stackName,
    metricName: 'CountryClosed',
  });
  for (const [name, fn] of Object.entries(functions)) {
    alarm(`${name}Errors`, fn.metricErrors(sum), 1, 'calls that ended in an error, a crash or a timeout');
    alarm(`${name}Throttles`, fn.metricThrottles(sum), 1, 'calls for which there was no instance: raise the concurrency, or an attack is under way');
  }
  if (functions.Account) { // what it cannot do is an answer to it, and no error of the function
    alarm('AccountBroken', new cloudwatch.Metric({
      namespace: 'AWS/Lambda', metricName: 'Url5xxCount', dimensionsMap: { FunctionName: functions.Account.functionName }, ...sum,
    }), 1, 'the account answered that it is broken: see its log');
  }
  for (const metricName of ['ReadThrottleEvents', 'WriteThrottleEvents']) {
    alarm(metricName, new cloudwatch.Metric({
      namespace: 'AWS/DynamoDB', metricName, dimensionsMap: { TableName: table.tableName }, ...sum,
    }), 1, 'the table refused requests, and so did customauth');
  }
  const spent = new cloudwatch.Metric({
    namespace: 'AWS/SNS', metricName: 'SMSMonthToDateSpentUSD', statistic: 'Maximum', period: Duration.hours(1),
  });
  alarm('Spend', spent, spend, 'what the texts of this account cost this month, in USD');

  const { Challenges: challenges, PostAuth: postAuth } = functions;
  new cloudwatch.Dashboard(stack, 'Dashboard', {
    dashboardName: Fn.join('-', [stack.stackName, stack.region]),
    widgets: [
      [
        graph('Texts and right answers', [counted.Sent!, counted.Passed!]),
        graph('Refused', [counted.RateLimited!, counted.CountryClosed!]),
        graph('Broken', [counted.Broken!, counted.Mismatch!]),
      ],
      [
        graph('Time of a call, p99', [challenges!, postAuth!].map((f) => f.metricDuration({ statistic: 'p99', period: sum.period }))),
        graph('Errors and throttles', [challenges!, postAuth!].flatMap((f) => [f.metricErrors(sum), f.metricThrottles(sum)])),
        graph('Texts this month, USD', [spent]),
      ],
    ],
  });
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width: 8 });
}
