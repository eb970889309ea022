// Two browsers in one circle: marks and gaps tell the truth (U-40 to U-44).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, go, shot, until } from './world.mjs';

let world;
let two;
let heron;
let otter;
before(async () => {
  world = new World();
  two = await world.two();
  heron = await two.heron.visit(await world.page());
  otter = await two.otter.visit(await world.page());
  await go(heron, '#/c/1');
  await go(otter, '#/c/1');
});
after(() => world.close());

async function say(page, text) {
  await page.getByLabel('Write a message').fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.message.own', { hasText: text }).waitFor();
}

// A member acknowledges about once a minute.
const ACKNOWLEDGED_MS = 100_000;
const mark = (page, text) => page.locator('.message.own', { hasText: text }).locator('.mark');
const hears = (page, text) => page.locator('.message:not(.own)', { hasText: text }).waitFor({ timeout: 60_000 });
const own = async (home, text) => (await home.run('read', 'Evening', '--limit', '0', '--json')).trim().split('\n')
  .map((line) => JSON.parse(line)).find((line) => line.text === text);

test('what one says the other reads, and both marks are what the node says', async () => {
  await say(heron, 'hello');
  await hears(otter, 'hello');
  await say(otter, 'hello back');
  await hears(heron, 'hello back');
  await until(async () => (await mark(heron, 'hello').innerText()) === 'received', 'the mark of what was received', ACKNOWLEDGED_MS);
  assert.equal((await own(two.heron, 'hello')).mark, 'received');
});

test('with the relay stopped a message waits and says so, and goes out when it is back', async () => {
  // A change of settings reads the circles anew, below an open room.
  await two.heron.run('config', 'set', 'page.title', 'Words');
  await heron.waitForFunction(() => document.title === 'Words');
  await two.heron.run('config', 'set', 'page.title', 'Notes');
  await heron.waitForFunction(() => document.title === 'Notes');
  await two.relay.stop();
  await heron.getByText('No relay can be reached now.').waitFor({ timeout: 60_000 });
  await heron.getByText('Not connected now.').waitFor();
  await say(heron, 'is anybody there');
  // The page shows one's own words before the node has them.
  await until(() => own(two.heron, 'is anybody there'), 'words that the node has');
  assert.deepEqual([await mark(heron, 'is anybody there').innerText(), (await own(two.heron, 'is anybody there')).mark], ['waiting', 'waiting']);
  await shot(heron, 'waiting');
  assert.equal(await otter.getByText('is anybody there').count(), 0);
  await two.relay.start();
  await hears(otter, 'is anybody there');
  await until(async () => (await mark(heron, 'is anybody there').innerText()) !== 'waiting', 'a mark that rose');
  const told = await own(two.heron, 'is anybody there');
  await until(async () => {
    const now = await own(two.heron, 'is anybody there');
    return now.mark === await mark(heron, 'is anybody there').innerText();
  }, `the mark that the node tells, after ${told.mark}`, ACKNOWLEDGED_MS);
  assert.equal(await heron.getByText('No relay can be reached now.').count(), 0);
  await heron.getByText('Connected through a relay.').waitFor();
});

test('arrivals are told as a count on a pause, and the list itself is silent', async () => {
  const feed = heron.getByRole('log');
  assert.equal(await feed.locator('.lines').getAttribute('aria-live'), 'off');
  await until(async () => (await feed.locator('> .unseen').innerText()) !== '', 'what was said before is told');
  await heron.evaluate(() => {
    globalThis.told = [];
    const said = document.querySelector('.feed > .unseen');
    new MutationObserver(() => globalThis.told.push(said.textContent)).observe(said, { childList: true });
  });
  for (const text of ['one', 'two', 'three', 'four']) await two.otter.run('say', 'Evening', text);
  await hears(heron, 'four');
  const told = () => heron.evaluate(() => globalThis.told);
  await until(async () => (await told()).reduce((sum, words) => sum + Number.parseInt(words, 10), 0) === 4, `counts of four in all`).catch(async (error) => { throw new Error(`${error.message}: ${await told()}`); });
  assert.ok((await told()).length < 4, `not one by one: ${await told()}`);
  assert.ok((await told()).every((words) => /^\d new messages?$/.test(words)));
});

