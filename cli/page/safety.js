// Get help now and Hide: there on every route, whatever else is not (U-121, U-122).
import { here, leave, read, turned } from './api.js';
import { t, tt, date, has, list, named } from './text.js';
import { el, h2, link, p } from './parts.js';

const packs = new Map();
let country = null;

/** Takes the help lines of every country into memory, so that they are there when the node is not. */
export async function prefetchHelp() {
  const said = await read('/help');
  country ??= said.country;
  const all = await Promise.all(said.countries.map((code) => read(`/help?country=${code}`)));
  all.forEach((pack, at) => packs.set(said.countries[at], pack));
}

/** Help for one country, or the choice of a country. Static text; nothing opens it unasked. */
export function help(room) {
  room.title(t('help-title'));
  const pack = packs.get(country ?? here.config.country);
  const lines = byService(pack?.items ?? []).slice(0, 4);
  const choices = lines.length ? lines.map(service) : countries(room);
  if (lines.length) choices.push(here.condition === 'open' && here.circles.length ? circles() : other(room));
  const shown = el('ol.choices', {}, choices.map((choice) => el('li', {}, choice)));
  room.on('digit', (digit) => {
    const choice = choices[digit - 1];
    if (!choice) return;
    const inner = choice.querySelector('summary') ?? choice;
    inner.focus();
    inner.click();
  });
  room.show(p(lines.length ? 'help-intro' : 'help-country'), shown, p('help-danger'),
    lines.length && !pack.checked ? p('help-unchecked') : null, el('section.card', {}, h2('help-card'),
      el('ul', {}, [1, 2, 3, 4, 5].map((n) => el('li', {}, tt(`help-card-${n}`)))), p('help-stopping')),
    el('div.row', {}, link('back', room.back, {}, { className: 'as-button' }),
      lines.length && here.circles.length && here.condition === 'open' ? other(room) : null));
}

/** One service, with each of its ways to be reached. */
function service(items) {
  const [first] = items;
  const ways = items.map((item) => item.channel === 'text' && item.say
    ? t('help-text-say', { say: item.say, number: item.number })
    : t(has(`help-${item.channel}`) ? `help-${item.channel}` : 'help-call', { number: item.number }));
  return el('details', { name: 'help' },
    el('summary', {}, el('strong.number', {}, ways.join(' · ')), el('span', {}, first.service)),
    el('p', {}, [first.hours, list(first.languages.map((tag) => named('language', tag)))].join(' · ')),
    el('p.hint', {}, tt(first.old ? 'help-old' : 'help-read', { date: date(first.checked_on) }), ' ', first.source));
}

function byService(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.service, [...(groups.get(item.service) ?? []), item]);
  return [...groups.values()];
}

const countries = (room) => [...packs.keys()].map((code) => el('button', { type: 'button',
  onclick: () => { country = code; room.again(); } }, named('region', code)));

const other = (room) => el('button', { type: 'button',
  onclick: () => { country = ''; room.again(); } }, tt('help-other-country'));

const circles = () => el('a', { href: here.circles.length === 1 ? '#/c/1' : '#/' }, tt('help-circle'));

/** What must be kept before the page is hidden: a draft, by the room that has one. */
export const keeping = { draft: () => Promise.resolve() };

let hiding = false;

/** Covers the page at once, then locks, then goes away. */
export function hide() {
  if (hiding) return;
  hiding = true;
  // The lock that follows is not to be drawn any more.
  turned.to = () => {};
  document.getElementById('cover').hidden = false;
  document.title = 'Notes';
  const kept = keeping.draft();
  for (const part of document.body.children) if (part.id !== 'cover') part.replaceChildren();
  const away = here.config['page.away'] === 'blank' ? '/away#blank' : '/away';
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, LOCK_MS))]);
  soon(kept).then(() => soon(leave())).finally(() => location.replace(away));
}

/** Shift, three times alone within five seconds; not the Shift of a capital letter. */
export function watchKeys() {
  let taps = [];
  let alone = false;
  const down = (event) => { alone = event.key === 'Shift' && (alone || !event.repeat); };
  const up = (event) => {
    if (event.key !== 'Shift' || !alone || here.config['page.hide_keys'] === false) return;
    alone = false;
    const now = performance.now();
    taps = [...taps.filter((at) => now - at < TAPS_MS), now];
    if (taps.length >= 3) hide();
  };
  addEventListener('keydown', down, true);
  addEventListener('keyup', up, true);
  addEventListener('pointerdown', () => { alone = false; }, true);
  // The back-forward cache shows nothing either.
  addEventListener('pageshow', (event) => { if (event.persisted && hiding) location.replace('/away'); });
}

// U-122.
const TAPS_MS = 5_000;
// As long as a draft and the lock may take before the page goes in any case; a guess.
const LOCK_MS = 400;
