// Two browsers and a terminal in one circle, with a relay between; and a page that is left open for long.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { World, go, shot, until } from './world.mjs';

let world, two, maple, pages;

before(async () => {
  world = new World();
  two = await world.two();
  maple = await world.home('maple', 'Maple');
  await maple.open();
  const code = (await two.heron.run('invite', 'new', 'Evening')).split('\n')[0];
  await maple.run('join', code, '--name', 'Maple');
  await two.heron.admit('Evening', 'Maple');
  await until(async () => (await maple.run('members', 'Evening')).includes('Otter'), 'Maple to be in');
  pages = [await two.heron.visit(await world.page()), await two.otter.visit(await world.page())];
  for (const page of pages) await go(page, '#/c/1');
});
after(async () => {
  try { tmux('kill-server'); } catch { /* It may have ended by itself. */ }
  await world.close();
});

/** A terminal of its own, in which Maple has the chat open. */
function tmux(...words) {
  return execFileSync('tmux', ['-f', '/dev/null', '-S', join(world.dir, 'tmux'), ...words], { encoding: 'utf8' });
}

/** What the terminal shows, as running text. */
const screen = () => tmux('capture-pane', '-p', '-t', 'maple').replace(/[│\s]+/g, ' ');
const hasTmux = () => { try { execFileSync('tmux', ['-V']); return true; } catch { return false; } };

async function say(page, text) {
  await page.getByLabel('Write a message').fill(text);
  await page.keyboard.press('Enter');
}

const line = (page, text) => page.locator('.message', { hasText: text });

/** Waits until a line has that mark. */
const marked = (page, text, mark) => line(page, text).getByText(mark).waitFor({ timeout: 90_000 });

test('what is said while a room is being opened is in it', async () => {
  const [page, other] = pages;
  let lead;
  const held = new Promise((done) => { lead = done; });
  await go(page, '#/settings');
  await page.route(/\/draft$/, async (route) => { await held; await route.fallback(); });
  const read = page.waitForResponse(/\/messages\?/);
  await page.evaluate(() => { location.hash = '#/c/1'; });
  await (await read).finished();
  await maple.run('say', 'Evening', 'said at the threshold');
  await line(other, 'said at the threshold').waitFor();
  await until(async () => (await two.heron.run('read', 'Evening')).includes('said at the threshold'), 'it to be there');
  lead();
  await line(page, 'said at the threshold').waitFor();
  await page.unroute(/\/draft$/);
});

test('three screens say the same, and tell the truth while the relay is away', { skip: !hasTmux() && 'no tmux' }, async () => {
  tmux('new-session', '-d', '-s', 'maple', '-x', '80', '-y', '24',
    `env HEARTHLIGHT_HOME=${maple.dir} ${process.env.HEARTHLIGHT_BIN} chat`);
  await until(() => screen().includes('Evening'), 'the chat');
  await say(pages[0], 'good evening from a browser');
  await line(pages[1], 'good evening from a browser').waitFor();
  await until(() => screen().includes('good evening from a browser'), 'it in the terminal');
  await marked(pages[0], 'good evening from a browser', /received by [12] of 2|received by all/);
  tmux('send-keys', '-t', 'maple', '-l', 'good evening from a terminal');
  tmux('send-keys', '-t', 'maple', 'Enter');
  for (const page of pages) await line(page, 'good evening from a terminal').waitFor();
  await until(() => /good evening from a terminal [0-9:]+ re(ceived|layed)/.test(screen()), 'its mark');

  await two.relay.stop();
  await say(pages[0], 'said without a relay');
  await say(pages[1], 'this one too');
  tmux('send-keys', '-t', 'maple', '-l', 'and this one');
  tmux('send-keys', '-t', 'maple', 'Enter');
  await marked(pages[0], 'said without a relay', 'waiting');
  await marked(pages[1], 'this one too', 'waiting');
  await until(() => /and this one [0-9:]+ waiting/.test(screen()), 'the terminal to say that it waits');
  assert.equal(await line(pages[1], 'said without a relay').count(), 0);
  assert.ok(!screen().includes('this one too'));
  await shot(pages[0], 'relay-away');

  await two.relay.start();
  for (const text of ['said without a relay', 'this one too', 'and this one']) {
    for (const page of pages) await line(page, text).waitFor({ timeout: 90_000 });
    await until(() => screen().includes(text), `${text} in the terminal`);
  }
  await marked(pages[0], 'said without a relay', /relayed|received/);
  await marked(pages[1], 'this one too', /relayed|received/);
  await until(() => /and this one [0-9:]+ re(layed|ceived)/.test(screen()), 'the terminal to say that it went out');
});

