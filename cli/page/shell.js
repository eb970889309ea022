// The house around the rooms: which one is open, how things stand, and what happens (U-120).
import { call, enter, follow, forget, here, read, turned } from './api.js';
import { speak, t, tt } from './text.js';
import { el, button, link, p, problemLine, state, tell } from './parts.js';
import { help, hide, keeping, prefetchHelp, watchKeys } from './safety.js';
import { talk } from './talk.js';
import { circles, join, start, welcome } from './begin.js';
import { member, people, about } from './people.js';
import { invite, waiting } from './door.js';
import { votes } from './votes.js';
import { locked, settings } from './settings.js';

// One line a room. `in` is the room's place in a circle's list of rooms.
const ROOMS = [
  { path: /^\/?$/, open: circles },
  { path: /^\/welcome$/, open: welcome, needs: 'not-set-up' },
  { path: /^\/join$/, open: join },
  { path: /^\/start$/, open: start },
  { path: /^\/c\/(\d+)$/, open: talk, in: 'talk', reads: true },
  { path: /^\/c\/(\d+)\/people$/, open: people, in: 'people' },
  { path: /^\/c\/(\d+)\/people\/(\d+)$/, open: member, in: 'people' },
  { path: /^\/c\/(\d+)\/votes$/, open: votes, in: 'votes' },
  { path: /^\/c\/(\d+)\/invite$/, open: invite, in: 'invite' },
  { path: /^\/c\/(\d+)\/waiting$/, open: waiting, in: 'waiting' },
  { path: /^\/c\/(\d+)\/about$/, open: about, in: 'about', reads: true },
  { path: /^\/settings$/, open: settings },
  { path: /^\/help$/, open: help, needs: 'nothing' },
  { path: /^\/locked$/, open: locked, needs: 'locked' },
];
const CIRCLE_ROOMS = [...new Set(ROOMS.map((room) => room.in).filter(Boolean))];

const $ = (id) => document.getElementById(id);
let room = null;
let back = '#/';
// The last room that was not help.
let stood = '#/';
let stream = null;
// How many events told of the circles.
let told = 0;

/** An open room. It ends when another one opens, and what it began ends with it. */
class Room {
  constructor(route, found) {
    this.route = route;
    this.number = found[1] && Number(found[1]);
    this.circle = this.number && here.circles[this.number - 1];
    this.back = stood;
    this.rest = found[2];
    this.over = false;
    this.heard = [];
    this.early = [];
    this.ends = [];
    this.h1 = el('h1', { tabIndex: -1 });
    this.late = setTimeout(() => {
      if (!this.h1.textContent) this.title(t('loading'));
      this.put(p('loading'));
    }, LATE_MS);
  }

  /** The heading; somebody's words stand apart. */
  title(text, own = false) {
    this.h1.replaceChildren(own ? el('bdi', { dir: 'auto' }, text) : text);
  }

  /** What is in the room; before that it is loading. */
  show(...nodes) {
    if (this.over) return;
    clearTimeout(this.late);
    this.ready = true;
    this.put(...nodes);
  }

  put(...nodes) {
    const inside = $('main').contains(document.activeElement);
    $('main').replaceChildren(...[this.circle?.joined_on && rooms(this), this.h1, el('div', { id: 'state' }), ...nodes]
      .flat(3).filter(Boolean));
    $('main').ariaBusy = this.ready ? null : 'true';
    states();
    // What had the focus may be gone with what was drawn before.
    if (inside && !$('main').contains(document.activeElement)) this.h1.focus({ preventScroll: true });
  }

  /** Hears one type of event, or `digit`. */
  on(type, act) {
    this.heard.push([type, act]);
  }

  /** Draws anew when one of these types is heard; one after another, as an older answer may come later. */
  keep(types, draw) {
    let drawn = Promise.resolve();
    let next = null;
    const anew = () => {
      next ??= drawn = drawn.then(() => { next = null; return this.over || draw(); }).catch(() => {});
    };
    for (const type of types) this.on(type, anew);
  }

  /** Runs when the room is left. */
  ending(act) {
    this.ends.push(act);
  }

  hear(type, ...rest) {
    if (this.early) return void this.early.push([type, ...rest]);
    for (const [wanted, act] of this.heard) if (wanted === type) act(...rest);
  }

  /** It is there; what happened while it was read is heard now. */
  opened() {
    const { early } = this;
    this.early = null;
    for (const one of early) this.hear(...one);
  }

  end() {
    this.over = true;
    clearTimeout(this.late);
    for (const act of this.ends) act();
    keeping.draft = () => Promise.resolve();
  }

