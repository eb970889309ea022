// Hide, help, lock, and what hostile words cannot do (U-111 to U-123, U-203, U-204).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, go, shot, until } from './world.mjs';

let world;
let two;
before(async () => {
  world = new World();
  two = await world.two();
  await two.otter.run('say', 'Evening', SECRET);
});
after(() => world.close());

const SECRET = 'heather and thistle';
const ROUTES = ['#/', '#/join', '#/start', '#/c/1', '#/c/1/people', '#/c/1/people/1', '#/c/1/votes', '#/c/1/invite', '#/c/1/waiting', '#/c/1/about',
  '#/help', '#/settings'];
const everything = (page) => page.evaluate(() => document.documentElement.outerHTML
  + [...document.querySelectorAll('input, textarea')].map((field) => field.value).join(' '));

/** Whether the away page is all that there is. */
async function isAway(page) {
  await page.waitForURL(/\/away/);
  assert.match(page.url(), /\/away$/);
  assert.doesNotMatch(await everything(page), /Hearthlight|Evening|heather|help/i);
  assert.equal(await page.title(), 'Notes');
}

/** How long after the deed the cover lies over everything, by the page's own clock. */
async function watchCover(page) {
  await page.evaluate(() => {
    globalThis.deed = 0;
    for (const type of ['keyup', 'click']) addEventListener(type, (event) => { globalThis.deed = event.timeStamp; }, true);
    new MutationObserver(() => requestAnimationFrame(() => {
      const cover = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
      globalThis.covered = cover.id === 'cover' ? performance.now() - globalThis.deed : Infinity;
      console.log(`covered ${globalThis.covered}`);
    })).observe(document.getElementById('cover'), { attributes: true });
  });
  return page.waitForEvent('console', (message) => message.text().startsWith('covered'))
    .then((message) => Number(message.text().split(' ')[1]));
}

test('Hide covers within 100 ms, locks, and leaves nothing to go back to', async () => {
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1/people');
  await go(page, '#/c/1');
  await page.getByText(SECRET).waitFor();
  await page.getByLabel('Write a message').fill('not sent yet');
  const token = await page.evaluate(() => sessionStorage.getItem('t'));
  const covered = watchCover(page);
  await page.getByRole('button', { name: 'Hide' }).click();
  assert.ok(await covered < 100, `covered after ${await covered} ms`);
  await isAway(page);
  assert.deepEqual(await page.evaluate(() => [sessionStorage.length, localStorage.length]), [0, 0]);
  assert.equal(await page.evaluate(async (old) => (await fetch('/v1/status', { headers: { Authorization: `Bearer ${old}` } })).status, token),
    401, 'the token has ended');
  for (let back = 0; back < 3; back += 1) {
    await page.goBack().catch(() => {});
    await page.waitForLoadState();
    assert.doesNotMatch(await everything(page), /Evening|heather|not sent yet/);
  }
  await shot(page, 'away');
  await two.heron.run('unlock');
  const again = await two.heron.visit(await world.page());
  await go(again, '#/c/1');
  assert.equal(await again.getByLabel('Write a message').inputValue(), 'not sent yet', 'the draft was kept');
  await again.getByLabel('Write a message').fill('');
});

