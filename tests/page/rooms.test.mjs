// What is done in the rooms of a circle, by mouse and keyboard, and what comes of it at the other side.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { World, go, shot, until } from './world.mjs';

let world, hope, second, heron, otter, maple, wren, pages;
before(async () => {
  world = new World();
  hope = await world.relay();
  second = await world.relay('second');
  for (const name of ['Heron', 'Otter', 'Maple', 'Wren']) await world.home(name.toLowerCase(), name).then((home) => { homes[name] = home; });
  ({ Heron: heron, Otter: otter, Maple: maple, Wren: wren } = homes);
  pages = {};
  for (const [name, home] of Object.entries(homes)) pages[name] = await home.visit(await world.page());
});
after(() => world.close());

const homes = {};
const main = (page) => page.getByRole('main');
const press = (page, name) => main(page).getByRole('button', { name, exact: true }).click();
const answer = (page, name) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click();
const reads = (page, text) => page.getByText(text).first().waitFor({ timeout: 60_000 });
const titled = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor({ timeout: 60_000 });
const json = async (home, ...verb) => (await home.run(...verb, '--json')).trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
const known = async (home, name) => (await json(home, 'members', 'Evening')).find((member) => member.name === name);
const told = (page) => page.waitForFunction(() => document.getElementById('told').textContent === 'Saved.');

/** Opens the page of a member by the names in the list. */
async function member(page, name) {
  await go(page, '#/c/1/people');
  await main(page).getByRole('link', { name, exact: true }).click();
  await titled(page, name);
}

/** Makes a code on Heron's page. */
async function code(label) {
  const page = pages.Heron;
  await go(page, '#/c/1/invite');
  if (label) {
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Who it is for').fill(label);
  }
  await press(page, 'Make a code');
  await reads(page, 'Here is the code');
  return (await page.locator('.groups').innerText()).trim();
}

/** Asks to be let in, up to the six words. */
async function knock(page, invite, name) {
  await go(page, '#/join');
  await page.getByLabel('Paste your code').fill(invite);
  await press(page, 'Look who it is from');
  await titled(page, 'Do you want to join?');
  await page.getByLabel('Your name there').fill(name);
  await press(page, 'Join');
  await reads(page, 'Six words');
}