  /** Opens the same room anew. */
  again() {
    go(false);
  }
}

/** Opens the room of the address, or what stands in its place. */
async function go(moved = true) {
  room?.end();
  if (moved) tell('');
  const path = location.hash.slice(1);
  const [route, found] = ROOMS.map((route) => [route, route.path.exec(path)]).find(([, found]) => found)
    ?? [ROOMS[0], ['']];
  const need = route.needs ?? 'open';
  if (need !== 'nothing') stood = location.hash || '#/';
  const mine = room = new Room(route, found);
  frame();
  try {
    if (need !== 'nothing' && need !== here.condition) instead(mine, need);
    else if (mine.number && !mine.circle) location.replace('#/');
    // Who was never let in has nothing there but the answer.
    else if (mine.circle && !mine.circle.joined_on) await join(mine);
    else if (mine.circle && mine.circle.state !== 'member' && !route.reads) outside(mine);
    else await route.open(mine);
  } catch (problem) {
    if (!problem.kind) throw problem;
    mine.show(problemLine(problem), button('again', () => go()));
  }
  if (mine.over) return;
  mine.opened();
  if (!moved) return;
  if (!mine.h1.textContent) mine.title(t('loading'));
  if (!mine.ready) mine.put();
  mine.h1.focus({ preventScroll: true });
  if (!mine.placed) scrollTo(0, 0);
}

/** What a room shows that cannot be opened as things stand. */
function instead(mine, need) {
  const act = { locked: () => swap('#/locked'), 'not-set-up': () => swap('#/welcome'), open: () => swap(back) };
  if (act[here.condition] && need !== 'nothing') return act[here.condition]();
  mine.title(t(`${here.condition}-title`));
  const again = button('again', look);
  return mine.show(here.condition === 'gone' ? state('gone', again) : state('no-token'),
    el('p', {}, el('code', {}, here.condition === 'gone' ? 'hearthlight' : 'hearthlight open')),
    p(`${here.condition}-help`));
}

function swap(hash) {
  if (here.condition !== 'open' && location.hash !== hash && !/#\/(locked|welcome)/.test(location.hash)) {
    back = location.hash || '#/';
  }
  history.replaceState(null, '', hash);
  go();
}

/** A circle that one is not in any more. */
function outside(mine) {
  mine.title(mine.circle.label, true);
  mine.show(state(`circle-${mine.circle.state}`, link('circle-read', `#/c/${mine.number}`)));
}

/** The rooms of a circle. */
function rooms(mine) {
  const host = mine.circle.roles.some((role) => role === 'host' || role === 'steward');
  const base = `#/c/${mine.number}`;
  return el('nav.rooms', { 'aria-label': t('rooms') }, el('ul', {}, CIRCLE_ROOMS
    .filter((name) => mine.circle.state === 'member' ? name !== 'waiting' || host : ['talk', 'about'].includes(name))
    .map((name) => el('li', {}, link(`room-${name}`, name === 'talk' ? base : `${base}/${name}`, {},
      { 'aria-current': mine.route.in === name ? 'page' : null },
      )))));
}

/** The frame: the same on every route, so that what matters stands where it stood. */
function frame() {
  const open = here.condition === 'open';
  $('skip').textContent = t('skip');
  $('skip').hidden = false;
  $('ways').setAttribute('aria-label', t('ways'));
  const folds = el('button.fold', { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'circles' }, t('circles'));
  folds.onclick = () => folds.setAttribute('aria-expanded', $('circles').classList.toggle('unfolded'));
  const at = (hash) => (location.hash === hash ? 'page' : null);
  $('ways').replaceChildren(...(open ? [folds,
    link('settings-title', '#/settings', {}, { 'aria-current': at('#/settings'), className: 'wide' }), el('span', { id: 'mark', role: 'status' })] : []));
  if (!$('safety').firstChild) {
    $('safety').append(link('help-now', '#/help', {}, { className: 'help-now' }),
      el('button.hide', { type: 'button', onclick: hide }, t('hide')));
  }
  $('circles').classList.remove('unfolded');
  $('circles').hidden = !open;
  $('circles').setAttribute('aria-label', t('circles'));
  $('circles').replaceChildren(...(open ? [el('ul', {}, here.circles.map((circle, at) => el('li', {}, el('a',
    { href: `#/c/${at + 1}`, 'aria-current': room?.number === at + 1 ? 'true' : null }, el('bdi', { dir: 'auto' }, circle.label),
    news(circle))))), el('ul.doors', {}, [['join-title', '#/join'], ['start-title', '#/start'], ['settings-title', '#/settings']]
    .map(([id, hash]) => el('li', {}, link(id, hash, {}, { 'aria-current': at(hash) }))))] : []));
  document.title = here.config['page.title'] || 'Notes';
}

