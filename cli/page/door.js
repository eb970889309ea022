// The door of a circle: codes to ask with, and who asks (U-34 to U-38).
import { call, read, within } from './api.js';
import { moment, span, t, tt } from './text.js';
import { ask, bdi, button, copy, el, field, folded, form, h2, line, p, select, sixWords, state, tell } from './parts.js';
import { refresh } from './shell.js';

/** Making codes, and taking them back. */
export async function invite(room) {
  room.title(t('room-invite'));
  const made = el('div', {});
  const kept = el('div', {});
  const uses = select([1, 2, 5, 12].map((count) => [String(count), t('invite-people', { count })]), '1');
  const lasts = select([3_600, 86_400, 604_800, 2_592_000].map((seconds) => [String(seconds), span(seconds)]), '86400');
  const label = line({ maxLength: 40 });
  const draw = async () => {
    const { items } = await read(within(room.circle, 'invites'));
    const unfolded = kept.querySelector('details')?.open ?? false;
    kept.replaceChildren(...codes(room, items, draw));
    kept.querySelector('details')?.toggleAttribute('open', unfolded);
  };
  await draw();
  room.show(p('invite-what'), form(async () => {
    const body = { uses: Number(uses.value), expires_s: Number(lasts.value), admit: room.circle.admit };
    if (label.value.trim()) body.label = label.value.trim();
    made.replaceChildren(code(await call('POST', within(room.circle, 'invites'), body)));
    made.querySelector('h2').focus();
    await draw();
  }, 'invite-make', [field('invite-uses', uses), field('invite-lasts', lasts),
    folded('more', field('invite-label', label, 'invite-label-hint'))]), made, kept);
}

/** A code that was just made. It is shown this once: only what is derived from it is kept. */
function code(invite) {
  const copied = el('span.hint', { role: 'status' });
  return el('section.card', {}, el('h2', { tabIndex: -1 }, tt('invite-made')),
    p('invite-until', { count: invite.uses, date: moment(invite.expires_at) }),
    invite.registered ? null : el('p.warning', {}, tt('invite-unregistered')),
    el('p.groups', { dir: 'ltr', translate: false }, rows(invite.grouped).map((group) => [el('span', {}, group), ' '])),
    el('div.row', {}, button('invite-copy', async () => {
      copied.textContent = t(await copy(invite.code) ? 'invite-copied' : 'invite-copy-by-hand');
    }, { className: 'main' }), copied),
    invite.modules ? el('figure', {}, drawn(invite.modules), el('figcaption.hint', {}, tt('invite-qr'))) : null,
    p('invite-once'));
}

const rows = (grouped) => grouped.flatMap((row) => row.trim().split(/\s+/));

/** The code as squares, dark on light in every theme, with the quiet zone that readers need (U-142). */
function drawn(modules) {
  const size = modules.length + 8;
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  const field = document.createElementNS(SVG, 'rect');
  const set = (node, values) => Object.entries(values).forEach(([key, value]) => node.setAttribute(key, value));
  set(svg, { viewBox: `0 0 ${size} ${size}`, class: 'qr', role: 'img', 'aria-label': t('invite-qr-name') });
  set(field, { width: size, height: size, fill: '#fff' });
  set(path, { fill: '#000', 'shape-rendering': 'crispEdges', d: modules.flatMap((row, y) => [...row].map((dark, x) =>
    (dark === '1' ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join('') });
  svg.append(field, path);
  return svg;
}

const SVG = 'http://www.w3.org/2000/svg';

function codes(room, items, draw) {
  if (!items.length) return [p('invite-none')];
  const row = (one) => el('li', {}, el('strong', {}, one.label ? bdi(one.label) : tt('invite-by', { name: one.made_by })),
    el('p.hint', {}, tt(`invite-${one.state}`, { count: one.uses - one.used, date: moment(one.expires_at) })),
    one.state === 'live' ? button('invite-back', async () => {
      if (!await ask(tt('invite-back'), [p('invite-back-what')], 'invite-back-yes')) return;
      await call('DELETE', within(room.circle, 'invites', one.id));
      tell(t('saved'));
      await draw();
    }) : null);
  const live = items.filter((one) => one.state === 'live');
  const past = items.filter((one) => one.state !== 'live');
  return [h2('invite-open'), live.length ? el('ul.list', {}, live.map(row)) : p('invite-none'),
    past.length ? folded('invite-past', el('ul.list', {}, past.map(row))) : null].filter(Boolean);
}

/** Who asks to be let in. */
export async function waiting(room) {
  room.title(t('room-waiting'));
  const said = el('p.hint', { role: 'status' });
  const draw = async () => {
    const items = (await read(within(room.circle, 'waiting'))).items;
    room.show(said, items.length ? [p('waiting-what'), items.map((one) => asks(room, one, said, draw))]
      : state('waiting-none'));
  };
  room.keep(['waiting', 'missed', 'circle', 'member'], draw);
  await draw();
}

function asks(room, one, said, draw) {
  const answer = (verb, body) => async () => {
    const done = await call('POST', within(room.circle, 'waiting', one.id, verb), body);
    await refresh();
    await draw();
    said.replaceChildren(tt(verb === 'admit' ? 'waiting-in' : 'waiting-out', { name: done.name }));
  };
  const decline = async () => {
    if (await ask(tt('decline-ask', { name: one.name }), [p('decline-what')], 'decline')) await answer('decline', {})();
  };
  return el('section.card', { 'aria-label': one.name }, el('h2', {}, bdi(one.name)),
    el('p.hint', {}, tt('waiting-asked', { date: moment(one.asked_at) }), one.invite_label
      ? [' ', tt('waiting-label', { label: one.invite_label })] : null),
    one.state === 'admitting' ? p('waiting-admitting') : [p('waiting-words'), sixWords(one.words),
      el('div.row', {}, button('admit', answer('admit', {}), { className: 'main' }), button('decline', decline))]);
}

