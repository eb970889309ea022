// From nothing to a first message in a circle (U-120), by mouse alone and by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, shot, until } from './world.mjs';

let world;
let heron;
before(async () => {
  world = new World();
  const relay = await world.relay();
  heron = await world.home('heron', 'Heron');
  await heron.open();
  await heron.run('circle', 'new', 'Evening', '--relay', relay.address);
});
after(() => world.close());

const invite = async () => (await heron.run('invite', 'new', 'Evening')).split('\n')[0];

/** Each heading is a screen. */
async function screens(page) {
  const seen = [];
  await page.exposeFunction('seen', (title) => { if (title && seen.at(-1) !== title) seen.push(title); });
  await page.addInitScript(() => {
    const look = () => seen(document.querySelector('h1')?.textContent);
    addEventListener('DOMContentLoaded', () => {
      look();
      new MutationObserver(look).observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true });
    });
  });
  return seen;
}

test('by mouse, eight screens and four questions lead from nothing to a first message', async () => {
  const otter = await world.home('otter');
  const page = await world.page();
  const seen = await screens(page);
  await otter.visit(page);
  let questions = 0;
  const press = (name) => page.getByRole('main').getByRole('button', { name, exact: true }).click();
  const answer = async (label, text) => { questions += 1; await page.getByLabel(label).fill(text); };

  await shot(page, 'welcome-1');
  await press('Next');
  await answer('What do you want to be called?', 'Otter');
  await shot(page, 'welcome-2');
  await press('Next');
  questions += 1;
  await shot(page, 'welcome-3');
  assert.equal(await page.locator('.six li').count(), 6, 'six made words are offered');
  await page.getByLabel('Go without').click();
  assert.match(await page.locator('main').innerText(), /anyone at this computer can read everything/);
  await press('Next');
  await shot(page, 'welcome-4');
  await press('Begin');
  await page.getByRole('main').getByRole('link', { name: 'Join a circle' }).click();
  await answer('Paste your code', await invite());
  await press('Look who it is from');
  await page.getByText('Relay run by').waitFor();
  await shot(page, 'join-cards');
  assert.match(await page.locator('main').innerText(), /It can see: internet addresses/);
  assert.equal(await page.getByLabel('Your name there').inputValue(), 'Otter');
  questions += 1;
  await press('Join');
  await page.getByRole('heading', { name: 'Six words' }).waitFor();
  await shot(page, 'join-waiting');
  const words = await page.locator('.six li').allInnerTexts();
  await until(async () => (await heron.run('waiting', 'Evening')).includes(words.join(' ')), 'the same six words at the door');
  await heron.run('admit', 'Evening', 'Otter');
  await page.getByRole('heading', { name: 'Evening' }).waitFor({ timeout: 60_000 });
  await page.getByLabel('Write a message').fill('good to be here');
  await press('Send');
  await page.locator('.message.own', { hasText: 'good to be here' }).waitFor();
  await until(async () => (await heron.run('read', 'Evening')).includes('good to be here'), 'the message at the other end');
  await shot(page, 'first-message');

  const titles = seen.filter((title) => title !== 'One moment.');
  assert.deepEqual(titles, ['Before you begin', 'Your name', 'Your passphrase', 'Hiding this page', 'Circles', 'Join a circle',
    'Do you want to join?', 'Waiting to be let in', 'Evening']);
  assert.equal(questions, 4);
  assert.deepEqual(page.faults, []);
});

test('the same by keyboard alone', async () => {
  const maple = await world.home('maple');
  const page = await world.page();
  await maple.visit(page);
  const { keyboard } = page;
  /** Tabs until what has the focus is called `name`, as a person would. */
  const tabTo = async (name) => {
    for (let presses = 0; presses < 60; presses += 1) {
      const found = await page.evaluate(() => {
        const at = document.activeElement;
        const shown = at.getBoundingClientRect();
        const top = document.elementFromPoint(shown.x + shown.width / 2, shown.y + Math.min(shown.height / 2, 12));
        return { name: at.labels?.[0]?.textContent ?? at.textContent, clear: at === top || at.contains(top) || at.className === 'skip' };
      });
      if (found.name === name) {
        assert.ok(found.clear, `${name} can be seen when it has the focus`);
        return;
      }
      await keyboard.press('Tab');
    }
    assert.fail(`${name} cannot be reached with Tab`);
  };
  const heading = (name) => page.waitForFunction((wanted) => document.activeElement?.tagName === 'H1'
    && document.activeElement.textContent === wanted, name);

  await heading('Before you begin');
  await tabTo('Next');
  await keyboard.press('Enter');
  await heading('Your name');
  await tabTo('What do you want to be called?');
  await keyboard.type('Maple');
  await keyboard.press('Enter');
  await heading('Your passphrase');
  await tabTo('Use these six words');
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await heading('Hiding this page');
  await tabTo('Begin');
  await keyboard.press('Enter');
  await heading('Circles');
  await page.locator('main').focus();
  await tabTo('Join a circle');
  await keyboard.press('Enter');
  await heading('Join a circle');
  await tabTo('Paste your code');
  await keyboard.insertText(await invite());
  await tabTo('Look who it is from');
  await keyboard.press('Enter');
  await heading('Do you want to join?');
  await tabTo('Your name there');
  await keyboard.press('Enter');
  await heading('Waiting to be let in');
  await heron.admit('Evening', 'Maple');
  await heading('Evening');
  await tabTo('Write a message');
  await keyboard.type('hello from Maple');
  await keyboard.press('Enter');
  await until(async () => (await heron.run('read', 'Evening')).includes('hello from Maple'), 'the message at the other end');
  assert.deepEqual(page.faults, []);
});

test('nothing was asked of any other place', () => assert.deepEqual(world.foreign, []));

// U-145: what the node says of a damaged code comes in fields, and is said in the language of the page.
test('a code with one mistake names the group, and one without its end says how much is here', async () => {
  const maple = await world.home('maple', 'Maple');
  await maple.open();
  const page = await world.page();
  await maple.visit(page);
  await page.getByRole('main').getByRole('link', { name: 'Join a circle' }).click();
  const code = await invite();
  const look = async (typed) => {
    await page.getByLabel('Paste your code').fill(typed);
    await page.getByRole('button', { name: 'Look who it is from' }).click();
  };
  const wrong = code[20] === '7' ? '8' : '7';
  await look(code.slice(0, 20) + wrong + code.slice(21));
  await page.getByText(/Check group 5 \(\P{L}?\w{4}\P{L}?, as typed\)\./u).waitFor();
  await look(code.slice(0, 40));
  await page.getByText(/The end is missing: \P{L}*\d+\P{L}* of \P{L}*\d+\P{L}* groups are here\./u).waitFor();
});