function news(circle) {
  if (circle.state === 'asking') return el('small', {}, t('circle-asks'));
  if (circle.state === 'member' && circle.waiting_room) return el('small', {}, t('circle-waiting', { count: circle.waiting_room }));
  return circle.unread && room?.number !== here.circles.indexOf(circle) + 1
    ? el('small', {}, t('circle-new', { count: circle.unread })) : null;
}

/** What stands in the way everywhere: no relay, a full disk. */
function states() {
  const lines = [];
  if (here.condition === 'gone' && room?.ready && room.route.needs !== 'nothing') lines.push(el('p', {}, tt('gone'), ' ',
    el('code', {}, 'hearthlight')));
  if (here.full) lines.push(p('full'));
  const mine = room?.circle;
  if (here.condition === 'open' && mine?.state === 'member') {
    if (mine.relays === 0) lines.push(el('p', {}, tt('no-relay'), ' ', link('no-relay-do', `#/c/${room.number}/about`)));
    else if (mine.relays_up === 0) lines.push(p('offline'));
  }
  const text = lines.map((one) => one.textContent).join(' ');
  const place = $('state');
  if (place && place.textContent !== text) place.replaceChildren(...lines);
}

/** The home was locked, or the node went away, or the disk is full. */
function turn(to) {
  if (to === 'full') {
    here.full = true;
    states();
  } else if (here.condition !== to) {
    const was = here.condition;
    here.condition = to;
    if (to === 'open') listen();
    if (to === 'locked' || to === 'no-token') {
      wash();
      // Not if the node has gone since: there would be nothing to load.
      if (was !== 'starting') return void read('/status').catch(() => {}).then(() => here.condition === to && location.reload());
    }
    if (to === 'gone') setTimeout(look, GONE_MS);
    // What is being written stays in sight while the node is gone.
    if (room?.ready && (to === 'gone' || (was === 'gone' && to === 'open'))) states();
    else go();
  }
}

/**
 * Takes every word of a person out of the document. Out of memory only another document takes them: a browser holds
 * on to the field that was typed in last, and with it to all that its room knew.
 */
function wash() {
  stream?.abort();
  room?.end();
  room = null;
  forget();
  document.querySelectorAll('dialog').forEach((box) => box.remove());
  tell('');
  $('main').replaceChildren();
  frame();
}

/** Looks how things stand, and opens what fits. */
async function look() {
  try {
    here.status = await read('/status');
    if (here.status.state === 'open') await load();
    if (here.condition !== here.status.state) turn(here.status.state);
  } catch (problem) {
    if (problem.kind !== 'gone') throw problem;
    if (here.condition === 'gone') setTimeout(look, GONE_MS);
  }
}

/** What is known at the start of an open home; afterwards events keep it. */
async function load() {
  const [config, circles] = await Promise.all([read('/config'), listed()]);
  here.config = config;
  know(circles);
  sessionStorage.removeItem('looks');
  if (config.language) await words(config.language);
  prefetchHelp().catch(() => {});
}

/** Learns the words again, after the language was changed. */
export async function words(language) {
  const before = t('help-now');
  await speak(language).catch(() => {});
  if (t('help-now') !== before) $('safety').replaceChildren();
}

/** What is to be done once the home was opened or set up. */
export async function opened() {
  await look();
}

/** Goes to another room. */
export function visit(hash) {
  if (location.hash === hash) go();
  else location.hash = hash;
}

/** The list of circles, read once more where an event that came meanwhile may know more. */
async function listed() {
  for (;;) {
    const seen = told;
    const { items } = await read('/circles');
    if (seen === told) return items;
  }
}

/** The list of circles anew, for a room that changed it. */
export async function refresh() {
  know(await listed());
}

/** Takes a list of circles that was read. One that was known stays the same object: rooms hold on to theirs. */
function know(circles) {
  const before = room?.circle && { ...room.circle };
  here.circles = circles.map((circle) => Object.assign(here.circles.find((one) => one.id === circle.id) ?? {}, circle));
  const at = here.circles.indexOf(room?.circle);
  // U-119: circles are numbered by position, which a new one may change.
  if (at >= 0 && room.number !== at + 1) {
    history.replaceState(null, '', location.hash.replace(`/c/${room.number}`, `/c/${at + 1}`));
    room.number = at + 1;
  }
  frame();
  states();
  stands(before);
}