test('a reply to a wish to be heard is one of three supports', async () => {
  await two.otter.run('say', 'Evening', 'a long day behind me', '--wants', 'listen');
  await hears(heron, 'a long day behind me');
  await heron.locator('.message', { hasText: 'a long day behind me' }).getByRole('button', { name: 'Reply to Otter' }).click();
  await heron.getByText('wants to be heard, not answered').waitFor();
  assert.equal(await heron.getByLabel('Write a message').isVisible(), false);
  await shot(heron, 'support');
  await heron.getByRole('button', { name: 'With you' }).click();
  await otter.locator('.message:not(.own)', { hasText: 'With you' }).waitFor({ timeout: 60_000 });
  assert.ok(await heron.getByLabel('Write a message').isVisible());
});

test('a note in front is read before the message is', async () => {
  await otter.getByText('Wishes and notes').click();
  await otter.getByLabel('Note in front').fill('about a hard night');
  await otter.getByLabel('I wish for').selectOption({ label: 'advice' });
  await say(otter, 'it was long');
  await hears(heron, 'about a hard night');
  const message = heron.locator('.message', { hasText: 'about a hard night' });
  assert.equal(await message.locator('.text').isVisible(), false);
  await message.locator('summary').click();
  assert.ok(await message.locator('.text').isVisible());
  await message.getByText('Wishes for advice.').waitFor();
});

test('a draft is kept for the next time', async () => {
  await heron.getByLabel('Write a message').fill('half a sent');
  await heron.keyboard.type('ence');
  await go(heron, '#/c/1/people');
  await go(heron, '#/c/1');
  assert.equal(await heron.getByLabel('Write a message').inputValue(), 'half a sentence');
  await heron.reload();
  await heron.locator('h1:focus').waitFor();
  assert.equal(await heron.getByLabel('Write a message').inputValue(), 'half a sentence');
  await heron.getByLabel('Write a message').fill('');
});

test('new activity is a mark, without a name or a count, and not in quiet hours or a muted circle', async () => {
  const hide = (state) => heron.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  await hide(true);
  await two.otter.run('say', 'Evening', 'while you were away');
  await heron.locator('#mark', { hasText: 'New activity' }).waitFor({ timeout: 60_000 });
  assert.equal(await heron.locator('#mark').innerText(), 'New activity');
  assert.equal(await heron.title(), 'Notes');
  await hide(false);
  assert.equal(await heron.locator('#mark').innerText(), '');
  await heron.locator('.new').waitFor();
  await heron.evaluate(async () => (await import('/api.js')).call('PATCH', '/config', { 'notify.quiet': '00:00-23:59' }));
  await heron.waitForFunction(async () => (await import('/api.js')).here.config['notify.quiet'] === '00:00-23:59');
  await hide(true);
  await two.otter.run('say', 'Evening', 'late at night');
  await hears(heron, 'late at night');
  assert.equal(await heron.locator('#mark').innerText(), '');
  await hide(false);
  await heron.evaluate(async () => (await import('/api.js')).call('PATCH', '/config', { 'notify.quiet': null }));
  await heron.waitForFunction(async () => (await import('/api.js')).here.config['notify.quiet'] === null);
  await two.heron.run('circle', 'set', 'Evening', 'muted', 'true');
  await heron.waitForFunction(async () => (await import('/api.js')).here.circles[0].muted);
  await hide(true);
  await two.otter.run('say', 'Evening', 'in a muted circle');
  await hears(heron, 'in a muted circle');
  assert.equal(await heron.locator('#mark').innerText(), '');
  await hide(false);
  await two.heron.run('circle', 'set', 'Evening', 'muted', 'false');
});

test('what was said while the other was away fills in, and what is missing is said', async () => {
  await two.otter.stop();
  for (let at = 1; at <= 5; at += 1) await say(heron, `away ${at}`);
  otter = await two.otter.visit(await world.page());
  await go(otter, '#/c/1');
  await hears(otter, 'away 5');
  const shown = (await otter.locator('.message:not(.own) .text').allInnerTexts()).filter((text) => text.startsWith('away'));
  assert.deepEqual(shown, ['away 1', 'away 2', 'away 3', 'away 4', 'away 5']);
  const lines = (await two.otter.run('read', 'Evening', '--limit', '0', '--json')).trim().split('\n').map((line) => JSON.parse(line));
  await until(async () => await otter.locator('.gap').count() === lines.filter((line) => line.kind === 'gap').length, 'as many gaps as the node tells');
});

test('nothing was asked of any other place', () => {
  assert.deepEqual(world.foreign, []);
  assert.deepEqual([...heron.faults, ...otter.faults], []);
});
