// Everybody can use every route in every state (U-120, U-124, U-126).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, findings, go, shot, until, wide } from './world.mjs';

let world, two, maple, page;
before(async () => {
  world = new World();
  two = await world.two();
  await two.heron.run('say', 'Evening', 'made it to day four');
  await two.otter.run('say', 'Evening', 'anyone up? '.repeat(12), '--wants', 'listen');
  await two.otter.run('say', 'Evening', 'a'.repeat(200), '--note', 'a long word');
  await two.heron.run('invite', 'new', 'Evening', '--label', 'for Sam');
  await two.otter.run('vote', 'new', 'Evening', 'Shall we have tea?');
  await two.heron.run('vote', 'new', 'Evening', 'A year with us.', '--elect', 'Otter', '--yes');
  maple = await world.home('maple', 'Maple');
  await maple.open();
  await maple.run('join', (await two.heron.run('invite', 'new', 'Evening')).split('\n')[0], '--name', 'Maple');
  await until(async () => (await two.heron.run('waiting', 'Evening')).includes('Maple'), 'Maple at the door');
  page = await two.heron.visit(await world.page());
});
after(() => world.close());

const ROUTES = ['#/', '#/join', '#/start', '#/c/1', '#/c/1/people', '#/c/1/people/1', '#/c/1/people/2', '#/c/1/votes', '#/c/1/invite',
  '#/c/1/waiting', '#/c/1/about', '#/help', '#/settings'];
const READING = ['#/c/1', '#/c/1/people', '#/c/1/people/2', '#/c/1/votes', '#/c/1/invite', '#/c/1/waiting', '#/c/1/about'];
const LANGUAGES = ['en', 'es', 'qps-ploc', 'qps-plocm'];
const name = (route) => route.replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'circles';
const ofCircle = (route) => route.startsWith('#/c/');

/** Speaks another language from now on: by the setting, where the home is open. */
async function speak(language) {
  await page.evaluate(async (tag) => {
    const [{ call, here }, { words }] = await Promise.all([import('/api.js'), import('/shell.js')]);
    if (here.condition === 'open') await call('PATCH', '/config', { language: tag });
    await words(tag);
  }, language);
  await page.waitForFunction(async (tag) => (await import('/text.js')).t('help-title') !== 'help-title'
    && (await (await fetch(`/v1/strings/${tag}`)).json()).strings['help-title'] === (await import('/text.js')).t('help-title'), language);
}

// The same document in the same theme is looked at once.
const looked = new Set();
let counts = { looks: 0, states: 0 };

/** What stands in the way of anybody in what is shown now, in both themes. */
async function check(what, pictures = false) {
  const found = [];
  counts.states += 1;
  const shown = await page.evaluate(() => document.documentElement.outerHTML.replace(/="f\d+h?"/g, ''));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    if (pictures) await shot(page, `${what.replace(/\W+/g, '-')}-${colorScheme}`);
    if (looked.has(colorScheme + shown)) continue;
    looked.add(colorScheme + shown);
    counts.looks += 1;
    found.push(...(await findings(page)).map((line) => `${what} ${colorScheme}: ${line}`));
  }
  assert.equal(await page.locator('h1').count(), 1, `${what}: one h1`);
  assert.ok(await page.locator('h1').innerText(), `${what}: a heading with words`);
  if (await wide(page)) found.push(`${what}: scrolls sideways`);
  const seen = await page.evaluate(async () => {
    const { has } = await import('/text.js');
    const small = [...document.querySelectorAll('button, input, select, summary, nav a')]
      .filter((one) => one.checkVisibility()).map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
      .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24)).map(([html]) => html);
    const ids = document.body.innerText.split('\n').filter((line) => /-/.test(line) && has(line));
    return { small, ids };
  });
  found.push(...seen.small.map((html) => `${what}: a small target ${html}`), ...seen.ids.map((id) => `${what}: the name of words, ${id}`));
  return found;
}

/** Looks at every route in one state, in every language. */
async function everywhere(state, routes = ROUTES, ready = async () => {}, pictures = () => false) {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    for (const route of routes) {
      await go(page, route);
      await ready(route);
      found.push(...await check(`${state} ${language} ${name(route)}`, pictures(route)));
    }
  }
  await speak('en');
  assert.deepEqual(found, []);
}

test('every route', () => everywhere('open', ROUTES, undefined, () => true));

