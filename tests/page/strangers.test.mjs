// U-203: what a page at another port, and one at a name rebound to this computer, get from the local page
// while a person has it open in the same browser.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { FLAGS, World, until } from './world.mjs';

let world, page, own, stranger, elsewhere;

before(async () => {
  world = new World();
  const heron = await world.home('heron', 'Heron');
  page = await heron.visit(await world.page());
  own = new URL(page.url()).origin;
  stranger = createServer((request, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'from=another-port; Path=/' });
    answer.end('<!doctype html><title>Elsewhere</title><form method="post" enctype="text/plain"></form>');
  });
  await new Promise((done) => stranger.listen(0, '127.0.0.1', done));
  elsewhere = `http://127.0.0.1:${stranger.address().port}/`;
});
after(async () => {
  stranger.close();
  await world.close();
});

/** A tab elsewhere, in the browser that has the page open, and what our port answers to it: also what the
 * browser then keeps from that tab. */
async function tab() {
  const other = await page.context().newPage();
  await other.goto(elsewhere);
  const network = await page.context().newCDPSession(other);
  await network.send('Network.enable');
  const asked = new Map();
  const answers = [];
  network.on('Network.requestWillBeSent', ({ requestId, request }) => asked.set(requestId, `${request.method} ${request.url}`));
  network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => answers.push([requestId, statusCode]));
  return { other, answers: () => answers.map(([id, status]) => [asked.get(id) ?? '', status]).filter(([what]) => what.includes(own)) };
}

/** All were refused, and there were so many. */
function refused(answers, most) {
  assert.ok(answers.length >= most, `asked: ${JSON.stringify(answers)}`);
  for (const answer of answers) assert.ok([403, 405].includes(answer[1]), answer.join(' '));
}

test('a page at another port reads nothing and does nothing', async () => {
  const { other, answers } = await tab();
  const outcomes = await other.evaluate(async (to) => {
    const tried = {};
    const attempt = async (name, doing) => {
      try { tried[name] = await doing(); } catch { tried[name] = 'refused'; }
    };
    const json = { 'Content-Type': 'application/json' };
    await attempt('read', async () => (await fetch(`${to}/v1/status`)).status);
    await attempt('read with a header', async () => (await fetch(`${to}/v1/status`, { headers: { Authorization: 'Bearer x' } })).status);
    await attempt('act', async () => (await fetch(`${to}/v1/session`, { method: 'POST', headers: json, body: '{}' })).status);
    await attempt('act as a form does', async () => (await fetch(`${to}/v1/lock`, { method: 'POST', mode: 'no-cors', body: '{}' })).type);
    await attempt('help', async () => (await fetch(`${to}/v1/help`)).status);
    await attempt('with cookies', async () => (await fetch(`${to}/v1/status`, { credentials: 'include' })).status);
    const part = (name, tag, place, path) => attempt(name, () => new Promise((done) => {
      const it = document.createElement(tag);
      it[place] = to + path;
      if (tag === 'link') it.rel = 'stylesheet';
      it.onload = () => done('there');
      it.onerror = () => done('refused');
      document.head.append(it);
    }));
    await part('script', 'script', 'src', '/shell.js');
    await part('style', 'link', 'href', '/style.css');
    await part('picture', 'img', 'src', '/icon.svg');
    await attempt('stream', () => new Promise((done) => {
      const stream = new EventSource(`${to}/v1/events`);
      stream.onopen = () => done('there');
      stream.onerror = () => { stream.close(); done('refused'); };
    }));
    await attempt('socket', () => new Promise((done) => {
      const socket = new WebSocket(`${to.replace('http', 'ws')}/v1/events`);
      socket.onopen = () => done('there');
      socket.onerror = () => done('refused');
    }));
    return tried;
  }, own);
  for (const [name, outcome] of Object.entries(outcomes)) assert.equal(outcome, 'refused', name);
  refused(answers(), 8);
});

test('a page at another port cannot show, open or send a person to this one', async () => {
  for (const going of [
    (to) => location.assign(`${to}/`),
    (to) => location.assign(`${to}/away`),
    (to) => location.assign(`${to}/#k=${'A'.repeat(43)}`),
    (to) => { document.forms[0].action = `${to}/v1/session`; document.forms[0].submit(); },
  ]) {
    const { other, answers } = await tab();
    await other.evaluate(going, own);
    await until(() => answers().length > 0, 'an answer');
    refused(answers(), 1);
    await other.close();
  }
  const { other, answers } = await tab();
  await other.evaluate((to) => { const frame = document.createElement('iframe'); frame.src = `${to}/`; document.body.append(frame); }, own);
  await until(() => answers().length > 0, 'an answer');
  refused(answers(), 1);
  await until(() => other.frames()[1].url().startsWith('chrome-error:'), 'no page in the frame');
});

test('the page sets no cookie, and needs none of those that reach it', async () => {
  await tab();
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map((cookie) => cookie.name), ['from'], 'the other port set one, which reaches this port too');
  assert.equal(await page.evaluate(() => document.cookie), 'from=another-port');
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

test('a name that leads to this computer is not answered', async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, '--host-resolver-rules=MAP rebound.example.org 127.0.0.1'],
  });
  world.browsers.push(browser);
  const rebound = await browser.newPage();
  const port = new URL(own).port;
  for (const path of ['/', '/away', '/shell.js', '/v1/help', '/v1/status']) {
    const answered = rebound.waitForEvent('response');
    // An empty answer is shown as the browser's own page, which Playwright takes for a fault.
    await rebound.goto(`http://rebound.example.org:${port}${path}`).catch(() => null);
    assert.equal((await answered).status(), 403, path);
    await rebound.waitForURL(/^chrome-error:/);
  }
});

test('a second tab has no token', async () => {
  const second = await page.context().newPage();
  await second.goto(`${own}/`);
  await second.getByText('hearthlight open').waitFor();
  assert.equal(await second.evaluate(() => sessionStorage.length), 0);
  const answer = await second.evaluate(async () => (await fetch('/v1/status')).status);
  assert.equal(answer, 401);
});
