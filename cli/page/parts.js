// The few parts that rooms are made of. Words enter through `textContent` alone (U-117).
import { t, tt, sentence } from './text.js';

/** An element. Properties that begin with `on` listen; strings among the children become text. */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const p = (id, values) => el('p', {}, tt(id, values));
export const h2 = (id, values) => el('h2', {}, tt(id, values));

/** What somebody wrote, or is called. */
export const bdi = (text, tag = 'bdi') => el(tag, { dir: 'auto' }, text);

/** A paragraph of somebody's words. */
export const quote = (text) => el('p.words', { dir: 'auto' }, text);

export const link = (id, href, values, properties = {}) => el('a', { href, ...properties }, tt(id, values));

/** A button. While `act` runs it takes no second press; what goes wrong is said behind it. */
export function button(id, act, { values, name = 'button', ...properties } = {}) {
  const node = el(name, { type: 'button', ...properties }, tt(id, values));
  node.addEventListener('click', () => trying(node, act));
  return node;
}

/** Runs `act`, once at a time; a problem is said after `node` in a sentence. */
async function trying(node, act) {
  if (node.ariaDisabled === 'true') return undefined;
  node.ariaDisabled = 'true';
  node.parentNode?.querySelector(':scope > .problem')?.remove();
  try {
    return await act();
  } catch (problem) {
    if (!problem.kind) throw problem;
    if (!HELD.includes(problem.kind)) node.after(problemLine(problem));
    return undefined;
  } finally {
    node.ariaDisabled = null;
  }
}

export const problemLine = (problem) => el('p.problem', { role: 'alert' }, sentence(problem));

/** A form: fields, one button that is meant, and others beside it. */
export function form(act, submit, fields, ...others) {
  const main = el('button.main', { type: 'submit' }, tt(submit));
  const row = el('div.row', {}, main, others);
  const node = el('form.form', { noValidate: true, autocomplete: 'off' }, fields, row);
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    node.querySelectorAll(':scope > .problem, .empty').forEach((line) => line.remove());
    const missing = [...node.elements].find((one) => one.required && !one.value.trim());
    if (missing) {
      missing.focus();
      missing.after(el('p.problem.empty', { role: 'alert' }, t('problem-needs-input')));
      return;
    }
    await trying(row, act);
  });
  node.addEventListener('input', ({ target }) => target.parentNode.querySelector('.empty')?.remove());
  return node;
}

let count = 0;

/** A field with its label above and, where needed, a sentence below. */
export function field(id, input, hint, values) {
  input.id ||= `f${++count}`;
  const label = el('label', { htmlFor: input.id }, tt(id, values));
  if (!hint) return el('div.field', {}, label, input);
  const below = el('p.hint', { id: `${input.id}h` }, typeof hint === 'string' ? tt(hint) : hint);
  input.setAttribute('aria-describedby', below.id);
  return el('div.field', {}, label, input, below);
}

/** A line to type in. What is typed here stays here (U-118). */
export const line = (properties = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: false,
  translate: false, dir: 'auto', writingsuggestions: 'false', ...properties });

/** A choice among few: `[[value, id], ...]`. */
export function choice(id, options, chosen, change = () => {}) {
  const name = `f${++count}`;
  const set = el('fieldset.choice', {}, el('legend', {}, tt(id)), options.map(([value, words, hint]) => {
    const input = el('input', { type: 'radio', name, value, id: `f${++count}`, checked: value === chosen,
      onchange: () => change(value) });
    const about = hint && el('p.hint', { id: `${input.id}h` }, tt(hint));
    if (about) input.setAttribute('aria-describedby', about.id);
    return el('div.option', {}, input, el('label', { htmlFor: input.id }, tt(words)), about);
  }));
  Object.defineProperty(set, 'value', { get: () => set.querySelector('input:checked')?.value });
  return set;
}

export const select = (options, chosen, properties = {}) => el('select', properties, options.map(([value, words]) =>
  el('option', { value, selected: value === chosen }, words)));

/** Asks before something is done: the words, what is done, and whether it cannot be taken back. */
export function ask(title, lines, yes, no = 'no') {
  return new Promise((answer) => {
    const head = el('h2', { id: 'asked' }, title);
    const box = el('dialog.ask', { 'aria-labelledby': 'asked' }, head, lines, el('div.row', {},
      el('button.main', { type: 'button', onclick: () => box.close('yes') }, tt(yes)),
      el('button', { type: 'button', onclick: () => box.close(''), autofocus: true }, tt(no))));
    const before = document.activeElement;
    box.addEventListener('close', () => {
      box.remove();
      if (before?.isConnected) before.focus();
      answer(box.returnValue === 'yes');
    });
    document.body.append(box);
    box.showModal();
  });
}

/** Six words, to be compared by voice. */
export const sixWords = (words) => el('ol.six', {}, words.map((word) => el('li', { lang: 'en' }, word)));

/** A drawn state of a room: a sentence, and one thing to do. */
export function state(id, act, values) {
  return el('div.state', {}, el('p', {}, tt(id, values)), act);
}

/** Pairs of a word and what it is. */
export const facts = (pairs) => el('dl.facts', {}, pairs.filter(([, what]) => what)
  .map(([id, what]) => el('div', {}, el('dt', {}, tt(id)), el('dd', { dir: 'auto' }, what))));

/** A part that is folded away. */
export const folded = (id, ...children) => el('details', {}, el('summary', {}, tt(id)), children);

/** Copies a text; where the browser does not let us, it is marked for the reader to copy. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = el('textarea.unseen', { value: text });
    document.body.append(box);
    box.select();
    const done = document.execCommand('copy');
    box.remove();
    return done;
  }
}

/** Says how it went, quietly, until the next room. */
export function tell(words) {
  const told = document.getElementById('told');
  told.className = words ? 'told' : 'unseen';
  told.textContent = words;
}

// The shell draws these over the whole room.
const HELD = ['gone', 'locked', 'no-token', 'not-set-up'];
