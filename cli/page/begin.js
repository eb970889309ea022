// How one begins: the list of circles, the first steps, joining and starting a circle.
import { call, here, read } from './api.js';
import { span, t, tt } from './text.js';
import { bdi, button, choice, el, facts, field, folded, form, h2, line, link, p, quote, sixWords, state } from './parts.js';
import { opened, refresh, visit } from './shell.js';

/** The circles of this home. */
export function circles(room) {
  room.title(t('circles'));
  const draw = () => {
    if (here.circles.length === 1) return visit('#/c/1');
    if (here.circles.length) {
      return room.show(el('ul.list', {}, here.circles.map((circle, at) => el('li', {},
        el('a.big', { href: `#/c/${at + 1}` }, bdi(circle.label)), standing(circle)))));
    }
    return room.show(p('circles-none'), el('div.two', {},
      el('section', {}, h2('join-title'), p('circles-join'), link('join-title', '#/join', {}, { className: 'main' })),
      el('section', {}, h2('start-title'), p('circles-start'), link('start-title', '#/start', {}, { className: 'as-button' }))));
  };
  room.keep(['circle', 'join', 'missed'], draw);
  draw();
}

const standing = (circle) => (circle.joined_on || circle.state === 'asking') && el('p.hint', {},
  tt(circle.state === 'member' ? 'circle-members' : `circle-${circle.state}`, { count: circle.members }));

// The steps so far, for whoever looks elsewhere meanwhile: the six words may be on paper by then.
let making = null;

/** Four steps: what this is, a name, a passphrase, Hide. Nothing is kept on disk before the last. */
export async function welcome(room) {
  room.title(t('welcome-1'));
  const made = making ??= { at: 0, name: '', kind: 'made', own: '', ...(await read('/setup')) };
  const steps = [what, name, passphrase, hiding];
  const step = (at) => {
    made.at = at;
    room.title(t(`welcome-${at + 1}`));
    const back = at > 0 && button('back', () => step(at - 1));
    room.show(el('p.eyebrow', {}, tt('welcome-step', { step: at + 1, all: steps.length })),
      steps[at](made, () => step(at + 1), back));
    room.h1.focus();
  };
  step(made.at);
}

const what = (made, next) => [
  el('div.two', {}, el('section', {}, h2('what-is'), points('what-is', 4)),
    el('section', {}, h2('what-is-not'), points('what-is-not', 5))),
  el('p.hint', {}, tt('what-page')),
  el('div.row', {}, el('button.main', { type: 'button', onclick: next }, tt('next'))),
];

const points = (id, count) => el('ul.points', {}, Array.from({ length: count }, (_, at) => el('li', {}, tt(`${id}-${at + 1}`))));

function name(made, next, back) {
  const input = line({ value: made.name, required: true, maxLength: 40 });
  return form(() => { made.name = input.value.trim(); next(); }, 'next', field('your-name', input, 'your-name-hint'), back);
}

function passphrase(made, next, back) {
  const own = line({ type: 'password', value: made.own, autocomplete: 'new-password' });
  const again = line({ type: 'password', value: made.own, autocomplete: 'new-password' });
  const look = el('label.look', {}, el('input', { type: 'checkbox', onchange: (event) => {
    own.type = again.type = event.target.checked ? 'text' : 'password';
  } }), tt('passphrase-look'));
  const parts = {
    made: [sixWords(made.passphrase.split(/[ -]/)), p('passphrase-made-hint')],
    own: [field('passphrase-own-field', own, 'passphrase-own-hint'), field('passphrase-again', again), look],
    none: [el('p.warning', {}, tt('passphrase-none-hint'))],
  };
  const below = el('div', {});
  const show = (kind) => { made.kind = kind; below.replaceChildren(...parts[kind]); };
  show(made.kind);
  return form(() => {
    if (made.kind === 'own' && !own.value) return own.focus();
    if (made.kind === 'own' && own.value !== again.value) {
      below.querySelector('.problem')?.remove();
      below.append(el('p.problem', { role: 'alert' }, t('passphrase-differs')));
      return again.focus();
    }
    made.own = own.value;
    return next();
  }, 'next', [p('passphrase-why'), choice('passphrase', [['made', 'passphrase-made'], ['own', 'passphrase-own'],
    ['none', 'passphrase-none']], made.kind, show), below], back);
}

function hiding(made, next, back) {
  const keys = el('input', { type: 'checkbox', checked: true });
  return form(async () => {
    const words = { made: made.passphrase, own: made.own, none: null }[made.kind];
    await call('POST', '/setup', { name: made.name, passphrase: words, language: document.documentElement.lang });
    if (!keys.checked) await call('PATCH', '/config', { 'page.hide_keys': false });
    making = null;
    history.replaceState(null, '', '#/');
    await opened();
  }, 'welcome-begin', [p('hide-what'), p('hide-keys-what'), p('hide-limits'),
    el('label.look', {}, keys, tt('hide-keys-on'))], back);
}