test('a circle is started on the page, a mistyped relay first, up to the first code', async () => {
  const page = pages.Heron;
  await page.getByRole('main').getByRole('link', { name: 'Start a circle' }).click();
  await titled(page, 'Start a circle');
  await press(page, 'Start the circle');
  await reads(page, 'Something is empty here. Fill it in.');
  await page.getByLabel('Name of the circle').fill('Evening');
  await page.getByLabel('Address of a relay').fill(hope.address.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
  await press(page, 'Start the circle');
  await reads(page, 'The relay address cannot be read.');
  await shot(page, 'rooms-start-mistyped');
  assert.deepEqual(await json(heron, 'circle', 'list'), [], 'nothing was begun');
  await page.getByLabel('Address of a relay').fill(hope.address);
  await press(page, 'Start the circle');
  await titled(page, 'Invite');
  assert.deepEqual((await json(heron, 'circle', 'list')).map((circle) => [circle.label, circle.roles, circle.relays_up]), [['Evening', ['host'], 1]]);
  const invite = await code();
  await shot(page, 'rooms-first-code');
  await knock(pages.Otter, invite, 'Otter');
  const words = await pages.Otter.locator('.six li').allInnerTexts();
  await main(page).getByRole('link', { name: 'At the door' }).click();
  await reads(page, 'They see the same six words:');
  assert.deepEqual(await page.locator('.six li').allInnerTexts(), words);
  await press(page, 'Let in');
  await reads(page, 'Otter is in.');
  await titled(pages.Otter, 'Evening');
  assert.equal((await known(otter, 'Heron')).roles[0], 'host');
});

test('a code that was taken back opens nothing', async () => {
  const page = pages.Heron;
  const invite = await code('for Sam');
  const row = page.getByRole('listitem').filter({ hasText: 'for Sam' });
  await row.getByRole('button', { name: 'Take back' }).click();
  await answer(page, 'No');
  assert.equal((await json(heron, 'invite', 'list', 'Evening')).find((one) => one.label === 'for Sam').state, 'live');
  await row.getByRole('button', { name: 'Take back' }).click();
  await answer(page, 'Take it back');
  await page.getByText('Codes of before').click();
  await row.getByText('taken back').waitFor();
  await shot(page, 'rooms-code-taken-back');
  assert.equal((await json(heron, 'invite', 'list', 'Evening')).find((one) => one.label === 'for Sam').state, 'revoked');
  await go(pages.Wren, '#/join');
  await pages.Wren.getByLabel('Paste your code').fill(invite);
  await until(async () => {
    await press(pages.Wren, 'Look who it is from');
    await pages.Wren.getByRole('alert').or(pages.Wren.getByText('Do you want to join?')).first().waitFor();
    return !(await pages.Wren.getByText('Do you want to join?').count());
  }, 'the relay to know that it was taken back');
  await reads(pages.Wren, 'This invite was taken back. Ask for a new one.');
  await shot(pages.Wren, 'rooms-join-taken-back');
});

test('who is not let in is told so, and can ask again', async () => {
  const page = pages.Heron;
  await knock(pages.Wren, await code('Wren'), 'Wren');
  await page.locator('#circles').getByText('1 person waits').waitFor();
  await go(page, '#/c/1/waiting');
  await reads(page, 'With the code for Wren');
  await shot(page, 'rooms-door');
  await press(page, 'Do not let in');
  await answer(page, 'No');
  assert.equal((await json(heron, 'waiting', 'Evening')).length, 1);
  await press(page, 'Do not let in');
  await answer(page, 'Do not let in');
  await reads(page, 'Wren was told that it is not possible this time.');
  await reads(pages.Wren, 'The circle did not let you in this time.');
  await shot(pages.Wren, 'rooms-declined');
  await pages.Wren.reload();
  await pages.Wren.locator('h1:focus').waitFor();
  await reads(pages.Wren, 'The circle did not let you in this time.');
  assert.equal(await known(heron, 'Wren'), undefined);
  await shot(pages.Wren, 'rooms-declined-later');
  await press(pages.Wren, 'Remove from this computer');
  await reads(pages.Wren, 'You are not in a circle yet.');

  await knock(pages.Wren, await code(), 'Wren');
  await pages.Heron.getByRole('link', { name: 'At the door' }).click();
  await press(page, 'Let in');
  // What was pressed is gone; who uses the keyboard goes on from the room's heading.
  await page.locator('h1:focus').waitFor();
  await titled(pages.Wren, 'Evening');
  await knock(pages.Maple, await code(), 'Maple');
  await pages.Heron.getByRole('link', { name: 'At the door' }).click();
  await press(page, 'Let in');
  await titled(pages.Maple, 'Evening');
  await until(async () => await known(otter, 'Maple'), 'Maple, for Otter');
});

test('a role is given and taken back, and opens and shuts the door', async () => {
  const page = pages.Heron;
  await go(pages.Otter, '#/c/1');
  assert.equal(await pages.Otter.getByRole('link', { name: 'At the door' }).count(), 0);
  // A change of settings reads the circles anew, below an open room.
  await otter.run('config', 'set', 'page.title', 'Lists');
  await pages.Otter.waitForFunction(() => document.title === 'Lists');
  await member(page, 'Otter');
  await page.getByLabel('Another role').selectOption({ label: 'steward' });
  await press(page, 'Give this role');
  await page.getByRole('button', { name: 'Take back: steward' }).waitFor();
  await shot(page, 'rooms-member');
  await until(async () => (await known(otter, 'Otter')).roles.includes('steward'), 'Otter to hear of the role');
  await pages.Otter.getByRole('link', { name: 'At the door' }).click();
  await titled(pages.Otter, 'At the door');
  await go(pages.Otter, '#/c/1/people');
  await reads(pages.Otter, /^You · steward/);
  await press(page, 'Take back: steward');
  await told(page);
  await until(async () => !(await known(otter, 'Otter')).roles.length, 'Otter to hear that it was taken back');
  await pages.Otter.getByRole('link', { name: 'At the door' }).waitFor({ state: 'detached' });
  await reads(pages.Otter, /^You · since/);
  // U-43: the circle reads it between what is said.
  await go(pages.Maple, '#/c/1');
  for (const line of ['Otter is steward now.', 'Otter is steward no more.']) await reads(pages.Maple, line);
  await otter.run('vote', 'new', 'Evening', 'Shall we have tea?');
  await reads(pages.Maple, 'Otter asks the circle: Shall we have tea?');
});

test('the circle is asked, chooses, changes its mind and decides', async () => {
  const card = (page) => page.locator('.card', { hasText: 'Shall we meet at seven?' });
  await go(pages.Otter, '#/c/1/votes');
  await reads(pages.Otter, 'Shall we have tea?');
  await go(pages.Heron, '#/c/1/votes');
  await press(pages.Heron, 'Ask the circle');
  await reads(pages.Heron, 'Something is empty here. Fill it in.');
  await pages.Heron.getByLabel('What do you ask?').fill('Shall we meet at seven?');
  await press(pages.Heron, 'Ask the circle');
  await card(pages.Heron).waitFor();
  await card(pages.Otter).waitFor();
  const chooses = (page, name) => card(page).getByRole('button', { name, exact: true });
  await chooses(pages.Otter, 'No').click();
  await card(pages.Otter).locator('[aria-pressed=true]', { hasText: 'No' }).waitFor();
  assert.equal(await pages.Otter.evaluate(() => document.activeElement.textContent), 'No', 'the focus stays');
  await card(pages.Heron).getByText('Who chose what').click();
  await card(pages.Heron).getByText('No: Otter').waitFor({ timeout: 60_000 });
  await chooses(pages.Otter, 'Yes').click();
  await card(pages.Heron).getByText('Yes: Otter').waitFor({ timeout: 60_000 });
  await shot(pages.Otter, 'rooms-votes');
  await chooses(pages.Heron, 'Yes').click();
  for (const home of [maple, wren]) {
    const vote = async () => (await json(home, 'vote', 'list', 'Evening')).find((one) => one.text.includes('seven'));
    await until(vote, 'the question to come');
    await home.run('vote', 'cast', 'Evening', (await vote()).id, 'yes');
  }
  for (const page of [pages.Heron, pages.Otter]) {
    await card(page).getByText('It was carried.').waitFor({ timeout: 60_000 });
    assert.equal(await chooses(page, 'Yes').count(), 0);
  }
  // What follows by itself is asked about first.
  const text = pages.Heron.getByLabel('What do you ask?');
  await text.fill('A year with us.');
  await main(pages.Heron).getByText('More', { exact: true }).click();
  await pages.Heron.getByLabel('If it is carried').selectOption({ label: 'Somebody is given a role' });
  await press(pages.Heron, 'Ask the circle');
  await reads(pages.Heron, 'Something is empty here. Fill it in.');
  await pages.Heron.getByLabel('Whom it is about').selectOption({ label: 'Otter' });
  assert.equal(await pages.Heron.getByText('Something is empty here.').count(), 0);
  await press(pages.Heron, 'Ask the circle');
  await answer(pages.Heron, 'No');
  assert.equal(await text.inputValue(), 'A year with us.');
  await press(pages.Heron, 'Ask the circle');
  await answer(pages.Heron, 'Ask the circle');
  await reads(pages.Heron, 'If it is carried, Otter has this role: host.');
  assert.equal(await text.inputValue(), '');
  await text.fill('Who keeps the time?');
  await pages.Heron.getByLabel('If it is carried').selectOption({ label: 'Somebody is given a role' });
  await pages.Heron.getByLabel('Whom it is about').selectOption({ label: 'Wren' });
  await pages.Heron.getByLabel('Which role').selectOption({ label: 'timekeeper' });
  await press(pages.Heron, 'Ask the circle');
  await answer(pages.Heron, 'Ask the circle');
  await reads(pages.Heron, 'If it is carried, Wren has this role: timekeeper.');
  await text.fill('A shorter name?');
  await pages.Heron.getByLabel('If it is carried').selectOption({ label: 'The circle has a new name' });
  await pages.Heron.getByLabel('The new name').fill('Dusk');
  await press(pages.Heron, 'Ask the circle');
  await answer(pages.Heron, 'Ask the circle');
  await reads(pages.Heron, 'If it is carried, the circle is named Dusk.');
});

test('one gives one\'s own role back, and an only host cannot', async () => {
  const page = pages.Heron;
  await member(page, 'Heron');
  await press(page, 'Take back: host');
  await reads(page, 'You are the only host. Make somebody else a host first.');
  await member(page, 'Wren');
  await press(page, 'Make host');
  await page.getByText(/^host · since/).waitFor();
  await press(page, 'Remove');
  await answer(page, 'Remove');
  await reads(page, 'One host cannot do this to another host.');
  await until(async () => (await known(wren, 'Wren')).roles.includes('host'), 'Wren to be a host');
  await member(pages.Wren, 'Wren');
  await press(pages.Wren, 'Take back: host');
  await pages.Wren.getByText(/^You · since/).waitFor();
  await until(async () => !(await known(heron, 'Wren')).roles.length, 'Heron to hear of it');
});

test('what a member says on hold is set aside, and shown when the hold ends', async () => {
  const page = pages.Heron;
  await member(page, 'Otter');
  await page.getByLabel('For', { exact: true }).selectOption({ label: '1 hour' });
  await press(page, 'Hold');
  await reads(page, 'What this member says is set aside now');
  await shot(page, 'rooms-held');
  await until(async () => (await known(otter, 'Otter')).state === 'held' && (await known(maple, 'Otter')).state === 'held', 'all to hear of the hold');
  await go(pages.Maple, '#/c/1');
  await otter.run('say', 'Evening', 'said on hold');
  await otter.run('say', 'Evening', 'and this');
  await heron.run('say', 'Evening', 'a word of Heron');
  await reads(pages.Maple, 'a word of Heron');
  assert.equal(await pages.Maple.getByText('said on hold').count(), 0);
  await press(page, 'End the hold');
  await page.getByRole('button', { name: 'Hold', exact: true }).waitFor();
  await reads(pages.Maple, 'said on hold');
  assert.equal((await known(maple, 'Otter')).state, 'active');
  await press(page, 'Hold');
  await reads(page, 'There was a hold in the last 14 days. Talk about it in the circle.');
});

test('a block hides what a member says here alone, and ends', async () => {
  const page = pages.Heron;
  await member(page, 'Maple');
  await press(page, 'Block');
  await page.getByText(/blocked by you/).waitFor();
  await shot(page, 'rooms-blocked');
  await go(pages.Maple, '#/c/1');
  await pages.Maple.getByLabel('Write a message').fill('said by Maple');
  await pages.Maple.keyboard.press('Enter');
  await go(pages.Otter, '#/c/1');
  await reads(pages.Otter, 'said by Maple');
  await go(page, '#/c/1');
  await otter.run('say', 'Evening', 'said after Maple');
  await reads(page, 'said after Maple');
  assert.equal(await page.getByText('said by Maple').count(), 0);
  assert.equal((await known(maple, 'Heron')).blocked, false, 'nobody is told');
  await member(page, 'Maple');
  await press(page, 'Stop blocking');
  await page.getByRole('button', { name: 'Block', exact: true }).waitFor();
  await go(page, '#/c/1');
  await reads(page, 'said by Maple');
});

test('a second relay is added and removed, and all go along', async () => {
  const page = pages.Heron;
  const relays = async (home) => (await json(home, 'circle', 'relay', 'Evening', 'list')).length;
  await go(page, '#/c/1/about');
  await page.getByLabel('Address of another relay').fill(second.address.slice(0, -3));
  await press(page, 'Add this relay');
  await reads(page, 'The relay address cannot be read.');
  await page.getByLabel('Address of another relay').fill(second.address);
  await press(page, 'Add this relay');
  await until(async () => await page.getByText('Can be reached').count() === 2, 'two relays in reach');
  await shot(page, 'rooms-relays');
  await until(async () => await relays(otter) === 2, 'Otter to use both');
  await go(pages.Otter, '#/c/1/about');
  assert.equal(await pages.Otter.getByRole('button', { name: 'Remove this relay' }).count(), 0, 'that is for a host');
  const address = second.address.split('/token/')[0];
  const card = page.locator('.card', { hasText: address });
  await card.getByRole('button', { name: 'Remove this relay' }).click();
  await answer(page, 'Remove this relay');
  await card.waitFor({ state: 'detached' });
  await until(async () => await relays(otter) === 1, 'Otter to use one');
  await until(async () => await pages.Otter.locator('.card', { hasText: address }).count() === 0, 'its card to go at Otter too');
  await page.getByRole('button', { name: 'Remove this relay' }).click();
  await reads(page, 'It is the only one.');
  await answer(page, 'No');
  assert.equal(await relays(heron), 1);
});

test('a removed member is told at once, and hears nothing more', async () => {
  const page = pages.Heron;
  await go(pages.Maple, '#/c/1/people');
  const open = await code('still open');
  await member(page, 'Maple');
  await page.getByLabel('Reason').fill('we talked about it');
  await press(page, 'Remove');
  await page.getByRole('dialog').getByText('What they have read and copied stays with them.').waitFor();
  await answer(page, 'Remove');
  await reads(page, /Maple. is removed. \d open code/);
  // Nobody else has come to the same place.
  await page.getByRole('button', { name: 'Remove' }).waitFor({ state: 'detached' });
  await titled(page, 'Maple');
  await shot(page, 'rooms-removed-by');
  await reads(pages.Maple, 'You are not in this circle any more.');
  await shot(pages.Maple, 'rooms-removed');
  await pages.Maple.getByRole('link', { name: 'What was said before' }).click();
  await reads(pages.Maple, 'said by Maple');
  assert.equal(await pages.Maple.getByLabel('Write a message').count(), 0);
  await heron.run('say', 'Evening', 'after the removal');
  await go(pages.Otter, '#/c/1');
  await reads(pages.Otter, 'Maple was removed.');
  await reads(pages.Otter, 'after the removal');
  assert.equal(await pages.Maple.getByText('after the removal').count(), 0);
  assert.ok(!(await maple.run('read', 'Evening', '--limit', '0')).includes('after the removal'));
  assert.equal((await known(heron, 'Maple')).state, 'removed');
  assert.ok(open.startsWith('HL1'));
});

test('a circle that is over for one is erased from this computer', async () => {
  await go(pages.Maple, '#/c/1/about');
  await press(pages.Maple, 'Remove from this computer');
  await answer(pages.Maple, 'No');
  assert.equal((await json(maple, 'circle', 'list')).length, 1);
  await press(pages.Maple, 'Remove from this computer');
  await answer(pages.Maple, 'Remove it');
  await reads(pages.Maple, 'You are not in a circle yet.');
  assert.deepEqual(await json(maple, 'circle', 'list'), []);
  await maple.run('circle', 'new', 'Morning', '--relay', hope.address);
  await titled(pages.Maple, 'Morning');
});

test('who leaves is out, and the others read it', async () => {
  await go(pages.Otter, '#/c/1/about');
  await press(pages.Otter, 'Leave the circle');
  await pages.Otter.getByRole('dialog').getByText('You need no reason.').waitFor();
  assert.equal(await pages.Otter.getByText('You are its only host.').count(), 0);
  await answer(pages.Otter, 'Leave');
  await reads(pages.Otter, 'You left this circle.');
  await shot(pages.Otter, 'rooms-left');
  await go(pages.Heron, '#/c/1');
  await reads(pages.Heron, 'Otter left.');
  assert.equal((await known(heron, 'Otter')).state, 'left');
});

test('an only host is asked, and can leave all the same', async () => {
  const page = pages.Heron;
  await go(page, '#/c/1/about');
  await press(page, 'Leave the circle');
  await reads(page, 'You are its only host.');
  await shot(page, 'rooms-only-host');
  await answer(page, 'No');
  assert.equal((await json(heron, 'circle', 'list'))[0].state, 'member');
  await press(page, 'Leave the circle');
  await answer(page, 'Leave');
  await reads(page, 'You left this circle.');
  await until(async () => (await known(wren, 'Heron')).state === 'left', 'Wren to hear of it');
});

test('nobody there for a while locks, and the passphrase opens again, a wrong one first', async () => {
  const chris = await world.home('chris');
  const page = await chris.visit(await world.page());
  await press(page, 'Next');
  await page.getByLabel('What do you want to be called?').fill('Chris');
  await press(page, 'Next');
  await page.getByLabel('Choose my own').check();
  await page.getByLabel('Your passphrase').fill('lamp river stone');
  await page.getByLabel('The same again').fill('lamp river');
  await press(page, 'Next');
  await reads(page, 'The two are not the same.');
  await page.getByLabel('The same again').fill('lamp river stone');
  await press(page, 'Next');
  await press(page, 'Begin');
  await titled(page, 'Circles');
  await go(page, '#/settings');
  assert.equal(await page.getByLabel('Lock by itself after').inputValue(), '15m');
  // The choices of the page begin with minutes; the setting itself takes a second.
  await page.evaluate(async () => (await import('/api.js')).call('PATCH', '/config', { 'lock.after': '1s' }));
  await titled(page, 'Locked');
  await shot(page, 'rooms-locked');
  assert.equal(JSON.parse(await chris.run('status', '--json')).state, 'locked');
  await page.getByLabel('Passphrase', { exact: true }).fill('lamp river');
  await page.keyboard.press('Enter');
  await reads(page, 'That is not the passphrase. Type it again.');
  await page.getByLabel('Passphrase', { exact: true }).fill('lamp river stone');
  await page.keyboard.press('Enter');
  await titled(page, 'Settings');
  await titled(page, 'Locked');
  assert.deepEqual(page.faults, []);
});

test('settings are kept as soon as they are chosen', async () => {
  const page = pages.Wren;
  await go(page, '#/settings');
  const config = () => page.evaluate(async () => (await import('/api.js')).read('/config'));
  const kept = async (act, key, value) => {
    await act();
    await until(async () => (await config())[key] === value, `${key} to be ${value}`);
  };
  await kept(() => page.getByLabel('an empty page').check(), 'page.away', 'blank');
  await kept(() => page.getByLabel('say nothing').check(), 'notify.mode', 'off');
  await kept(() => page.getByLabel('Lock by itself after').selectOption({ label: '1 hour' }), 'lock.after', '1h');
  await kept(() => page.getByLabel('Let the browser check my spelling').check(), 'page.spellcheck', true);
  await kept(() => page.getByLabel('Country').selectOption({ label: 'Australia' }), 'country', 'AU');
  await page.getByLabel('Name of this tab').fill('Recipes');
  await kept(() => page.keyboard.press('Enter'), 'page.title', 'Recipes');
  await page.waitForFunction(() => document.title === 'Recipes');
  await page.getByLabel('From', { exact: true }).fill('22:00');
  await page.getByLabel('To', { exact: true }).fill('07:30');
  await kept(() => page.keyboard.press('Enter'), 'notify.quiet', '22:00-07:30');
  await shot(page, 'rooms-settings');
  await kept(() => page.getByLabel('Language').selectOption('es'), 'language', 'es');
  await titled(page, 'Ajustes');
  await page.reload();
  await titled(page, 'Ajustes');
  assert.equal(await page.getByLabel('Desde', { exact: true }).inputValue(), '22:00');
  await page.getByLabel('Idioma').selectOption('en');
  await titled(page, 'Settings');
});

test('everything is erased, and the page shows the notes', async () => {
  const page = pages.Wren;
  await go(page, '#/settings');
  await press(page, 'Erase everything');
  await answer(page, 'No');
  assert.ok(existsSync(wren.dir));
  await press(page, 'Erase everything');
  await shot(page, 'rooms-erase');
  await answer(page, 'Erase it');
  await page.waitForURL(/\/away/);
  await page.waitForLoadState();
  assert.equal(await page.title(), 'Notes');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await shot(page, 'rooms-erased');
  assert.ok(!existsSync(wren.dir), 'nothing is left of the home');
  await until(() => wren.child.exitCode !== null, 'the node to end');
});

test('nothing was asked of any other place, and nothing was stopped by the policy', () => {
  assert.deepEqual(world.foreign, []);
  for (const page of Object.values(pages)) assert.deepEqual(page.faults, []);
});
