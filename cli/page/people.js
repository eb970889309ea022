// Who is in a circle, what can be done, and what holds there (U-50 to U-53).
import { call, read, within } from './api.js';
import { date, list, moment, span, t, tt } from './text.js';
import { ask, bdi, button, el, facts, field, folded, form, h2, line, link, p, select, sixWords, state, tell } from './parts.js';
import { refresh, visit } from './shell.js';
import { relayCard } from './begin.js';

/** Everybody in the circle. No interface tells when somebody was last there. */
export async function people(room) {
  room.title(t('room-people'));
  const draw = async () => {
    const members = (await read(within(room.circle, 'members'))).items;
    const there = (member) => ['active', 'held'].includes(member.state);
    const row = (member) => el('li', {}, el('a.big', { href: `#/c/${room.number}/people/${members.indexOf(member) + 1}` },
      bdi(member.name)), el('p.hint', {}, traits(member).join(' · ')));
    const gone = members.filter((member) => !there(member));
    room.show(el('ul.list', {}, members.filter(there).map(row)),
      members.filter(there).length < 2 ? state('people-alone', link('room-invite', `#/c/${room.number}/invite`)) : null,
      gone.length ? folded('people-gone', el('ul.list', {}, gone.map(row))) : null);
  };
  room.keep(['member', 'missed'], draw);
  await draw();
}

const traits = (member) => [member.me && t('you'), ...member.roles.map(role), member.state !== 'active' && t(`member-${member.state}`),
  member.verified && t('member-verified'), member.blocked && t('member-blocked'),
  t('member-since', { date: date(member.joined_on) })].filter(Boolean);

export const ROLES = ['host', 'steward', 'chair', 'greeter', 'timekeeper', 'treasurer', 'facilitator'];
/** A role by its name here. */
export const role = (word) => (ROLES.includes(word) ? t(`role-${word}`) : word);

/** One member, and what can be done. */
export async function member(room) {
  room.title(t('room-people'));
  const members = (await read(within(room.circle, 'members'))).items;
  const one = members[Number(room.rest) - 1];
  if (!one) return visit(`#/c/${room.number}/people`);
  const act = (verb, body) => call('POST', within(room.circle, 'members', one.id, verb), body);
  const me = members.find((member) => member.me);
  const host = me?.roles.includes('host');
  const there = ['active', 'held'].includes(one.state);
  room.title(one.name, true);
  // Places in the list move; who is looked at stays the same.
  const done = async (words) => {
    const { items } = await read(within(room.circle, 'members'));
    history.replaceState(null, '', `#/c/${room.number}/people/${items.findIndex((member) => member.id === one.id) + 1}`);
    tell(words);
    room.again();
  };
  room.show(el('p.hint', {}, traits(one).join(' · ')),
    ...one.terms.map((term) => el('p', {}, tt('member-term', { role: role(term.role), date: moment(term.until) }))),
    one.removal_by.length ? el('p', {}, tt('member-removal', { names: list(one.removal_by) })) : null,
    one.me ? p('member-me') : null,
    !one.me && there ? words(one, act, done) : null,
    there && (host || (one.me && one.roles.length)) ? roles(one, host, act, done) : null,
    !one.me && there && (host || me?.roles.includes('steward')) ? hold(one, act, done) : null,
    one.me ? null : el('section', {}, h2('block'), p('block-what'), el('div.row', {}, button(one.blocked ? 'block-undo' : 'block',
      async () => { await act('block', one.blocked ? { undo: true } : {}); return done(t('saved')); }))),
    host && !one.me && there ? remove(one, act, done) : null,
    el('p', {}, link('people-all', `#/c/${room.number}/people`)));
  return undefined;
}

function words(one, act, done) {
  const below = el('div', {});
  return el('section', {}, h2('six-title'), p('verify-what', { name: one.name }), below,
    el('div.row', {}, button('verify', async () => {
      const shown = await act('verify', {});
      below.replaceChildren(sixWords(shown.words), p('verify-ask', { name: one.name }), el('div.row', {},
        button('verify-same', async () => { await act('verify', { same: true }); return done(t('saved')); }, { className: 'main' }),
        button('verify-other', async () => {
          await act('verify', { same: false });
          below.replaceChildren(el('p.warning', { role: 'alert' }, tt('verify-differs', { name: one.name })));
        })));
    })));
}

function roles(one, host, act, done) {
  const other = select(ROLES.filter((word) => word !== 'host' && !one.roles.includes(word)).map((word) => [word, role(word)]));
  const change = (word, grant) => async () => { await act('role', { role: word, grant }); await refresh(); return done(t('saved')); };
  return el('section', {}, h2('roles'), p('roles-what'), el('div.row', {},
    host && !one.roles.includes('host') ? button('role-make-host', change('host', true)) : null,
    one.roles.filter((word) => word !== 'host' || one.me).map((word) =>
      button('role-drop', change(word, false), { values: { role: role(word) } }))),
  host ? form(() => change(other.value, true)(), 'role-give', field('role', other)) : null);
}