test('Shift three times within five seconds hides, while typing too', async () => {
  await two.heron.run('unlock');
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1');
  await page.getByLabel('Write a message').click();
  await page.keyboard.type('ABC Capital Letters');
  assert.match(page.url(), /#\/c\/1$/, 'the Shift of a capital letter is none');
  await page.clock.install();
  for (const wait of [0, 2_600, 2_600]) {
    await page.clock.fastForward(wait);
    await page.keyboard.press('Shift');
  }
  assert.match(page.url(), /#\/c\/1$/, 'three times in more than five seconds is not meant');
  await page.clock.fastForward(6_000);
  const covered = watchCover(page);
  await page.clock.resume();
  for (let tap = 0; tap < 3; tap += 1) await page.keyboard.press('Shift');
  assert.ok(await covered < 100);
  await isAway(page);
});

test('Shift three times can be turned off', async () => {
  await two.heron.run('unlock');
  const page = await two.heron.visit(await world.page());
  await go(page, '#/settings');
  await page.getByLabel('Shift three times hides the page').uncheck();
  await page.waitForFunction(() => document.getElementById('told').textContent === 'Saved.');
  for (let tap = 0; tap < 4; tap += 1) await page.keyboard.press('Shift');
  assert.match(page.url(), /settings/);
  await page.getByLabel('Shift three times hides the page').check();
});

const back = (page) => page.getByRole('main').getByRole('link', { name: 'Back', exact: true }).click();

test('help is one action away on every route, and each choice one digit', async () => {
  await two.heron.run('unlock');
  const page = await two.heron.visit(await world.page());
  let place;
  let before;
  for (const route of ROUTES) {
    await go(page, route);
    const link = page.getByRole('link', { name: 'Get help now' });
    const box = JSON.stringify([await link.boundingBox(), await page.getByRole('button', { name: 'Hide' }).boundingBox()]);
    place ??= box;
    assert.equal(box, place, `${route}: the same place`);
    const from = page.url();
    await link.click();
    await page.getByRole('heading', { name: 'Get help now' }).waitFor();
    await back(page);
    await page.waitForURL(route === '#/help' ? before : from);
    before = page.url();
  }
  await go(page, '#/help');
  await page.keyboard.press('2');
  await page.getByText('988', { exact: false }).first().waitFor();
  await page.setViewportSize({ width: 320, height: 480 });
  const choices = page.locator('.choices > li');
  assert.equal(await choices.count(), 5);
  const last = await choices.last().boundingBox();
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.ok(last.y + last.height <= 480, `the fifth choice ends at ${last.y + last.height}`);
  await shot(page, 'help-320');
  await page.keyboard.press('2');
  assert.equal(await page.locator('details[open]').count(), 1);
});

test('help is there locked, not set up, without a token and with the node gone', async () => {
  const reach = async (page) => {
    await page.getByRole('link', { name: 'Get help now' }).click();
    await page.getByRole('heading', { name: 'Get help now' }).waitFor();
    if (await page.getByText('Which country').count()) await page.keyboard.press('2');
    await page.getByText('988').first().waitFor();
  };
  await two.heron.run('unlock');
  const page = await two.heron.visit(await world.page());
  await two.heron.run('lock');
  await page.getByRole('heading', { name: 'Locked' }).waitFor();
  await reach(page);
  await back(page);
  await page.getByRole('heading', { name: 'Locked' }).waitFor();

  const second = await page.context().newPage();
  await second.goto(page.url().split('#')[0]);
  await second.getByText('hearthlight open').waitFor();
  await shot(second, 'no-token');
  await reach(second);

  const maple = await world.home('maple');
  const fresh = await maple.visit(await world.page());
  await fresh.getByRole('heading', { name: 'Before you begin' }).waitFor();
  await fresh.getByRole('button', { name: 'Next' }).click();
  await fresh.getByLabel('What do you want to be called?').fill('Maple');
  await fresh.getByRole('button', { name: 'Next' }).click();
  await fresh.getByRole('heading', { name: 'Your passphrase' }).waitFor();
  const words = await fresh.locator('.six').innerText();
  await reach(fresh);
  await back(fresh);
  await fresh.getByRole('heading', { name: 'Your passphrase' }).waitFor();
  assert.equal(await fresh.locator('.six').innerText(), words, 'the words that may be on paper by now');
  await maple.stop();
  await fresh.reload().catch(() => {});

  const dana = await world.home('dana', 'Dana');
  const gone = await dana.visit(await world.page());
  await dana.stop();
  await gone.getByText('Hearthlight is not running').waitFor();
  await shot(gone, 'gone');
  await reach(gone);
});

test('a lock leaves no word in the document', async () => {
  await two.heron.run('unlock');
  const page = await two.heron.visit(await world.page());
  for (const route of ['#/c/1', '#/c/1/people', '#/c/1/about']) {
    await go(page, route);
    await page.getByText(/Heron|heather/).first().waitFor();
    await two.heron.run('lock');
    await page.getByRole('heading', { name: 'Locked' }).waitFor();
    assert.doesNotMatch(await everything(page), /Heron|Otter|Evening|heather/);
    assert.match(page.url(), /#\/locked$/);
    await page.getByRole('main').getByRole('button', { name: 'Open' }).click();
    await page.waitForURL(`**/${route}`);
    await page.getByText(/Heron|heather/).first().waitFor();
  }
});

/** Which of these words the script's memory holds, once what nobody holds on to is gone. */
async function remembered(page, words) {
  const browser = await page.context().newCDPSession(page);
  const chunks = [];
  browser.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
  await browser.send('HeapProfiler.enable');
  await browser.send('HeapProfiler.collectGarbage');
  await browser.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await browser.detach();
  const { strings } = JSON.parse(chunks.join(''));
  return words.filter((word) => strings.some((text) => text.includes(word)));
}

/** Goes through the rooms, and types; names nothing in the page that is to be looked for there. */
async function live(page) {
  for (const route of ['#/c/1/people', '#/c/1/people/1', '#/c/1/about', '#/c/1/invite', '#/c/1']) await go(page, route);
  await page.locator('.message').first().waitFor();
  await page.locator('.composer textarea').fill('half of a thought');
  await page.locator('.composer summary').click();
  await page.locator('.composer input').fill('a note in front');
  await page.locator('.composer select').selectOption('listen');
}

for (const [how, leave] of [['a lock', async (page) => { await two.heron.run('lock'); await page.waitForURL('**/#/locked'); await page.locator('main form').waitFor(); }],
  ['Hide', async (page) => { await page.locator('button.hide').click(); await isAway(page); }]]) {
  test(`after ${how} the memory of the script holds no word either`, async () => {
    await two.heron.run('unlock');
    await two.heron.run('invite', 'new', 'Evening', '--label', 'for Sam');
    const page = await two.heron.visit(await world.page());
    await live(page);
    const words = [SECRET, 'Heron', 'Otter', 'Evening', 'half of a thought', 'a note in front', 'for Sam'];
    const there = await remembered(page, words);
    for (const word of words.slice(0, 4)) assert.ok(there.includes(word), `${word} is found while it is shown`);
    await leave(page);
    assert.deepEqual(await remembered(page, words), []);
  });
}

const HOSTILE = [
  '<script>document.title="taken"</script>', '<img src=x onerror=document.title="taken">', '<svg/onload=document.title="taken">',
  'javascript:document.title="taken"', '"><iframe srcdoc="<script>parent.document.title=1</script>">', '<a href="javascript:alert(1)">x</a>',
  '<style>*{display:none}</style>', '{{constructor.constructor("document.title=1")()}}', "'-alert(1)-'", '<base href="http://example.org/">',
  '<form action=http://example.org><button>x', '<meta http-equiv=refresh content="0;url=http://example.org">',
  'data:text/html,<script>1</script>', '\u202eevil\u202c', '&lt;script&gt;', '<math><mtext></form><form><mglyph><style></math><img src onerror=1>',
];

test('hostile names and words are shown as they are, and do nothing', async () => {
  await two.heron.run('unlock');
  for (const words of HOSTILE) await two.otter.run('say', 'Evening', words);
  const code = (await two.heron.run('invite', 'new', 'Evening')).split('\n')[0];
  const mallory = await world.home('mallory', 'Mallory');
  await mallory.open();
  await mallory.run('join', code, '--name', '<img src=x onerror=alert(1)>');
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1/waiting');
  await page.getByText('<img src=x onerror=alert(1)>').waitFor();
  await page.getByRole('button', { name: 'Let in', exact: true }).click();
  await until(async () => (await two.heron.run('members', 'Evening')).includes('<img'), 'the newcomer');
  await go(page, '#/c/1/people');
  await page.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).waitFor();
  await go(page, '#/c/1');
  for (const words of HOSTILE) {
    const shown = words.replace(/[\u202a-\u202e]/g, '');
    await until(async () => (await page.locator('.text').allInnerTexts()).some((text) => text.replace(/[\u202a-\u202e]/g, '') === shown), words);
  }
  assert.equal(await page.title(), 'Notes');
  assert.equal(await page.locator('main :is(script, iframe, img, base, meta, style)').count(), 0);
  assert.deepEqual(page.faults, []);
});

test('a link is shown in full and asked about once', async () => {
  await two.otter.run('say', 'Evening', 'see https://example.org/a?b=c for it');
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1');
  const link = page.getByRole('link', { name: 'https://example.org/a?b=c' });
  assert.match(await link.getAttribute('rel'), /noreferrer/);
  await link.click();
  await page.getByRole('dialog').getByText('https://example.org/a?b=c').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'No' }).click();
  assert.equal(page.context().pages().length, 1);
});

