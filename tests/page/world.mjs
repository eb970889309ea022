// Real relays and nodes in folders of their own, and browsers that look at their pages.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const BIN = process.env.HEARTHLIGHT_BIN;
if (!BIN) throw new Error('HEARTHLIGHT_BIN names the binary under test');
const run = promisify(execFile);

/** Everything that one test began, ended in one call. */
export class World {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'page-'));
    this.children = [];
    this.browsers = [];
    this.foreign = [];
  }

  /** A relay on loopback, running; its address. */
  async relay(name = 'relay') {
    const dir = join(this.dir, name);
    const { stdout } = await run(BIN, ['relay', 'init', '--dir', dir, '--local', String(await freePort()), '--operator', 'Hope']);
    const relay = { dir, address: stdout.split('\n')[0] };
    relay.start = async () => { relay.child = await this.begin(['relay', 'run', '--dir', dir], {}, /Ready on/); };
    relay.stop = () => this.end(relay.child);
    await relay.start();
    return relay;
  }

  /** A home of one person; set up with that name, unless there is none. */
  async home(folder, name) {
    const home = new Home(this, join(this.dir, folder));
    if (name) await home.run('setup', '--name', name, '--no-passphrase');
    return home;
  }

  /** Two people in one circle over one relay: Heron, who is its host, and Otter. */
  async two() {
    const relay = await this.relay();
    const heron = await this.home('heron', 'Heron');
    const otter = await this.home('otter', 'Otter');
    await heron.open();
    await otter.open();
    await heron.run('circle', 'new', 'Evening', '--relay', relay.address);
    const code = (await heron.run('invite', 'new', 'Evening')).split('\n')[0];
    await otter.run('join', code, '--name', 'Otter');
    await heron.admit('Evening', 'Otter');
    await until(async () => (await otter.run('circle', 'list', '--json')).includes('"member"'), 'Otter to be in');
    return { relay, heron, otter };
  }

  /** A process that says when it is ready. */
  begin(args, env, ready) {
    const child = spawn(BIN, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.children.push(child);
    return new Promise((done, no) => {
      const hear = (line) => {
        const found = ready.exec(line);
        if (found) { child.found = found; done(child); }
      };
      createInterface({ input: child.stdout }).on('line', hear);
      createInterface({ input: child.stderr }).on('line', hear);
      child.once('exit', (code) => no(new Error(`${args.join(' ')} ended with ${code}`)));
    });
  }

  async end(child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
  }

  /** A page in a browser with a fresh profile. Requests to anywhere else are noted in `foreign`. */
  async page(options = {}) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
    this.browsers.push(browser);
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.faults = [];
    page.on('pageerror', (error) => page.faults.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML|Trusted Type/.test(message.text())) page.faults.push(message.text());
    });
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (!['127.0.0.1', ''].includes(url.hostname)) this.foreign.push(request.url());
    });
    return page;
  }

  async close() {
    for (const browser of this.browsers) await browser.close();
    for (const child of this.children.reverse()) await this.end(child);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A home with its node, as its person uses it. */
class Home {
  constructor(world, dir) {
    Object.assign(this, { world, dir, env: { HEARTHLIGHT_HOME: dir } });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    rmSync(dir, { recursive: true });
  }

  /** What a verb prints. */
  async run(...args) {
    const { stdout } = await run(BIN, args, { env: { ...process.env, ...this.env } });
    return stdout;
  }

  /** Runs the node with its page, or asks the running one for another link. */
  async open() {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) {
      return LINK.exec(await this.run('open', '--no-browser'))[1];
    }
    this.child = await this.world.begin(['open', '--no-browser'], this.env, LINK);
    return this.child.found[1];
  }

  /** Looks at the page, from its first link on. */
  async visit(page) {
    await page.goto(await this.open());
    await page.locator('h1').waitFor();
    return page;
  }

  /** Lets somebody in, as soon as they are at the door. */
  async admit(circle, name) {
    await until(async () => (await this.run('waiting', circle)).includes(name), `${name} at the door`);
    await this.run('admit', circle, name);
  }

  stop() {
    return this.world.end(this.child);
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Waits for something that no event tells of, and says what, if it does not come. */
export async function until(holds, what, within = 60_000) {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Goes to a room, and waits until it stands there with its words. */
export async function go(page, hash) {
  // A page that was just loaded has no room yet.
  await page.locator('main h1').waitFor({ state: 'attached' });
  await page.evaluate((to) => {
    document.querySelector('h1').dataset.before = '';
    if (location.hash === to) dispatchEvent(new HashChangeEvent('hashchange'));
    else location.hash = to;
  }, hash);
  await page.waitForFunction(() => {
    const h1 = document.querySelector('main:not([aria-busy]) h1');
    return h1 && !('before' in h1.dataset) && h1.textContent && document.activeElement === h1;
  });
}

/** Keeps a picture, where pictures are wanted. */
export async function shot(page, name) {
  if (process.env.PAGE_SHOTS) await page.screenshot({ path: join(process.env.PAGE_SHOTS, `${name}.png`) });
}

/** What axe finds, as lines to read. */
export async function findings(page) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(AXE);
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: { type: 'tag', values: tags } }), TAGS);
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`));
}

export const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

const AXE = (await import('node:fs')).readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// U-124.
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];
const LINK = /(http:\/\/127\.0\.0\.1:\d+\/#k=\S+)/;
export const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