function hold(one, act, done) {
  if (one.state === 'held') {
    return el('section', {}, h2('hold'), p('hold-on'), el('div.row', {},
      button('hold-end', async () => { await act('hold', { for_s: 0 }); return done(t('saved')); })));
  }
  const spans = select([3_600, 86_400, 259_200].map((seconds) => [String(seconds), span(seconds === 259_200 ? 259_200 : seconds)]), '86400');
  return el('section', {}, h2('hold'), p('hold-what', { name: one.name }),
    form(async () => { await act('hold', { for_s: Number(spans.value) }); return done(t('saved')); }, 'hold-do', field('hold-for', spans)));
}

function remove(one, act, done) {
  const reason = line({ maxLength: 200 });
  return el('section', {}, h2('remove'), p('remove-what', { name: one.name }), form(async () => {
    const sure = await ask(tt('remove-ask', { name: one.name }), [p('remove-then'), p('remove-stays')], 'remove-yes');
    if (!sure) return;
    const body = reason.value.trim() ? { reason: reason.value.trim() } : {};
    const told = await act('remove', body);
    await refresh();
    await done(t(told.state === 'done' ? 'remove-done' : `remove-${told.state}`, { count: told.invites_closed, name: one.name }));
    if (told.state !== 'done') await ask(tt('remove'), [p(`remove-${told.state}`)], 'good', 'close');
  }, 'remove', field('remove-reason', reason, 'remove-reason-hint')));
}

/** What holds in a circle, who carries it, and the way out. */
export async function about(room) {
  room.title(t('room-about'));
  const circle = await read(within(room.circle));
  const member = circle.state === 'member';
  const host = circle.roles.includes('host');
  const label = line({ value: circle.label, required: true, maxLength: 40 });
  const address = line({ dir: 'ltr', required: true, placeholder: 'hl-relay:' });
  const carriers = el('div', {});
  const draw = ({ relays }) => carriers.replaceChildren(...relays.map((relay) => relayCard(relay.card, relay.state, relay.address,
    host && member && relay.key ? button('relay-remove', () => unload(room, circle, relay, relays.length === 1)) : null)));
  // Only the cards: somebody may be typing in a field.
  room.keep(['circle', 'missed'], async () => draw(await read(within(circle))));
  draw(circle);
  room.show(
    circle.about ? el('p.words', { dir: 'auto' }, circle.about) : null,
    el('section', {}, h2('rules'), circle.rules.length ? el('ol', {}, circle.rules.map((rule) => el('li', {}, bdi(rule))))
      : p('rules-none'), facts([['about-admit', t(`admit-${circle.admit}`)], ['about-hosts', list(circle.hosts)],
      ['about-keeps', circle.retention_s ? span(circle.retention_s) : t('about-keeps-all')]]), p('join-newcomers')),
    el('section', {}, h2('relays'), circle.relays.length ? null : p('no-relay'), circle.relays.length === 1 ? p('relay-one') : null,
      carriers, host && member ? form(async () => {
        await call('POST', within(circle, 'relays'), { address: address.value.trim() });
        await refresh();
        room.again();
      }, 'relay-add', field('relay-new', address, 'start-relays-hint')) : null),
    folded('marks-title', el('dl.facts', {}, ['waiting', 'relayed', 'received'].map((mark) => el('div', {},
      el('dt', {}, tt(`mark-${mark}-word`)), el('dd', {}, tt(`mark-${mark}-what`)))))),
    el('section', {}, h2('label'), form(async () => {
      await call('PATCH', within(circle), { label: label.value.trim() });
      await refresh();
      tell(t('saved'));
    }, 'save', field('label-field', label, 'label-hint'))),
    member ? leaving(circle) : gone(circle));
}

/** Takes a relay out of the circle. */
async function unload(room, circle, relay, last) {
  if (!await ask(tt('relay-remove-ask'), [p('relay-remove-what'), last && p('relay-remove-last')], 'relay-remove')) return;
  await call('DELETE', within(circle, 'relays', encodeURIComponent(relay.key)));
  await refresh();
  room.again();
}

function leaving(circle) {
  const go = async () => {
    const only = circle.hosts.length === 1 && circle.roles.includes('host');
    const sure = await ask(tt('leave-ask', { circle: circle.label }), [p('leave-what'), only ? p('leave-only-host') : null], 'leave-yes');
    if (!sure) return;
    await call('DELETE', within(circle) + (only ? '?end=true' : ''));
    await refresh();
    visit('#/');
  };
  return el('section', {}, h2('leave'), p('leave-what'), el('div.row', {}, button('leave', go)));
}

function gone(circle) {
  return el('section', {}, h2('forget'), p(`circle-${circle.state}`), el('div.row', {}, button('forget', async () => {
    if (!await ask(tt('forget-ask', { circle: circle.label }), [p('forget-what')], 'forget-yes')) return;
    await call('POST', within(circle, 'wipe'), {});
    await refresh();
    visit('#/');
  })));
}