test('private details are asked about once before they go out', async () => {
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1');
  for (const [words, asks] of [['call me at +49 170 1234567', true], ['write to heron@example.org.', true],
    ['I live at 12 Elm Street', true], ['9 months, 3 weeks and 2 days', false], ['room 101 at 19:30', false]]) {
    await page.getByLabel('Write a message').fill(words);
    await page.keyboard.press('Enter');
    if (asks) await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click();
    await page.locator('.message.own', { hasText: words }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
  }
});

test('what is typed stays with this browser', async () => {
  const page = await two.heron.visit(await world.page());
  await go(page, '#/c/1');
  const box = page.getByLabel('Write a message');
  for (const [name, value] of [['spellcheck', 'false'], ['autocomplete', 'off'], ['translate', 'no'], ['writingsuggestions', 'false']]) {
    assert.equal(await box.getAttribute(name), value);
  }
  assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie, Object.keys(sessionStorage)]), [0, '', ['t']]);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
});

test('a made passphrase opens again, and a wrong one is said plainly', async () => {
  const chris = await world.home('chris');
  const page = await chris.visit(await world.page());
  const press = (name) => page.getByRole('main').getByRole('button', { name, exact: true }).click();
  await press('Next');
  await page.getByLabel('What do you want to be called?').fill('Chris');
  await press('Next');
  const words = await page.locator('.six li').allInnerTexts();
  await press('Next');
  await press('Begin');
  await page.getByRole('heading', { name: 'Circles' }).waitFor();
  await go(page, '#/settings');
  await press('Lock now');
  await page.getByRole('heading', { name: 'Locked' }).waitFor();
  await page.getByLabel('Passphrase', { exact: true }).fill('something else');
  await press('Open');
  await page.getByText('That is not the passphrase. Type it again.').waitFor();
  await shot(page, 'locked-wrong');
  await page.getByLabel('Passphrase', { exact: true }).fill(words.join(' '));
  await press('Open');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.ok(!(await everything(page)).includes(words.join(' ')));
});

test('nothing was asked of any other place', () => assert.deepEqual(world.foreign, []));
