// What stands for Lambda's Node.js runtime: it loads the file that is its first
// argument, takes one event after the other from the Runtime API, and gives each
// to the function that _HANDLER names.

import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { pathToFileURL, urlToHttpOptions } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const file = process.argv.at(-1);
const name = process.env._HANDLER.slice(path.parse(file).name.length + 1);

function request(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/${where}`, headers };
    const sent = http.request(options, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

// The clock: Date with an offset that comes with each event.
const RealDate = Date;
let offset = 0;
class MovedDate extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offset] : args));
  }
  static now() {
    return RealDate.now() + offset;
  }
}
function setClock(milliseconds) {
  offset = Number(milliseconds) || 0;
  // Date() without new gives a text, and that of a class cannot be called.
  globalThis.Date = offset === 0 ? RealDate : new Proxy(MovedDate, { apply: () => new MovedDate().toString() });
}

// The service: what asks Cognito's own host, for the keys of a pool, is answered by
// the pool on this machine.
if (process.env.COGNITOTEST_ENDPOINT) {
  const endpoint = new URL(process.env.COGNITOTEST_ENDPOINT);
  const region = process.env.AWS_REGION;
  const hosts = [`cognito-idp.${region}.amazonaws.com`, `issuer-cognito-idp.${region}.amazonaws.com`];

  const realRequest = https.request;
  https.request = function (input, options, callback) {
    const url = typeof input === 'string' ? new URL(input) : input;
    const fromURL = url instanceof URL ? urlToHttpOptions(url) : input;
    const all = { ...fromURL, ...(typeof options === 'object' ? options : {}) };
    if (!hosts.includes(all.hostname ?? all.host)) return realRequest.apply(this, arguments);
    const { hostname, port } = endpoint;
    const here = { ...all, protocol: 'http:', host: hostname, hostname, port, agent: undefined, servername: undefined };
    return http.request(here, typeof options === 'function' ? options : callback);
  };
  https.get = function (...args) {
    const sent = https.request(...args);
    sent.end();
    return sent;
  };
  syncBuiltinESMExports();

  const realFetch = globalThis.fetch;
  globalThis.fetch = function (input, init) {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== 'https:' || !hosts.includes(url.host)) return realFetch(input, init);
    const here = new URL(url.pathname + url.search, endpoint);
    return realFetch(input instanceof Request ? new Request(here, input) : here, init);
  };
}

function errorObject(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: typeof error === 'string' ? error : String(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

async function initError(type, error) {
  console.error(error);
  const object = { ...errorObject(error), errorType: type };
  await request('POST', 'init/error', JSON.stringify(object), { 'lambda-runtime-function-error-type': type });
  process.exit(1);
}

let handler;
try {
  const loaded = await import(pathToFileURL(file).href);
  handler = loaded[name] ?? loaded.default?.[name];
} catch (error) {
  await initError(error instanceof SyntaxError ? 'Runtime.UserCodeSyntaxError' : 'Runtime.ImportModuleError', error);
}
if (typeof handler !== 'function') {
  await initError('Runtime.HandlerNotFound', new Error(`${file} exports no function ${name}`));
}

let whenIdle;
process.on('beforeExit', () => whenIdle?.());

// call gives the handler an event. It may return a promise, call back, or use
// the context as handlers of the first years did.
function call(event, headers) {
  whenIdle = undefined;
  return new Promise((resolve, reject) => {
    const deadline = Number(headers['lambda-runtime-deadline-ms']);
    const callback = (error, answer) => (error ? reject(error) : resolve(answer));
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      awsRequestId: headers['lambda-runtime-aws-request-id'],
      getRemainingTimeInMillis: () => Math.max(0, deadline - RealDate.now()),
      done: callback,
      succeed: resolve,
      fail: reject,
    };
    const answer = handler(event, context, callback);
    if (typeof answer?.then === 'function') answer.then(resolve, reject);
    // Only a promise's answer counts. When nothing is left to do, nobody will
    // call back, and Lambda answers null.
    else whenIdle = () => resolve(null);
  });
}

for (;;) {
  const next = await request('GET', 'invocation/next');
  const id = next.headers['lambda-runtime-aws-request-id'];
  setClock(next.headers['cognitotest-clock-offset-ms']);
  let body;
  try {
    // JSON has no undefined: Lambda answers null.
    body = JSON.stringify((await call(JSON.parse(next.body), next.headers)) ?? null);
  } catch (error) {
    console.error(error);
    const object = errorObject(error);
    const headers = { 'lambda-runtime-function-error-type': 'Unhandled' };
    await request('POST', `invocation/${id}/error`, JSON.stringify(object), headers);
    continue;
  }
  await request('POST', `invocation/${id}/response`, body);
}