test('every route at 320 pixels and at 400 %', async () => {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    for (const [width, height] of [[320, 640], [320, 256]]) {
      await page.setViewportSize({ width, height });
      for (const route of ROUTES) {
        await go(page, route);
        if (height > 400) await shot(page, `${language}-${name(route)}-320`);
        if (await wide(page)) found.push(`${language} ${route} scrolls sideways at ${width} x ${height}`);
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await speak('en');
  assert.deepEqual(found, []);
});

test('a code that was made, and a member that was compared', async () => {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    await go(page, '#/c/1/invite');
    await page.locator('main button.main').click();
    await page.locator('svg.qr').waitFor();
    found.push(...await check(`invite made ${language}`, true));
    await go(page, '#/c/1/people');
    await page.getByRole('main').getByRole('link', { name: 'Otter' }).click();
    const section = page.locator('main section').first();
    await section.getByRole('button').click();
    await section.locator('.six').waitFor();
    found.push(...await check(`verify ${language}`, true));
  }
  await page.locator('main section .main').first().click();
  await speak('en');
  await go(page, '#/c/1/people');
  await page.getByText('compared').waitFor();
  assert.deepEqual(found, []);
});

test('what is asked before something that cannot be taken back', async () => {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    for (const [route, button] of [['#/c/1/about', 'main > section:last-of-type button'], ['#/settings', 'main > section:last-of-type button']]) {
      await go(page, route);
      await page.locator(button).last().click();
      await page.getByRole('dialog').waitFor();
      found.push(...await check(`asked ${language} ${name(route)}`, true));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  }
  await speak('en');
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

test('every route that reads, while loading, and with something that went wrong', async () => {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    for (const route of READING) {
      let let_go;
      const held = new Promise((done) => { let_go = done; });
      await go(page, '#/help');
      await page.route(OF_ROOMS, async (request) => { await held; await request.fallback(); });
      await page.evaluate((to) => { location.hash = to; }, route);
      await page.locator('main[aria-busy]').waitFor();
      found.push(...await check(`loading ${language} ${name(route)}`));
      let_go();
      await page.unroute(OF_ROOMS);
      await page.locator('main:not([aria-busy]) h1:focus').waitFor();
      await page.route(OF_ROOMS, answering(500, 'internal'));
      await go(page, route);
      await page.getByRole('alert').waitFor();
      found.push(...await check(`error ${language} ${name(route)}`));
      await page.unroute(OF_ROOMS);
      await page.locator('main > button').click();
      await page.waitForFunction(() => !document.querySelector('[role=alert]:not([hidden])'));
    }
  }
  await speak('en');
  assert.deepEqual(found, []);
});

test('a full disk is said on every route', async () => {
  await go(page, '#/c/1');
  await page.route(/\/messages$/, (route) => (route.request().method() === 'POST' ? answering(500, 'disk-full')(route) : route.fallback()));
  await page.getByLabel('Write a message').fill('is there room');
  await page.keyboard.press('Enter');
  await page.locator('#state').getByText('The disk of this computer is full').waitFor();
  await until(async () => await page.getByLabel('Write a message').inputValue() === 'is there room', 'the words, back where they were typed');
  assert.equal(await page.locator('.message.own', { hasText: 'is there room' }).count(), 0, 'nor does it look as if it had been said');
  await page.unroute(/\/messages$/);
  await everywhere('full', ROUTES, (route) => route !== '#/help' && page.locator('#state > *').first().waitFor());
  await page.reload();
});

test('every route with no relay in reach', async () => {
  await page.locator('h1:focus').waitFor();
  await two.relay.stop();
  await go(page, '#/c/1');
  await page.getByText('No relay can be reached now.').waitFor({ timeout: 60_000 });
  await everywhere('offline', ROUTES, (route) => ofCircle(route) && page.locator('#state > *').first().waitFor(), (route) => route === '#/c/1');
  await two.relay.start();
  await go(page, '#/c/1');
  await page.getByText('Connected through a relay.').waitFor({ timeout: 60_000 });
  assert.equal(await page.getByText('No relay can be reached now.').count(), 0);
});

/** Runs with the page of another person. */
async function at(home, act) {
  const mine = page;
  page = await home.visit(await world.page());
  try {
    await act();
    assert.deepEqual(page.faults, []);
  } finally {
    page = mine;
  }
}

test('every route while one waits at the door', () => at(maple, async () => {
  await page.locator('.six').waitFor();
  await everywhere('asking', ROUTES.filter((route) => !/people\/2/.test(route)), undefined, (route) => route === '#/c/1');
}));

test('every route in a circle that one was removed from', () => at(two.otter, async () => {
  // The relay was away just now; Otter finds it again in a while.
  await go(page, '#/c/1');
  await page.getByText('Connected through a relay.').waitFor({ timeout: 60_000 });
  // A list can tell of it before the event does: here no event comes at all.
  await page.route(/\/v1\/events/, () => {});
  await page.reload();
  await page.getByLabel('Write a message').waitFor();
  await two.heron.run('member', 'remove', 'Evening', 'Otter', '--yes');
  await until(async () => JSON.parse(await two.otter.run('circle', 'list', '--json')).state === 'removed', 'Otter to hear of the removal');
  await page.evaluate(async () => (await import('/shell.js')).refresh());
  await page.getByText('You are not in this circle any more.').waitFor();
  await page.unroute(/\/v1\/events/);
  await page.reload();
  await everywhere('removed', ROUTES, async (route) => {
    const words = await page.evaluate(async () => (await import('/text.js')).t('circle-removed'));
    if (ofCircle(route)) await page.getByText(words).first().waitFor();
  }, (route) => route === '#/c/1');
}));

test('every route locked, without a token, and with the node gone', async () => {
  const found = [];
  for (const language of LANGUAGES) {
    await speak(language);
    await two.heron.run('lock');
    await page.waitForURL('**/#/locked');
    await page.locator('main form').waitFor();
    if (language === 'en') {
      for (const route of ROUTES.filter((route) => route !== '#/help')) {
        await go(page, route);
        await page.waitForURL('**/#/locked');
      }
    }
    found.push(...await check(`locked ${language}`, true));
    await go(page, '#/help');
    found.push(...await check(`locked ${language} help`));
    await go(page, '#/locked');
    await page.locator('main button.main').click();
    await page.waitForURL((url) => !/locked/.test(url.hash));
    await page.locator('main:not([aria-busy]) h1:focus').waitFor();
  }
  assert.deepEqual(found, []);
  await speak('en');

  const first = page;
  page = await page.context().newPage();
  await page.goto(first.url().split('#')[0]);
  await page.getByText('hearthlight open').waitFor();
  await everywhere('no-token');
  await page.close();
  page = first;
  // With the node gone no other language can be had any more; these come from memory.
  const strings = await page.evaluate((tags) => Promise.all(tags.map(async (tag) => [tag, await (await fetch(`/v1/strings/${tag}`)).text()])), LANGUAGES);
  await page.route(/\/v1\/strings\//, (route) => route.fulfill({ contentType: 'application/json',
    body: strings.find(([tag]) => route.request().url().endsWith(`/${tag}`))[1] }));
  await two.heron.stop();
  await page.getByText('Hearthlight is not running').waitFor();
  await everywhere('gone');
});

