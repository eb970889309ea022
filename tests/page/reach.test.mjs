// Everybody can use every route in every state (U-120, U-124, U-126).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, findings, go, shot, until, wide } from './world.mjs';

let world;
let two;
let page;
before(async () => {
  world = new World();
  two = await world.two();
  await two.heron.run('say', 'Evening', 'made it to day four');
  await two.otter.run('say', 'Evening', 'anyone up? '.repeat(12), '--wants', 'listen');
  await two.otter.run('say', 'Evening', 'a'.repeat(200), '--note', 'a long word');
  await two.heron.run('invite', 'new', 'Evening', '--label', 'for Sam');
  const maple = await world.home('maple', 'Maple');
  await maple.open();
  await maple.run('join', (await two.heron.run('invite', 'new', 'Evening')).split('\n')[0], '--name', 'Maple');
  await until(async () => (await two.heron.run('waiting', 'Evening')).includes('Maple'), 'Maple at the door');
  page = await two.heron.visit(await world.page());
});
after(() => world.close());

const ROUTES = ['#/', '#/join', '#/start', '#/c/1', '#/c/1/people', '#/c/1/people/1', '#/c/1/people/2', '#/c/1/invite', '#/c/1/waiting',
  '#/c/1/about', '#/help', '#/settings'];
const name = (route) => route.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'circles';

/** Speaks another language from now on. */
async function speak(tag) {
  await page.evaluate(async (language) => (await import('/api.js')).call('PATCH', '/config', { language }), tag);
  await page.reload();
  await page.locator('h1:focus').waitFor();
}

/** What stands in the way of anybody in what is shown now, in both themes. */
async function check(what, pictures = false) {
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    if (pictures) await shot(page, `${what}-${colorScheme}`);
    found.push(...(await findings(page)).map((line) => `${what} ${colorScheme}: ${line}`));
  }
  assert.equal(await page.locator('h1').count(), 1, `${what}: one h1`);
  assert.ok(await page.locator('h1').innerText(), `${what}: a heading with words`);
  if (await wide(page)) found.push(`${what}: scrolls sideways`);
  const small = await page.evaluate(() => [...document.querySelectorAll('button, input, select, summary, nav a')]
    .filter((one) => one.checkVisibility()).map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24)).map(([html]) => html));
  found.push(...small.map((html) => `${what}: a small target ${html}`));
  return found;
}

for (const language of ['en', 'es', 'qps-ploc', 'qps-plocm']) {
  test(`every route in both themes, in ${language}`, async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await speak(language);
    const found = [];
    for (const route of ROUTES) {
      await go(page, route);
      found.push(...await check(`${language}-${name(route)}`, true));
      assert.deepEqual(await page.evaluate((ids) => ids.filter((id) => document.body.innerText.split('\n').includes(id)),
        ['loading', 'circles', 'help-intro']), [], 'words, not their names');
    }
    assert.deepEqual(found, []);
  });

  test(`every route at 320 pixels and at 400 %, in ${language}`, async () => {
    await speak(language);
    const found = [];
    for (const [width, height] of [[320, 640], [320, 256]]) {
      await page.setViewportSize({ width, height });
      for (const route of ROUTES) {
        await go(page, route);
        if (height > 400) await shot(page, `${language}-${name(route)}-320`);
        if (await wide(page)) found.push(`${route} scrolls sideways at ${width} x ${height}`);
      }
    }
    assert.deepEqual(found, []);
  });
}

test('a code that was made, and a member that was compared', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await speak('en');
  await go(page, '#/c/1/invite');
  await page.getByRole('button', { name: 'Make a code' }).click();
  await page.getByRole('heading', { name: 'Here is the code' }).waitFor();
  await page.locator('svg.qr').waitFor();
  const found = await check('invite-made', true);
  await go(page, '#/c/1/people/2');
  if (!(await page.getByRole('button', { name: 'Show the six words' }).count())) await go(page, '#/c/1/people/1');
  await page.getByRole('button', { name: 'Show the six words' }).click();
  await page.getByRole('button', { name: 'Yes, the same' }).waitFor();
  found.push(...await check('verify', true));
  await page.getByRole('button', { name: 'Yes, the same' }).click();
  await page.getByText('compared').waitFor();
  assert.deepEqual(found, []);
});

test('forced colors, more contrast and less motion keep everything in sight', async () => {
  for (const media of [{ forcedColors: 'active' }, { contrast: 'more' }, { reducedMotion: 'reduce' }]) {
    await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', contrast: 'no-preference', reducedMotion: 'no-preference', ...media });
    for (const route of ['#/c/1', '#/help', '#/settings']) {
      await go(page, route);
      assert.deepEqual(await findings(page), []);
      for (const one of await page.locator('main button:visible, header button:visible').all()) {
        const edge = await one.evaluate((node) => [getComputedStyle(node).borderTopWidth, node.className]);
        assert.ok(edge[0] !== '0px' || /quiet/.test(edge[1]) || route === '#/help', `${route}: an edge around ${await one.innerText()}`);
      }
    }
    await go(page, '#/c/1');
    await shot(page, `media-${Object.keys(media)[0]}`);
  }
  await page.emulateMedia({ forcedColors: 'none', contrast: 'no-preference', reducedMotion: 'no-preference' });
});

/** Answers the API in place of the node, where a state cannot be brought about. */
const answering = (status, kind) => (route) => route.fulfill({ status, contentType: 'application/problem+json',
  body: JSON.stringify({ v: 1, type: `/v1/problems/${kind}`, title: kind, status, detail: '', kind, code: 1, hint: null, candidates: [] }) });