test('who is at the end keeps it, though many lines come while earlier ones are read', async () => {
  const [page] = pages;
  const size = page.viewportSize();
  await fill(two.otter, 'early', 120);
  let go;
  const gone = new Promise((done) => { go = done; });
  const wanted = page.waitForRequest((request) => request.url().includes('before='), { timeout: 20_000 });
  await page.route('**/messages?*before=*', async (route) => { await gone; await route.continue(); });
  // So high that all of the first page is in sight, and what was before it is read at once.
  await page.setViewportSize({ width: 900, height: 4_000 });
  await page.reload();
  await wanted;
  for (let time = 1; time <= 10; time += 1) {
    await fill(two.otter, `then ${time}`, 30);
    await line(page, `then ${time} line 30 `).waitFor({ timeout: 20_000 });
  }
  const answer = page.waitForResponse((response) => response.url().includes('before='), { timeout: 20_000 });
  go();
  await (await answer).finished();
  // It is drawn in frames of its own.
  for (let frames = 0; frames < 10; frames += 1) await page.evaluate(() => new Promise(requestAnimationFrame));
  await fill(two.otter, 'last', 1);
  await line(page, 'last line 1 ').waitFor({ timeout: 20_000 });
  await page.unroute('**/messages?*before=*');
  await page.setViewportSize(size);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
});

test('a page that is left open for a working day stays as light as it was', async () => {
  const [page] = pages;
  const browser = await page.context().newCDPSession(page);
  await browser.send('Performance.enable');
  await page.evaluate(() => {
    let before = performance.now();
    globalThis.frames = [];
    const next = (now) => { globalThis.frames.push(now - before); before = now; requestAnimationFrame(next); };
    requestAnimationFrame(next);
  });
  // Some 200 an hour for eight hours, an hour at a time.
  const hours = [];
  for (let hour = 1; hour <= 8; hour += 1) {
    await fill(two.otter, `hour ${hour}`, 200);
    await line(page, `hour ${hour} line 200 `).waitFor({ timeout: 120_000 });
    // What was on its way out when the last line came is gone with the third time.
    for (let time = 0; time < 3; time += 1) await browser.send('HeapProfiler.collectGarbage');
    const { metrics } = await browser.send('Performance.getMetrics');
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    const frames = (await page.evaluate(() => globalThis.frames.splice(0))).sort((a, b) => a - b);
    // How many lines a burst leaves differs with its pace: what counts is what is there besides.
    const [lines, nodes, listeners] = await page.evaluate(() => {
      const list = document.querySelector('.lines');
      const walker = document.createTreeWalker(list);
      let inside = 0;
      while (walker.nextNode()) inside += 1;
      return [list.children.length, inside, list.querySelectorAll('button').length];
    });
    assert.ok(lines <= 400, `${lines} lines in the document`);
    hours.push({ heap: of('JSHeapUsedSize'), nodes: of('Nodes') - nodes, listeners: of('JSEventListeners') - listeners, lines,
      p95: frames[Math.floor(frames.length * 0.95)] });
  }
  console.log(hours.map((hour) => `${Math.round(hour.heap / 1024)} KiB, ${hour.lines} lines, ${hour.nodes} nodes and ${hour.listeners} listeners besides, frame ${Math.round(hour.p95)} ms`).join('\n'));
  const [early, late] = [hours[2], hours[7]];
  for (const what of ['heap', 'nodes', 'listeners']) {
    assert.ok(late[what] <= early[what] * 1.15, `${what} grew from ${early[what]} to ${late[what]}`);
  }
  // Of a computer that does nothing else; see budget.test.mjs.
  const patience = Number(process.env.PAGE_PATIENCE ?? 1);
  assert.ok(late.p95 <= Math.max(early.p95 * 1.5, 34) * patience, `frames took ${early.p95} ms, and ${late.p95} ms later`);
});

/** Says many lines, each a message of its own. */
function fill(home, start, count) {
  const child = spawn(process.env.HEARTHLIGHT_BIN, ['say', 'Evening', '-', '--lines', '--timeout', '0', '--quiet'],
    { env: { ...process.env, ...home.env }, stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(Array.from({ length: count }, (_, at) => `${start} line ${at + 1} of a day\n`).join(''));
  return new Promise((done, no) => child.once('exit', (code) => (code === 0 ? done() : no(new Error(`say ended with ${code}`)))));
}
