// What the page costs (U-125), with a CPU four times slower, in a circle of 10,000 messages.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { readdirSync, statSync } from 'node:fs';
import { World, go, until } from './world.mjs';

let world;
let two;
let page;
let slow;
before(async () => {
  world = new World();
  two = await world.two();
  const count = Number(process.env.PAGE_MESSAGES ?? 10_000);
  await fill(two.heron, count);
  // Both nodes have other work until the last one arrived.
  await until(async () => (await two.otter.run('read', 'Evening', '--limit', '1')).includes(`line ${count} `), 'all of it', 300_000);
  page = await two.heron.visit(await world.page());
  slow = await page.context().newCDPSession(page);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: 4 });
});
after(() => world.close());

/** Says many lines, each a message of its own. */
function fill(home, count) {
  const child = spawn(process.env.HEARTHLIGHT_BIN, ['say', 'Evening', '-', '--lines', '--timeout', '0', '--quiet'],
    { env: { ...process.env, ...home.env }, stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(Array.from({ length: count }, (_, at) => `line ${at + 1} ${'of what was said '.repeat(1 + (at % 6))}\n`).join(''));
  return new Promise((done, no) => child.once('exit', (code) => (code === 0 ? done() : no(new Error(`say ended with ${code}`)))));
}

// Times are those of a quiet computer. On one that does other things too, as in CI, PAGE_PATIENCE says how many
// times as long something may take before it is a fault.
const PATIENCE = Number(process.env.PAGE_PATIENCE ?? 1);

const within = (what, ms, most) => {
  console.log(`${what}: ${Math.round(ms)} ms of ${most}`);
  assert.ok(ms <= most * PATIENCE, `${what} took ${Math.round(ms)} ms, and may take ${most * PATIENCE}`);
};
const elements = () => page.locator('.lines > *').count();

test('all files are small and few', () => {
  const root = new URL('../../cli/', import.meta.url).pathname;
  const files = (dir) => readdirSync(root + dir).map((name) => `${dir}/${name}`);
  const served = files('page');
  const size = (file) => statSync(root + file).size;
  // A browser loads the words of one language.
  const words = Math.max(...['en', 'es'].map((language) => size(`strings/${language}/page.ftl`)));
  const bytes = served.reduce((sum, file) => sum + size(file), words);
  console.log(`${served.length} files, ${bytes} bytes with one language`);
  assert.ok(served.length <= 15);
  assert.ok(bytes <= 150 * 1024);
});

test('first paint and a feed that can be used', async () => {
  await go(page, '#/c/1');
  await page.addInitScript(() => {
    new MutationObserver((_, watch) => {
      if (document.querySelectorAll('.message').length < 40 || !document.activeElement.matches('h1')) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => { globalThis.usable = performance.now(); }));
    }).observe(document, { childList: true, subtree: true, attributes: true });
    addEventListener('focusin', () => document.body.toggleAttribute('data-focused'));
  });
  await page.reload();
  await page.waitForFunction(() => globalThis.usable);
  const times = await page.evaluate(() => ({ usable: globalThis.usable,
    paint: performance.getEntriesByName('first-contentful-paint')[0].startTime }));
  within('first paint', times.paint, 300);
  within('feed of 50 usable', times.usable, 800);
});

