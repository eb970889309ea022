// The pictures of docs/page.md, taken of real pages where PAGE_SHOTS names a folder.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, go, shot, wide } from './world.mjs';

let world;
before(() => { world = new World(); });
after(() => world.close());

test('the rooms of the documents', async () => {
  const two = await world.two();
  const page = await two.heron.visit(await world.page({ viewport: { width: 1040, height: 680 } }));
  await go(page, '#/c/1');
  const otter = (text, ...more) => two.otter.run('say', 'Evening', text, ...more);
  const heron = (text) => two.heron.run('say', 'Evening', text);
  await heron('made it to day four');
  await otter('Good to hear. The evenings were the hard part for me, so I began to walk after supper.');
  await heron('I might try that. It is quiet here now, and I like it more than I thought I would.');
  await otter('anyone up?', '--wants', 'listen');
  await page.getByText('Wishes to be heard, not answered.').waitFor();
  await page.getByLabel('Write a message').fill('yes. I have time tonight');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.equal(await wide(page), false);
    await shot(page, colorScheme === 'light' ? 'page-talk' : 'page-night');
  }
  await page.getByLabel('Write a message').fill('');
  await page.setViewportSize({ width: 320, height: 480 });
  await page.emulateMedia({ colorScheme: 'light' });
  await go(page, '#/help');
  await page.getByRole('button', { name: 'United States' }).click();
  await page.getByText('988').first().waitFor();
  await shot(page, 'page-help');

  const maple = await world.home('maple', 'Maple');
  const joining = await maple.visit(await world.page({ viewport: { width: 1040, height: 680 } }));
  await go(joining, '#/join');
  await joining.getByLabel('Paste your code').fill((await two.heron.run('invite', 'new', 'Evening')).split('\n')[0]);
  await joining.getByRole('button', { name: 'Look who it is from' }).click();
  await joining.getByRole('heading', { name: 'Do you want to join?' }).waitFor();
  await joining.setViewportSize({ width: 1040, height: 560 });
  await shot(joining, 'page-join');
});