test('the first steps, a home without a circle, a circle of one alone, and a passphrase', () => world.home('dana').then((dana) => at(dana, async () => {
  const found = [];
  const next = () => page.locator('main button.main').click();
  for (const language of LANGUAGES) {
    await speak(language);
    await go(page, '#/welcome');
    // The steps so far are kept: back to the first.
    const back = page.locator('main button:not(.main)');
    while (await back.count()) await back.click();
    for (const step of [1, 2, 3, 4]) {
      found.push(...await check(`welcome ${language} ${step}`, true));
      await page.setViewportSize({ width: 320, height: 640 });
      if (await wide(page)) found.push(`welcome ${language} ${step} scrolls sideways`);
      await page.setViewportSize({ width: 1280, height: 800 });
      if (step === 2) await page.locator('main input').fill('Dana');
      if (step === 3) {
        for (const kind of ['none', 'own']) {
          await page.locator(`main input[value=${kind}]`).check();
          found.push(...await check(`welcome ${language} ${kind}`));
        }
        for (const field of await page.locator('main input[type=password]').all()) await field.fill('lamp river');
      }
      if (step < 4) await next();
    }
  }
  assert.deepEqual(found, []);
  await next();
  await page.waitForURL((url) => !/welcome/.test(url.hash));
  await everywhere('empty', ['#/', '#/join', '#/start', '#/help', '#/settings'], undefined, () => true);
  await dana.run('circle', 'new', 'Alone');
  await page.locator('.circles').getByText('Alone').waitFor();
  await everywhere('alone', READING.filter((route) => !/people\/2/.test(route)), () => page.locator('#state > *').first().waitFor(), () => true);
  for (const language of LANGUAGES) {
    await speak(language);
    await dana.run('lock');
    await page.locator('main input[type=password]').waitFor();
    found.push(...await check(`passphrase ${language}`, true));
    await page.locator('main input[type=password]').fill('river');
    await next();
    await page.getByRole('alert').waitFor();
    found.push(...await check(`passphrase wrong ${language}`, true));
    await page.locator('main input[type=password]').fill('lamp river');
    await next();
    await page.waitForURL((url) => !/locked/.test(url.hash));
    await page.locator('main:not([aria-busy]) h1:focus').waitFor();
  }
  assert.deepEqual(found, []);
})));

test('nothing was asked of any other place, and nothing was stopped by the policy', () => {
  console.log(`${counts.states} sights, of which ${counts.looks} differ with their theme`);
  assert.deepEqual(world.foreign, []);
  assert.deepEqual(page.faults, []);
});
