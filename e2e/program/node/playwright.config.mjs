// Playwright starts the pool and the app, waits for both, and ends them.

import { defineConfig } from '@playwright/test';

const pool = `http://127.0.0.1:${process.env.POOL_PORT}`;
const app = `http://127.0.0.1:${process.env.APP_PORT}`;

export default defineConfig({
  testDir: 'tests',
  outputDir: process.env.OUTPUT,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  workers: 1, // one pool: a reset is for everybody
  use: { baseURL: app, launchOptions: { executablePath: process.env.CHROMIUM } },
  webServer: [
    {
      command: `${process.env.COGNITOTEST} --config sms.json --listen 127.0.0.1:${process.env.POOL_PORT}`,
      url: `${pool}/health`,
      gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
    },
    { command: 'node app.mjs', url: app, env: { COGNITO_ENDPOINT: pool, COGNITO_CLIENT_ID: 'web' } },
  ],
});