/** Draws what depends on one's own standing anew, whether an event or a list told of it first. */
function stands(before) {
  const now = room?.circle;
  if (!now || before?.id !== now.id) return;
  if (before.state !== now.state) go();
  else if (String(before.roles) !== String(now.roles)) document.querySelector('.rooms')?.replaceWith(rooms(room));
}

/** Follows what happens for as long as the home is open. */
async function listen() {
  if (stream && !stream.signal.aborted) return;
  const mine = stream = new AbortController();
  const { signal } = mine;
  let cursor = null;
  while (!signal.aborted && here.condition === 'open') {
    let end = '';
    await follow((event) => {
      end = event.type;
      if (!cursor) missed();
      ({ cursor } = event);
      heard(event);
    }, cursor, signal).catch((problem) => {
      // Too much happened since, or another run of the node answers: what is there is read anew.
      if (problem.status === 410) [cursor, end] = [null, 'behind'];
    });
    if (signal.aborted) return;
    if (end === 'lock') turned.to('locked');
    else if (end !== 'behind') await missed().then(() => new Promise((done) => setTimeout(done, GONE_MS)));
  }
  if (stream === mine) stream = null;
}

/** Reads what may have happened unheard; the first line of a stream without a cursor says that nothing is from now on. */
async function missed() {
  try {
    await refresh();
    room.hear('missed');
  } catch { /* the call has turned things as they are */ }
}

function heard({ type, circle_id: id, data }) {
  const at = here.circles.findIndex((circle) => circle.id === id);
  const mine = room?.circle?.id === id && Boolean(id);
  if (['circle', 'message', 'waiting'].includes(type)) told += 1;
  if (type === 'settings') load().then(frame).catch(() => {});
  else if (type === 'network') here.network = data;
  else if (type === 'waiting') refresh().catch(() => {});
  else if (type === 'circle') {
    if (at < 0 || !data) refresh().then(() => room.hear('circle', data)).catch(() => {});
    else know(here.circles.with(at, data));
  } else if (type === 'message' && !data.own) {
    if (document.hidden) notice(here.circles[at]);
    if (!mine && at >= 0 && data.kind === 'said') {
      here.circles[at].unread += 1;
      frame();
    }
  }
  if (mine || type === 'join' || (type === 'circle' && at >= 0 && !room?.circle)) room?.hear(type, data);
}

/** `New activity`, and no more (U-180); nothing in quiet hours (U-181). */
function notice(circle) {
  const how = circle?.muted ? 'off' : circle?.notify ?? 'default';
  if ((how === 'default' ? here.config['notify.mode'] : how) === 'off' || quiet(here.config['notify.quiet'], new Date())) return;
  if ($('mark')) $('mark').textContent = t('new-activity');
}

function quiet(hours, now) {
  const found = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(hours ?? '');
  if (!found) return false;
  const [from, to] = [found[1] * 60 + +found[2], found[3] * 60 + +found[4]];
  const at = now.getHours() * 60 + now.getMinutes();
  return from <= to ? at >= from && at < to : at >= from || at < to;
}

/** From nothing to a room. */
async function begin() {
  // U-122: whoever goes back after Hide finds nothing.
  const way = performance.getEntriesByType('navigation')[0]?.type;
  if (way === 'back_forward' && !sessionStorage.getItem('t')) return location.replace('/away');
  watchKeys();
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => ['en', 'es'].includes(tag)) ?? 'en';
  const helping = prefetchHelp().catch(() => {});
  const [, mine] = await Promise.all([speak(here.config.language || wanted), enter()]);
  if (!mine) here.condition = 'no-token';
  else {
    here.status = await read('/status').catch(() => null);
    if (here.status) here.condition = here.status.state;
    if (here.condition === 'open') {
      await load();
      listen();
    }
  }
  if (location.hash === '#/help') await helping;
  await go();
}

turned.to = turn;
addEventListener('hashchange', () => go());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && $('mark')) $('mark').textContent = '';
});
document.addEventListener('keydown', (event) => {
  if (/^[1-9]$/.test(event.key) && !event.ctrlKey && !event.altKey && !event.metaKey
    && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) room?.hear('digit', Number(event.key));
});
$('skip').addEventListener('click', (event) => {
  event.preventDefault();
  $('main').focus();
});
begin();

// U-120.
const LATE_MS = 300;
const GONE_MS = 2_000;
