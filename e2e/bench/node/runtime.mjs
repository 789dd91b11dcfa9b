// A minimal client of the Lambda Runtime API: node runtime.mjs ./define.mjs
// loads a handler and gives it one event after the other, over one connection.
import http from "node:http";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request({ host, port, agent, method, path: "/2018-06-01/runtime/" + path, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ id: response.headers["lambda-runtime-aws-request-id"], body: Buffer.concat(parts).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

const { handler } = await import(process.argv[2]);
for (;;) {
  const event = await call("GET", "invocation/next");
  try {
    const answer = await handler(JSON.parse(event.body));
    await call("POST", `invocation/${event.id}/response`, JSON.stringify(answer));
  } catch (error) {
    await call("POST", `invocation/${event.id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  }
}
