// What a person chose, the lock, and erasing everything (U-13, U-25, U-56).
import { call, here, turned } from './api.js';
import { has, named, t, tt } from './text.js';
import { ask, button, choice, el, field, form, h2, line, p, select, tell } from './parts.js';
import { opened, words } from './shell.js';
import { keeping } from './safety.js';

/** Every choice is kept as soon as it is made. */
export function settings(room) {
  room.title(t('settings-title'));
  const config = here.config;
  const keep = async (key, value) => {
    Object.assign(here.config, await call('PATCH', '/config', { [key]: value }));
    tell(t('saved'));
  };
  const picked = (id, key, options, hint) => {
    const box = select(options, config[key] ?? '', { onchange: () => keep(key, box.value || null) });
    return field(id, box, hint);
  };
  const ticked = (id, key, hint) => {
    const box = el('input', { type: 'checkbox', checked: config[key] === true, onchange: () => keep(key, box.checked) });
    return el('div.field', {}, el('label.look', {}, box, tt(id)), el('p.hint', {}, tt(hint)));
  };
  const typed = (id, key, hint, properties) => {
    const box = line({ value: config[key] ?? '', maxLength: 40, ...properties });
    return form(() => keep(key, box.value.trim() || null), 'save', field(id, box, hint));
  };
  const language = select([...new Set(['en', 'es', config.language || 'en'])].map((tag) => [tag, named('language', tag)]),
    config.language || document.documentElement.lang, { onchange: async () => {
      await keep('language', language.value);
      await words(language.value);
      room.again();
    } });
  room.show(
    el('section', {}, h2('settings-look'), field('language', language), p('settings-theme'),
      typed('page-title', 'page.title', 'page-title-hint', { required: true }),
      picked('country', 'country', [['', t('country-none')], ...COUNTRIES.map((code) => [code, named('region', code)])], 'country-hint')),
    el('section', {}, h2('hide'), p('hide-what'),
      choice('page-away', [['notes', 'away-notes'], ['blank', 'away-blank']], config['page.away'] || 'notes',
        (value) => keep('page.away', value)),
      ticked('hide-keys-on', 'page.hide_keys', 'hide-keys-what'), p('hide-limits')),
    el('section', {}, h2('settings-notices'),
      choice('notify', [['mark', 'notify-mark'], ['off', 'notify-off']], config['notify.mode'] === 'off' ? 'off' : 'mark',
        (value) => keep('notify.mode', value)),
      quiet(config, keep)),
    el('section', {}, h2('settings-lock'), picked('lock-after', 'lock.after', [...new Set([...LOCKS, config['lock.after']])].map((word) => [word, has(`lock-${word}`) ? t(`lock-${word}`) : word]),
      here.status?.passphrase ? 'lock-hint' : 'lock-bare'),
    el('div.row', {}, button('lock-now', async () => {
      await keeping.draft();
      await call('POST', '/lock', {});
      await opened();
    })), ticked('spellcheck', 'page.spellcheck', 'spellcheck-hint')),
    el('section', {}, h2('guard-title'), p('guard'), p('guard-history')),
    el('section', {}, h2('erase'), p('erase-what'), el('div.row', {}, button('erase', erase))));
}

function quiet(config, keep) {
  const [from, to] = (config['notify.quiet'] ?? '').split('-');
  const first = line({ type: 'time', value: from ?? '' });
  const last = line({ type: 'time', value: to ?? '' });
  return form(() => keep('notify.quiet', first.value && last.value ? `${first.value}-${last.value}` : null), 'save',
    el('fieldset.choice', {}, el('legend', {}, tt('quiet')), p('quiet-hint'), el('div.row', {}, field('quiet-from', first),
      field('quiet-to', last))));
}

async function erase() {
  if (!await ask(tt('erase-ask'), [p('erase-what'), p('erase-stays')], 'erase-yes')) return;
  const { to } = turned;
  // The lock that comes with it is not to be drawn any more.
  turned.to = () => {};
  try {
    await call('POST', '/wipe', {});
  } catch (problem) {
    turned.to = to;
    throw problem;
  }
  sessionStorage.clear();
  location.replace('/away');
}

/** The home is locked: a passphrase, if it has one, and nothing else. */
export function locked(room) {
  room.title(t('locked-title'));
  const bare = here.status?.passphrase === false;
  const typed = line({ type: 'password', autocomplete: 'current-password' });
  const look = el('label.look', {}, el('input', { type: 'checkbox',
    onchange: (event) => { typed.type = event.target.checked ? 'text' : 'password'; } }), tt('passphrase-look'));
  const open = async () => {
    try {
      await call('POST', '/unlock', bare ? {} : { passphrase: typed.value });
    } catch (problem) {
      typed.select();
      throw problem;
    }
    typed.value = '';
    await opened();
  };
  room.show(form(open, 'unlock', bare ? [p('locked-bare')] : [field('passphrase', typed), look]), p('locked-arrives'), p('locked-relay'));
}

const LOCKS = ['5m', '15m', '1h', '4h', 'never'];
const COUNTRIES = ['AU', 'US'];