const OF_ROOMS = /\/v1\/(circles\/|setup|joins)/;

test('every route while loading, and with something that went wrong', async () => {
  const found = [];
  for (const route of ['#/c/1', '#/c/1/people', '#/c/1/invite', '#/c/1/waiting', '#/c/1/about']) {
    let let_go;
    const held = new Promise((done) => { let_go = done; });
    await page.route(OF_ROOMS, async (request) => { await held; await request.fallback(); });
    await page.evaluate((to) => { location.hash = to; }, '#/help');
    await page.evaluate((to) => { location.hash = to; }, route);
    await page.getByText('One moment.').first().waitFor();
    found.push(...await check(`loading-${name(route)}`));
    let_go();
    await page.unroute(OF_ROOMS);
    await page.locator('h1:focus').waitFor();
    await page.route(OF_ROOMS, answering(500, 'internal'));
    await go(page, route);
    await page.getByRole('alert').waitFor();
    found.push(...await check(`error-${name(route)}`));
    await page.unroute(OF_ROOMS);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.waitForFunction(() => !document.querySelector('[role=alert]:not([hidden])'));
  }
  assert.deepEqual(found, []);
});

test('a full disk is said on every route', async () => {
  const found = [];
  await go(page, '#/c/1');
  await page.route(/\/messages$/, (route) => (route.request().method() === 'POST' ? answering(500, 'disk-full')(route) : route.fallback()));
  await page.getByLabel('Write a message').fill('is there room');
  await page.keyboard.press('Enter');
  await page.locator('#state').getByText('The disk of this computer is full').waitFor();
  await until(async () => await page.getByLabel('Write a message').inputValue() === 'is there room', 'the words, back where they were typed');
  assert.equal(await page.locator('.message.own', { hasText: 'is there room' }).count(), 0, 'nor does it look as if it had been said');
  await page.unroute(/\/messages$/);
  for (const route of ROUTES) {
    await go(page, route);
    if (route !== '#/help') await page.locator('#state').getByText('The disk of this computer is full').waitFor();
    found.push(...await check(`full-${name(route)}`));
  }
  assert.deepEqual(found, []);
  await page.reload();
});

test('every route with no relay in reach', async () => {
  await two.relay.stop();
  await page.locator('h1:focus').waitFor();
  const found = [];
  for (const route of ROUTES) {
    await go(page, route);
    if (/#\/c\//.test(route)) await page.getByText('No relay can be reached now.').waitFor();
    found.push(...await check(`offline-${name(route)}`, route === '#/c/1'));
  }
  await two.relay.start();
  await go(page, '#/c/1');
  await page.getByText('Connected through a relay.').waitFor({ timeout: 60_000 });
  assert.equal(await page.getByText('No relay can be reached now.').count(), 0);
  assert.deepEqual(found, []);
});

test('every route in a circle that one was removed from', async () => {
  const other = page;
  page = await two.otter.visit(await world.page());
  await two.heron.run('member', 'remove', 'Evening', 'Otter', '--yes');
  await page.getByText('You are not in this circle any more.').waitFor({ timeout: 60_000 });
  const found = [];
  for (const route of ROUTES) {
    await go(page, route);
    if (/#\/c\//.test(route)) await page.getByText('You are not in this circle any more.').first().waitFor().catch((e) => { throw new Error(`${route}: ${e}`); });
    found.push(...await check(`removed-${name(route)}`, route === '#/c/1'));
  }
  assert.deepEqual(found, []);
  page = other;
});

test('every route locked, without a token, with the node gone, and not set up', async () => {
  const found = [];
  await two.heron.run('lock');
  await page.getByRole('heading', { name: 'Locked' }).waitFor();
  for (const route of ROUTES.filter((route) => route !== '#/help')) {
    await go(page, route);
    await page.waitForURL('**/#/locked');
  }
  found.push(...await check('locked', true));
  await page.getByRole('main').getByRole('button', { name: 'Open' }).click();
  await page.waitForURL((url) => !/locked/.test(url.hash));

  const tab = await page.context().newPage();
  const first = page;
  page = tab;
  await page.goto(first.url().split('#')[0]);
  await page.getByText('hearthlight open').waitFor();
  for (const route of ROUTES) {
    await go(page, route);
    found.push(...await check(`no-token-${name(route)}`));
  }
  page = first;
  await two.heron.stop();
  await page.getByText('Hearthlight is not running').waitFor();
  for (const route of ROUTES) {
    await go(page, route);
    found.push(...await check(`gone-${name(route)}`));
  }
  const fresh = await world.home('dana');
  page = await fresh.visit(await world.page());
  for (const step of [1, 2, 3, 4]) {
    found.push(...await check(`welcome-${step}`, true));
    await page.setViewportSize({ width: 320, height: 640 });
    if (await wide(page)) found.push(`welcome-${step} scrolls sideways`);
    await page.setViewportSize({ width: 1280, height: 800 });
    if (step === 2) await page.getByLabel('What do you want to be called?').fill('Dana');
    if (step < 4) await page.getByRole('button', { name: 'Next' }).click();
  }
  assert.deepEqual(found, []);
});

test('nothing was asked of any other place, and nothing was stopped by the policy', () => {
  assert.deepEqual(world.foreign, []);
  assert.deepEqual(page.faults, []);
});