test('a key press is on the screen at once, an event soon', async () => {
  await go(page, '#/c/1');
  await page.getByLabel('Write a message').fill('said with a slow computer');
  await page.evaluate(() => {
    const from = {};
    globalThis.took = {};
    addEventListener('keydown', (event) => { if (event.key === 'Enter') from.press = event.timeStamp; }, true);
    new MutationObserver((changes) => {
      const text = changes.flatMap((change) => [...change.addedNodes]).map((node) => node.textContent).join(' ');
      // A message comes right after the frame; a timer would come after what the page does next.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const now = performance.now();
        if (/slow computer/.test(text)) globalThis.took.own ??= now - from.press;
        if (globalThis.heard && text.includes(globalThis.wanted)) globalThis.took.other ??= now - globalThis.heard;
      };
      requestAnimationFrame(() => port2.postMessage(null));
    }).observe(document.querySelector('.lines'), { childList: true });
    // A line comes by the stream, or with a page of lines, where the stream was behind.
    const parse = JSON.parse;
    JSON.parse = (line, ...rest) => {
      if (String(line).includes(globalThis.wanted)) globalThis.heard ??= performance.now();
      return parse(line, ...rest);
    };
    Response.prototype.json = async function json() { return JSON.parse(await this.text()); };
  });
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => globalThis.took.own);
  const own = await page.evaluate(() => globalThis.took.own);
  // The first one is the slowest: its script was never run before.
  const others = [];
  for (let time = 0; time < 5; time += 1) {
    const text = `from Otter, ${time}`;
    await page.evaluate((wanted) => { Object.assign(globalThis, { wanted, heard: undefined }); delete globalThis.took.other; }, text);
    await two.otter.run('say', 'Evening', text);
    await page.waitForFunction(() => globalThis.took.other, undefined, { timeout: 60_000 });
    others.push(await page.evaluate(() => Math.round(globalThis.took.other)));
  }
  console.log(`events one after the other: ${others.join(', ')} ms`);
  within('key press to own message', own, 50);
  within('event to screen', others.sort((a, b) => a - b)[2], 100);
});

test('scrolling back through everything keeps few lines, smooth frames and little memory', async () => {
  await page.reload();
  await page.locator('.message').first().waitFor();
  await page.evaluate(() => {
    globalThis.frames = [];
    let before = performance.now();
    const next = (now) => { globalThis.frames.push(now - before); before = now; globalThis.going = requestAnimationFrame(next); };
    requestAnimationFrame(next);
  });
  let most = 0;
  let seen = '';
  for (let page_ = 0; page_ < 24; page_ += 1) {
    if (!(await page.getByRole('button', { name: 'Earlier' }).isVisible())) break;
    const first = await page.locator('.message .text').first().innerText();
    await page.evaluate(() => new Promise((done) => {
      const step = () => {
        scrollBy(0, -160);
        if (scrollY > 0) requestAnimationFrame(step);
        else done();
      };
      step();
    }));
    await until(async () => (await page.locator('.message .text').first().innerText()) !== first, 'earlier lines', 20_000);
    most = Math.max(most, await elements());
    seen = await page.locator('.message .text').first().innerText();
  }
  const frames = (await page.evaluate(() => { cancelAnimationFrame(globalThis.going); return globalThis.frames.slice(5); })).sort((a, b) => a - b);
  console.log(`back to "${seen.slice(0, 12)}", at most ${most} lines in the document`);
  assert.ok(most <= 400, `${most} lines in the document`);
  // Two frames of a screen that draws sixty a second.
  within('p95 frame', frames[Math.floor(frames.length * 0.95)], 34);
  within('longest frame', frames.at(-1), 100);
  await slow.send('HeapProfiler.collectGarbage');
  const { usedSize } = await slow.send('Runtime.getHeapUsage');
  console.log(`script heap ${Math.round(usedSize / 1024 / 1024)} MiB`);
  assert.ok(usedSize <= 64 * 1024 * 1024);
  await page.getByRole('button', { name: 'Back to the newest' }).click();
  await page.locator('.message', { hasText: 'from Otter, 4' }).waitFor();
  assert.ok(await elements() <= 400);
});

test('many arrivals leave no more lines than that either', async () => {
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  const newest = page.getByRole('button', { name: 'Back to the newest' });
  if (await newest.isVisible()) await newest.click();
  await fill(two.otter, 450);
  await page.locator('.message', { hasText: 'line 450 ' }).waitFor({ timeout: 120_000 });
  await until(async () => await elements() <= 400, 'few lines');
  assert.ok(await page.locator('.message', { hasText: 'line 450 ' }).isVisible());
});
