// Handlers as people write them, for what becomes of them.

export const returnsNothing = (event) => event; // no promise and no callback: Lambda answers null

export const throws = async () => {
  throw new TypeError('the reason');
};

export const calledBackWithError = (event, context, callback) => callback('a text');

export const exits = async () => process.exit(5);

export const hangs = async () => new Promise((resolve) => setTimeout(resolve, 60_000));

export const context = async (event, context) => {
  context.succeed({
    name: context.functionName,
    arn: context.invokedFunctionArn,
    request: context.awsRequestId,
    soon: context.getRemainingTimeInMillis() <= 5000,
    secrets: Object.keys(process.env).filter((name) => name.startsWith('OUTSIDE_')),
    now: Date.now(),
    text: typeof Date(),
    date: new Date(0).toISOString(),
    isDate: new Date() instanceof Date,
  });
  return new Promise(() => {});
};
