// The words of the page (U-126): plain text with names in braces, plural forms, and times.

let strings = {};
let plural = new Intl.PluralRules('en');
let locale = 'en';
let tongue = '';

/** Learns the words of a language. Where the node is gone, the old ones stay. */
export async function speak(language) {
  if (language === tongue) return;
  const answer = await fetch(`/v1/strings/${encodeURIComponent(language)}`);
  if (!answer.ok) throw new Error('strings');
  const said = await answer.json();
  strings = said.strings;
  tongue = language;
  // The pseudo-locales have no rules of their own.
  const plain = said.lang.startsWith('qps') ? 'en' : said.lang;
  locale = navigator.languages.find((tag) => tag.split('-')[0] === plain) ?? plain;
  plural = new Intl.PluralRules(plain);
  document.documentElement.lang = plain;
  document.documentElement.dir = said.dir;
}

/** Whether there are such words. */
export const has = (id) => id in strings;

/** The words as one text, each value kept apart from its surroundings. */
export function t(id, values = {}) {
  return pieces(id, values, (value) => `\u2068${value}\u2069`).join('');
}

/** The words for an attribute, which is spoken and not drawn. */
export const spoken = (id, values) => t(id, values).replace(/[\u2068\u2069]/g, '');

/** The words as nodes, each value in a `bdi`. */
export function tt(id, values = {}) {
  const put = (value) => {
    const bdi = document.createElement('bdi');
    bdi.textContent = value;
    return bdi;
  };
  const nodes = document.createDocumentFragment();
  nodes.append(...pieces(id, values, put));
  return nodes;
}

function pieces(id, values, put) {
  let words = strings[id];
  if (words === undefined) return [id];
  if (typeof words !== 'string') {
    words = words.forms[plural.select(Number(values[words.of]))] ?? words.forms.other;
  }
  return words.split(/\{ *\$([\w-]+) *\}/).map((piece, at) => {
    if (at % 2 === 0) return piece;
    const value = values[piece];
    return typeof value === 'number' ? number(value) : put(value ?? '');
  });
}

const number = (value) => value.toLocaleString(locale);

const shapes = new Map();

/** A time in some shape; making a shape takes long, so each is made once. */
function shape(at, options) {
  const key = locale + JSON.stringify(options);
  if (!shapes.has(key)) shapes.set(key, new Intl.DateTimeFormat(locale, options));
  return shapes.get(key).format(at);
}

/** `19:02` */
export const hour = (iso) => shape(new Date(iso), { hour: 'numeric', minute: '2-digit' });

/** `Monday, 23 November`; with the year, if it is another one. */
export function day(iso) {
  const at = new Date(iso);
  const year = at.getFullYear() === new Date().getFullYear() ? undefined : 'numeric';
  return shape(at, { weekday: 'long', day: 'numeric', month: 'long', year });
}

/** `23 November 2026`, for a day without an hour. */
export const date = (iso) => shape(new Date(iso.slice(0, 10) + 'T12:00'),
  { day: 'numeric', month: 'long', year: 'numeric' });

/** `Wed 25 Nov, 18:00` */
export const moment = (iso) => shape(new Date(iso),
  { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });

/** A span in the largest unit that fits it whole: `30 days`. */
export function span(seconds) {
  const [unit, size] = [['day', 86_400], ['hour', 3_600], ['minute', 60]].find(([, size]) => seconds % size === 0)
    ?? ['minute', 60];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
    .format(Math.round(seconds / size));
}

/** A country or a language by its name here. */
export function named(type, code) {
  try {
    return new Intl.DisplayNames(locale, { type }).of(code);
  } catch {
    return code;
  }
}

/** A list: `Heron, Otter and Maple`. */
export const list = (names) => new Intl.ListFormat(locale).format(names);

/** What a problem is, in a sentence with what to do. */
export function sentence(problem) {
  // U-145: the node names the place of a typing mistake.
  const { group, typed, have, of } = problem.said?.damage ?? {};
  if (group) return t('problem-invite-group', { group, typed });
  if (of) return t('problem-invite-short', { have, all: of });
  const detail = problem.said?.detail;
  const id = `problem-${KNOWN[detail] ?? problem.kind}`;
  if (has(id)) return t(id);
  return detail || t('problem-internal');
}

// What a kind alone would say wrongly, by the node's own sentence.
const KNOWN = {
  'One host cannot do this to another host.': 'another-host',
  'You are the only host of this circle.': 'only-host',
  'This member was held in the last 14 days.': 'held-lately',
};
