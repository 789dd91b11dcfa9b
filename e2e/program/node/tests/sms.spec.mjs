// The app's own tests, as its team writes them.

import { expect, test } from '@playwright/test';

const pool = `http://127.0.0.1:${process.env.POOL_PORT}`;
const phone = '+12065550100';

async function control(request, path, data) {
  const response = await request.post(`${pool}/_test/${path}`, { data });
  expect(response.ok(), await response.text()).toBe(true);
}

// message waits for a text that is newer than the one before.
async function message(request, after = 0) {
  const response = await request.get(`${pool}/_test/messages`, { params: { to: phone, after, wait: '20s' } });
  const { messages } = await response.json();
  expect(messages.length).toBeGreaterThan(0);
  return messages.at(-1);
}

async function begin(page) {
  await page.goto('/');
  await page.getByLabel('Phone').fill(phone);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function answer(page, code) {
  await expect(page.getByLabel('Code')).toBeVisible();
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Send' }).click();
}

test.beforeEach(async ({ request }) => control(request, 'reset'));

test('a new user signs up and in, then in again', async ({ page, request }) => {
  await begin(page);
  const first = await message(request);
  await answer(page, first.code);
  await expect(page.getByRole('status')).toHaveText(`Welcome ${phone}`);

  await begin(page);
  const second = await message(request, first.id);
  expect(second.from).toBe('sns');
  await answer(page, second.code);
  await expect(page.getByRole('status')).toHaveText(`Welcome ${phone}`);
});

test('a wrong code can be mended', async ({ page, request }) => {
  await begin(page);
  const { code } = await message(request);
  await answer(page, code === '000000' ? '111111' : '000000');
  await expect(page.getByRole('status')).toHaveText('Wrong code');
  await answer(page, code);
  await expect(page.getByRole('status')).toHaveText(`Welcome ${phone}`);
});

test('a code expires after two minutes', async ({ page, request }) => {
  await begin(page);
  const { code } = await message(request);
  await expect(page.getByLabel('Code')).toBeVisible(); // the text arrives before the session begins
  await control(request, 'clock', { advance: '2m' });
  await answer(page, code);
  await expect(page.getByRole('status')).toHaveText('Wrong code');
});

test('a session expires after 15 minutes', async ({ page, request }) => {
  await begin(page);
  const { code } = await message(request);
  await expect(page.getByLabel('Code')).toBeVisible();
  await control(request, 'clock', { advance: '15m' });
  await answer(page, code);
  await expect(page.getByRole('status')).toHaveText('NotAuthorizedException');
});

test('the texts do not go out', async ({ page, request }) => {
  await control(request, 'faults', { trigger: 'CreateAuthChallenge', fault: 'error', message: 'no more texts' });
  await begin(page);
  await expect(page.getByRole('status')).toHaveText('UserLambdaValidationException');
  await begin(page);
  await answer(page, (await message(request)).code);
  await expect(page.getByRole('status')).toHaveText(`Welcome ${phone}`);
});

test('a function that times out once texts twice, and the second code counts', async ({ page, request }) => {
  await control(request, 'faults', { trigger: 'CreateAuthChallenge', fault: 'timeout' });
  await begin(page);
  await expect(page.getByLabel('Code')).toBeVisible();
  const { messages } = await (await request.get(`${pool}/_test/messages`, { params: { to: phone } })).json();
  expect(messages.length).toBe(2);
  await answer(page, messages[1].code);
  await expect(page.getByRole('status')).toHaveText(`Welcome ${phone}`);
});

test('the page cannot reach the control API', async ({ page }) => {
  await page.goto('/');
  const reached = await page.evaluate(async (url) => {
    try {
      await fetch(url, { method: 'POST' });
      return true;
    } catch {
      return false;
    }
  }, `${pool}/_test/reset`);
  expect(reached).toBe(false);
});