/** Joining: the code, then who carries the circle and what it is like, then yes or no, then waiting. */
export async function join(room) {
  room.title(t('join-title'));
  if (room.circle) {
    const asked = (await read('/joins')).items.find((join) => [join.id, join.circle_id].includes(room.circle.id));
    return asked ? wait(room, asked) : visit('#/');
  }
  const code = el('textarea.code', { rows: 3, required: true, spellcheck: false, autocomplete: 'off', translate: false,
    autocapitalize: 'characters', dir: 'ltr' });
  const looking = el('p.hint', { role: 'status' });
  room.show(form(async () => {
    looking.textContent = t('join-looking');
    try {
      const shown = await call('POST', '/joins/preview', { code: code.value });
      if (shown.state === 'member') return await inside(shown);
      if (shown.state === 'asked') return await inside(shown);
      return consider(room, code.value, shown);
    } finally {
      looking.textContent = '';
    }
  }, 'join-look', [field('join-code', code, 'join-code-hint')]), looking);
  return undefined;
}

function consider(room, code, shown) {
  const name = line({ value: here.circles.length ? '' : shown.name || here.config.name || '', required: true, maxLength: 40 });
  room.title(t('join-consider'));
  room.show(
    el('section.card', {}, el('h2', {}, bdi(shown.circle_name ?? '')), p(shown.admit === 'open' ? 'join-open' : 'join-ask'),
      p('join-newcomers'), shown.rules.length ? [el('h3', {}, tt('rules')), el('ol', {}, shown.rules.map((rule) => el('li', {}, bdi(rule))))] : null),
    relayCard(shown.relay_card),
    el('section', {}, h2('join-limits'), points('limit', 4)),
    form(async () => {
      const join = await call('POST', '/joins', { code, name: name.value.trim(), timeout_ms: ASKED_MS });
      await inside(join);
    }, 'join', [field('join-name', name, 'join-name-hint')], link('not-now', '#/', {}, { className: 'as-button' })));
  room.h1.focus();
}

/** Who runs a relay, and what anybody who runs one can see (U-177). */
export function relayCard(card, state, address, act) {
  const known = card && [card.operator, card.country].filter(Boolean).join(', ');
  return el('section.card', {}, el('h3', {}, known ? tt('relay-by', { operator: known }) : tt('relay-unknown')),
    card?.statement ? quote(card.statement) : null,
    facts([['relay-state', state && t(`relay-${state}`)], ['relay-hosting', card?.hosting], ['relay-contact', card?.contact],
      ['relay-keeps', card && span(card.age_s)], ['relay-address', address]]),
    p('relay-sees'), p('relay-sees-not'), act && el('div.row', {}, act));
}

function wait(room, join) {
  const over = (now) => {
    if (now.id !== join.id || room.over) return;
    if (now.state === 'member') inside(now);
    else if (now.ended) refresh().then(() => ended(now)).catch(() => {});
    else if (now.words.length !== join.words.length) wait(room, now);
  };
  const stop = (id) => button(id, async () => {
    await call('DELETE', `/joins/${join.id}`);
    await refresh();
    visit('#/');
  });
  const ended = (now) => {
    room.title(now.circle_name || t('join-title'), Boolean(now.circle_name));
    room.show(state(`problem-${now.ended}`, [el('p', {}, link('join-again', '#/join')), stop('forget')]));
  };
  if (join.ended) return ended(join);
  room.title(t('join-wait'));
  room.show(el('p', {}, tt('join-asked', { circle: join.circle_name ?? '', name: join.name })), p('join-patience'),
    join.words.length ? el('section.card', {}, h2('six-title'), p('join-words'), sixWords(join.words)) : null,
    el('div.row', {}, stop('join-stop')));
  room.on('join', over);
  room.on('missed', () => read(`/joins/${join.id}`).then(over).catch(() => {}));
  return undefined;
}

async function inside(join) {
  await refresh();
  // Before one is let in, the circle goes by the id of the question.
  const at = here.circles.findIndex((circle) => [join.circle_id, join.id].includes(circle.id));
  visit(at < 0 ? '#/' : `#/c/${at + 1}`);
}

/** A circle of one's own. */
export function start(room) {
  room.title(t('start-title'));
  const label = line({ required: true, maxLength: 40 });
  const name = line({ required: true, maxLength: 40, value: here.circles.length ? '' : here.config.name ?? '' });
  const relays = el('textarea.code', { rows: 4, required: true, spellcheck: false, autocomplete: 'off', translate: false,
    dir: 'ltr', placeholder: 'hl-relay:' });
  const admit = choice('start-admit', [['ask', 'admit-ask', 'admit-ask-hint'], ['open', 'admit-open', 'admit-open-hint']], 'ask');
  room.show(p('start-intro'), form(async () => {
    const circle = await call('POST', '/circles', { name: label.value.trim(), as: name.value.trim(), admit: admit.value,
      relays: relays.value.split(/\s+/).filter(Boolean) });
    await refresh();
    visit(`#/c/${here.circles.findIndex((one) => one.id === circle.id) + 1}/invite`);
  }, 'start', [field('start-name', label, 'start-name-hint'), field('start-as', name, 'join-name-hint'),
    field('start-relays', relays, 'start-relays-hint'), folded('relay-what', p('relay-sees'), p('relay-sees-not'), p('relay-who')),
    admit], link('not-now', '#/', {}, { className: 'as-button' })));
}


// Long enough for a relay to take the question; the circle's answer comes as an event. A guess.
const ASKED_MS = 1_500;
