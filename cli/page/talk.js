// What is said in a circle: the feed, its marks and gaps, and the composer (U-40 to U-45).
import { call, here, read, within } from './api.js';
import { day, hour, list, moment, spoken, t, tt } from './text.js';
import { ask, bdi, button, el, field, folded, line, link, p, problemLine, select, state } from './parts.js';
import { role as roleWord } from './people.js';
import { keeping } from './safety.js';

/** The room of a circle. */
export async function talk(room) {
  const { circle } = room;
  room.title(circle.label, true);
  const member = circle.state === 'member';
  const [page, draft] = await Promise.all([
    read(within(circle, `messages?limit=${PAGE}`)), member ? read(within(circle, 'draft')) : null]);
  const feed = new Feed(room, page);
  const writing = member && composer(room, feed, draft);
  feed.answer = writing?.answer;
  room.show(member ? road(circle) : state(`circle-${circle.state}`, link('forget', `#/c/${room.number}/about`)),
    feed.node, writing?.node);
  room.on('circle', () => document.querySelector('.road')?.replaceWith(road(circle)));
  feed.begin();
}

/** How the circle can be reached now, and who can see what. */
function road(circle) {
  const way = here.network?.network === 'direct' ? 'direct' : circle.relays_up > 0 ? 'relay' : 'offline';
  return el('p.road', {}, tt(`road-${way}`), ' ', link('road-sees', `#/c/${here.circles.indexOf(circle) + 1}/about`));
}

/**
 * A window of the conversation: pages of lines, of which the last takes what arrives. Never more than
 * MOST lines are in the document (U-125); what was scrolled away from is read again when it is wanted.
 */
class Feed {
  constructor(room, first) {
    Object.assign(this, { room, circle: room.circle, lines: new Map(), pages: [], live: true, heard: [], fresh: 0 });
    this.list = el('div.lines', { 'aria-live': 'off' });
    this.said = el('p.unseen');
    this.earlier = button('earlier', () => this.older(), { className: 'turn' });
    this.later = button('later', () => this.newest(), { className: 'turn', hidden: true });
    this.node = el('section.feed', { role: 'log', 'aria-label': t('feed') }, this.earlier, this.list, this.later, this.said);
    this.first = first;
    const hear = (data) => this.heard.push(data) === 1 && setTimeout(() => this.take(), FRAME_MS);
    room.on('message', hear);
    room.on('mark', hear);
    room.on('missed', () => this.catchUp().catch(() => {}));
    const seen = () => this.see();
    document.addEventListener('visibilitychange', seen);
    addEventListener('scroll', seen, { passive: true });
    room.ending(() => {
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('scroll', seen);
      clearTimeout(this.pause);
      clearTimeout(this.place);
    });
  }

  /** Shows the first page, at what is new in it. */
  begin() {
    const unread = this.circle.unread;
    this.pages = [{ ...this.first, rows: this.first.items.map((data) => this.row(data)) }, { rows: [] }];
    const others = this.pages[0].rows.filter((row) => !row.data.own && row.data.kind !== 'gap');
    this.newFrom = unread > 0 ? others.at(-Math.min(unread, others.length)) : null;
    this.first = null;
    this.draw();
    const mark = this.list.querySelector('.new');
    if (mark) mark.scrollIntoView({ block: 'start' });
    else this.toEnd();
    this.room.placed = true;
    this.watch = new IntersectionObserver(([entry]) => entry.isIntersecting && this.earlier.click(), { rootMargin: '200px' });
    this.room.ending(() => this.watch.disconnect());
    // Once the first sight has settled, coming near the top reads on by itself.
    requestAnimationFrame(() => requestAnimationFrame(() => this.watch.observe(this.earlier)));
    this.see();
  }

  /** A line with what is drawn for it; one that is there already is drawn anew. */
  row(data) {
    const key = data.id ?? (data.gap ? `gap ${data.gap.id}` : `${data.kind} ${data.received_at}`);
    const row = this.lines.get(key) ?? { key };
    row.data = data;
    row.at = data.received_at ?? data.gap?.since;
    row.ms = Date.parse(row.at);
    row.day = new Date(row.ms).toDateString();
    const node = drawLine(data, this);
    row.node?.replaceWith(node);
    row.node = node;
    this.lines.set(key, row);
    return row;
  }

  rows() {
    return this.pages.flatMap((page) => page.rows);
  }

  /** Brings the document to what the pages say: days, the line before what is new, who speaks on. */
  draw() {
    const wanted = [];
    let before = null;
    for (const row of this.rows()) {
      if (before?.day !== row.day) wanted.push(this.dayLine(row));
      if (row === this.newFrom) wanted.push(this.newLine ??= el('p.new', {}, el('span', {}, tt('new'))));
      const on = before && before.data.author_id && before.data.author_id === row.data.author_id && row.data.kind === 'said'
        && before.data.kind === 'said' && row.ms - before.ms < SPEAKS_ON_MS && wanted.at(-1) === before.node;
      row.node.classList.toggle('on', Boolean(on));
      wanted.push(row.node);
      before = row;
    }
    if (!wanted.length) wanted.push(this.none ??= p('feed-none'));
    let next = this.list.firstChild;
    for (const node of wanted) {
      if (node === next) next = next.nextSibling;
      else this.list.insertBefore(node, next);
    }
    while (next) {
      const after = next.nextSibling;
      next.remove();
      next = after;
    }
    this.earlier.hidden = !this.pages[0]?.before;
    this.later.hidden = this.live;
  }

  dayLine(row) {
    this.days ??= new Map();
    if (!this.days.has(row.day)) this.days.set(row.day, el('p.day', {}, el('span', {}, day(row.at))));
    return this.days.get(row.day);
  }

  /** Reads the page before; what is far below is let go of. */
  async older() {
    const [first] = this.pages;
    if (!first.before || this.reading) return;
    this.reading = true;
    try {
      const page = await read(within(this.circle, `messages?limit=${STEP}&before=${first.before}`));
      // The end of the conversation may have been read anew meanwhile.
      const over = () => this.pages[0] !== first;
      const full = this.count() + page.items.length > MOST - PAGE;
      // Nor does who is at the end, where many lines came meanwhile, give those up for earlier ones.
      if (over() || full && this.live && this.low()) return;
      // A slow computer takes out, makes and places lines in frames of their own (U-125).
      while (this.count() + page.items.length > MOST - PAGE && this.pages.length > 1) {
        this.drop(this.pages.pop());
        this.live = false;
      }
      await frame();
      const rows = page.items.map((data) => this.row(data));
      await frame();
      if (over()) return void this.drop({ rows });
      const anchor = this.rows()[0]?.node;
      const top = anchor?.getBoundingClientRect().top;
      this.pages.unshift({ ...page, rows });
      this.draw();
      if (anchor) scrollBy(0, anchor.getBoundingClientRect().top - top);
    } finally {
      this.reading = false;
    }
  }

  /** Back to the end of the conversation. */
  async newest() {
    if (this.renewing) return;
    this.renewing = true;
    try {
      const known = new Set(this.lines.keys());
      const page = await read(within(this.circle, `messages?limit=${PAGE}`));
      const from = this.newFrom?.key;
      // What is being sent, or came while this was read, may stand in no page yet.
      const late = this.rows().filter((row) => row.data.sending || !known.has(row.key));
      this.pages.forEach((old) => this.drop(old));
      const rows = page.items.map((data) => this.row(data));
      const more = late.filter((row) => !this.lines.has(row.key));
      more.forEach((row) => this.lines.set(row.key, row));
      this.pages = [{ ...page, rows }, { rows: more }];
      this.newFrom = this.lines.get(from) ?? null;
      this.live = true;
      this.draw();
      this.toEnd();
    } finally {
      this.renewing = false;
    }
  }

  count() {
    return this.pages.reduce((sum, page) => sum + page.rows.length, 0);
  }

  drop(page) {
    for (const row of page.rows) {
      this.lines.delete(row.key);
      row.node.remove();
    }
  }

  /** Takes what was heard since the last frame; where those are more lines than can be settled, the newest page is read. */
  take() {
    if (this.room.over) return;
    const heard = this.heard.splice(0);
    const low = this.low();
    const lines = heard.filter((data) => data.kind !== 'mark');
    if (low && !this.renewing && lines.length + this.pages.at(-1).rows.length > 2 * PAGE) {
      lines.forEach((data) => this.announce(data));
      this.newest().catch(() => {});
      return;
    }
    for (const data of heard) data.kind === 'mark' ? this.mark(data) : this.arrive(data, low);
    this.settle();
    if (low) this.toEnd();
  }

  toEnd() {
    scrollTo(0, document.body.scrollHeight);
  }

  /** Something was said, or what is missing changed. */
  arrive(data, low) {
    if (data.kind === 'gap' && data.gap.count === 0) return this.fill(`gap ${data.gap.id}`);
    const known = this.lines.has(data.id ?? `gap ${data.gap?.id}`);
    const mine = data.own && !known && [...this.lines.values()].find((row) => row.data.sending && row.data.text === data.text);
    if (mine) return this.adopt(mine, data);
    if (!this.live && !known) return this.announce(data);
    const row = this.row(data);
    if (!known) this.pages.at(-1).rows.push(row);
    if (!known && !data.own && !this.newFrom && (document.hidden || !low)) this.newFrom = row;
    if (!known) this.announce(data);
    return undefined;
  }

  /** Draws what is there; what the live page has too much of becomes a page that can be read again. */
  settle() {
    this.draw();
    const last = this.pages.at(-1);
    if (!this.live || this.pages.length < 2 || last.rows.length <= PAGE || this.settling) return;
    this.settling = true;
    const { after } = this.pages.at(-2);
    read(within(this.circle, `messages?limit=${PAGE}${after ? `&after=${after}` : ''}`)).then((page) => {
      this.settling = false;
      // The end of the conversation was read anew meanwhile.
      if (this.pages.at(-1) !== last) return;
      // What was read may hold lines that were not heard yet: who is at the end stays there.
      const still = this.low();
      const rows = page.items.map((data) => this.row(data));
      const live = last.rows.filter((row) => !rows.includes(row));
      this.pages.splice(-1, 1, { ...page, rows }, { rows: live });
      while (this.count() > MOST - PAGE && this.pages.length > 2) {
        this.drop(still ? this.pages.shift() : this.pages.pop());
        this.live = still;
      }
      this.settle();
      if (still) this.toEnd();
    }).catch(() => { this.settling = false; });
  }

  fill(key) {
    const row = this.lines.get(key);
    if (!row) return;
    for (const page of this.pages) page.rows = page.rows.filter((one) => one !== row);
    this.lines.delete(key);
    this.draw();
  }

  /** What came while nobody listened. */
  async catchUp() {
    if (!this.live) return;
    // Marks of lines before the last page may have risen too.
    if (this.low() && this.count() > PAGE) return void await this.newest();
    const page = await read(within(this.circle, `messages?limit=${PAGE}`));
    const low = this.low();
    for (const data of page.items) this.arrive(data, low);
    this.settle();
    if (low) this.toEnd();
    const there = new Set(page.items.map((data) => data.gap && `gap ${data.gap.id}`));
    const from = page.items[0]?.received_at;
    for (const row of [...this.lines.values()]) {
      if (row.data.gap && row.data.gap.since >= (from ?? '') && !there.has(row.key)) this.fill(row.key);
    }
  }

  /** One's own words, drawn before the node has them (U-125). */
  say(data) {
    const row = this.row({ ...data, id: `sending ${crypto.randomUUID()}`, kind: 'said', own: true, sending: true, mark: 'waiting',
      author: t('you'), received_at: new Date().toISOString() });
    if (this.live) this.pages.at(-1).rows.push(row);
    this.newFrom = null;
    this.draw();
    this.toEnd();
    return row;
  }

  /** The node has them now, under their own name; the event may have told first. */
  adopt(row, data) {
    const known = this.lines.get(data.id);
    this.lines.delete(row.key);
    if (known && known !== row) {
      for (const page of this.pages) page.rows = page.rows.filter((one) => one !== row);
    } else {
      row.key = data.id;
      this.lines.set(data.id, row);
      this.row({ ...row.data, ...data, ...higher(row.data, data), sending: false });
    }
    this.draw();
  }

  mark(data) {
    const row = this.lines.get(data.id);
    if (!row) return;
    Object.assign(row.data, higher(row.data, data));
    row.node.querySelector('.mark')?.replaceChildren(marked(row.data));
  }

  low() {
    return innerHeight + scrollY >= document.body.scrollHeight - 120;
  }

  /** Told as a count on a pause, not one by one (U-124). */
  announce(data) {
    if (data.own || data.kind === 'gap') return;
    this.fresh += 1;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.said.textContent = t('arrived', { count: this.fresh });
      this.fresh = 0;
      this.see();
    }, PAUSE_MS);
  }

  /** What is in sight has been read. */
  see() {
    clearTimeout(this.place);
    if (document.hidden || !this.live || !this.low() || this.circle.state !== 'member') return;
    this.place = setTimeout(() => call('PUT', within(this.circle, 'place'), {})
      .then(() => { this.circle.unread = 0; }).catch(() => {}), PLACE_MS);
  }
}

/** One line of the conversation. */
function drawLine(data, feed) {
  if (data.kind === 'gap') return el('p.happened.gap', {}, missing(data.gap));
  if (data.kind !== 'said' && data.kind !== 'support') {
    const { name = '', reason, role, given, result } = data.data ?? {};
    const id = { role: `line-role-${given ? 'given' : 'ended'}`, vote: `line-vote-${result ?? 'asked'}`,
      removed: reason ? 'line-removed-why' : 'line-removed' }[data.kind]
      ?? (['joined', 'left', 'differs', 'exceeds'].includes(data.kind) ? `line-${data.kind}` : 'line-newer');
    return el('p.happened', {}, tt(id, { name, reason, text: data.text, role: role && roleWord(role) }));
  }
  const name = data.own ? t('you') : data.author ?? t('somebody');
  const words = data.kind === 'support' ? support(data.text) : data.text;
  const text = el('div.text', { dir: 'auto' }, linked(words));
  const folds = data.note && el('details.note', {}, el('summary', {}, tt('note-open', { note: data.note })), text);
  return el(data.own ? 'article.message.own' : 'article.message', { 'aria-label': data.own ? name : spoken('says', { name }) },
    el('p.by', {}, bdi(name)),
    el('div.said', {}, replied(data, feed), folds || text,
      data.wants ? el('p.wish', {}, tt(`wants-${data.wants}-line`)) : null,
      el('p.under', {}, data.received_at ? el('time', { dateTime: data.received_at, title: moment(data.said_at ?? data.received_at) },
        hour(data.said_at ?? data.received_at)) : null,
      data.own ? el('span.mark', {}, marked(data)) : null,
      feed.circle.state === 'member' && !data.sending ? el('button.quiet', { type: 'button', 'aria-label': spoken('reply-to', { name }),
        onclick: () => feed.answer?.(data) }, t('reply')) : null)));
}

const MARKS = ['waiting', 'relayed', 'received'];

/** Of two marks of one message the higher one. */
function higher(a, b) {
  const above = (one) => MARKS.indexOf(one.mark) * 1_000 + (one.received_by ?? 0);
  const { mark, received_by, members } = above(a) > above(b) ? a : b;
  return { mark, received_by, members: members ?? a.members ?? b.members };
}

const marked = (data) => (data.mark === 'received' ? tt('mark-received', { count: data.received_by, members: data.members })
  : tt(`mark-${data.mark}`));

function missing(gap) {
  const words = gap.cause === 'asking' && gap.asking.length
    ? [tt(gap.count ? 'gap-count' : 'gap-some', { count: gap.count }), ' ', tt('gap-asks', { names: list(gap.asking) })]
    : [tt(gap.count ? 'gap-count' : 'gap-some', { count: gap.count }), ' ', tt(`gap-${gap.cause}`)];
  return ['forgotten', 'not-a-member-then'].includes(gap.cause) ? [tt(`gap-${gap.cause}`)] : words;
}

function replied(data, feed) {
  if (!data.reply_to) return null;
  const to = feed.lines.get(data.reply_to);
  const words = to?.data.text?.slice(0, 80);
  return el('p.replied', {}, tt('reply-line', { name: to ? (to.data.own ? t('you') : to.data.author ?? '') : '…' }),
    words ? [' ', el('button.quiet', { type: 'button', dir: 'auto', onclick: () => to.node.scrollIntoView({ block: 'center' }) }, words)] : null);
}

/** A text with its links, each in full and opened after one question (U-117). */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((piece, at) => (at % 2 === 0 ? piece : el('a', { href: piece,
    rel: 'noreferrer noopener', target: '_blank', dir: 'ltr', onclick: async (event) => {
      event.preventDefault();
      if (await ask(tt('link-ask'), [el('p.words', { dir: 'ltr' }, piece), p('link-what')], 'link-yes')) {
        open(piece, '_blank', 'noreferrer');
      }
    } }, piece)));
}

const SUPPORTS = ['with you', 'heard', 'thank you'];
const support = (words) => (SUPPORTS.includes(words) ? t(`support-${words.replace(' ', '-')}`) : words);

/** Where one writes. The draft is kept by the node, sealed. */
function composer(room, feed, draft) {
  const { circle } = room;
  const text = el('textarea', { rows: 2, dir: 'auto', autocomplete: 'off', spellcheck: here.config['page.spellcheck'] === true,
    translate: false, writingsuggestions: 'false', value: draft.text ?? '', maxLength: 8192 });
  const wants = select(['', 'listen', 'experience', 'advice'].map((word) => [word, t(word ? `wants-${word}` : 'wants-none')]),
    draft.wants ?? '');
  const note = line({ value: draft.note ?? '', maxLength: 120 });
  const above = el('div.above', {});
  const below = el('p.problem', { role: 'alert', hidden: true });
  let reply = draft.reply_to ? feed.first.items.find((data) => data.id === draft.reply_to) ?? null : null;

  let timer;
  let kept = JSON.stringify(draft);
  const keep = (options) => {
    clearTimeout(timer);
    const body = { text: text.value, reply_to: reply?.id ?? null, wants: wants.value || null, note: note.value || null };
    if (JSON.stringify(body) === kept) return Promise.resolve();
    kept = JSON.stringify(body);
    return call('PUT', within(circle, 'draft'), body, options).catch(() => { kept = ''; });
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(keep, DRAFT_MS); };
  keeping.draft = () => keep({ keepalive: true });
  room.ending(() => keep({ keepalive: true }));

  const to = (data) => {
    reply = data;
    above.replaceChildren(...(data ? [el('p.replied', {}, tt('reply-line', { name: data.own ? t('you') : data.author ?? '' }), ' ',
      el('span', { dir: 'auto' }, data.text.slice(0, 80)), ' ', button('reply-not', () => { to(null); text.focus(); }, { className: 'quiet' }))] : []));
    const heard = data?.wants === 'listen';
    if (heard) above.append(p('reply-listen'), el('div.row', {}, SUPPORTS.map((words) => el('button', { type: 'button',
      onclick: () => send(words) }, support(words)))));
    box.hidden = heard;
    later();
  };

  const send = async (words = text.value) => {
    if (!words.trim()) return text.focus();
    below.hidden = true;
    if (new TextEncoder().encode(words).length > 8192) return refuse({ kind: 'too-large' });
    if (looksPrivate(words) && !await ask(tt('private-ask'), [p('private-what')], 'private-yes', 'private-no')) return text.focus();
    const body = { text: words };
    if (reply) body.reply_to = reply.id;
    if (wants.value && !SUPPORTS.includes(words)) body.wants = wants.value;
    if (note.value.trim()) body.note = note.value.trim();
    const was = [text.value, reply];
    text.value = note.value = wants.value = '';
    to(null);
    text.focus();
    // Drawn last, so that the page is laid out once, and before anything is asked of the node (U-125).
    const row = feed.say(body);
    await new Promise((done) => {
      requestAnimationFrame(() => setTimeout(done));
      setTimeout(done, UNSEEN_MS);
    });
    return deliver(row, body, was);
  };

  const deliver = async (row, body, [words, data]) => {
    const once = crypto.randomUUID();
    for (;;) {
      try {
        return feed.adopt(row, await call('POST', within(circle, 'messages'), { ...body, timeout_ms: 0 }, { once }));
      } catch (problem) {
        // U-104: said again under the same key, it is said once.
        if (problem.kind === 'gone' && !room.over) {
          await new Promise((done) => room.on('missed', done));
          continue;
        }
        feed.fill(row.key);
        if (!text.value) text.value = words;
        to(data);
        wants.value = body.wants ?? '';
        note.value = body.note ?? '';
        later();
        return refuse(problem);
      }
    }
  };

  const refuse = (problem) => {
    below.replaceChildren(...problemLine(problem).childNodes);
    below.hidden = false;
    text.focus();
  };

  text.addEventListener('input', later);
  wants.addEventListener('change', later);
  note.addEventListener('input', later);
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  const box = el('div', {}, field('write', text), el('div.row', {},
    el('button.main', { type: 'submit' }, tt('send')), folded('write-more', el('div.row', {}, field('wants', wants), field('note', note, 'note-hint')),
      p('write-keys'))));
  const node = el('form.composer', { noValidate: true, autocomplete: 'off', onsubmit: (event) => {
    event.preventDefault();
    send();
  } }, above, box, below);
  to(reply);
  clearTimeout(timer);
  return { node, answer: (data) => { to(data); (data.wants === 'listen' ? above.querySelector('.row button') : text).focus(); } };
}

/** Whether a text looks as if it told where somebody lives or can be reached (U-45); asked about, never kept back. */
function looksPrivate(text) {
  // Most talk has neither a digit nor an @, and is looked at no further.
  if (!/[\d@]/.test(text)) return false;
  if (/(?:\d[\s\-./()+]*){7}/.test(text)) return true;
  if (/[\p{L}\p{N}][^\s@]*@[^\s@]+\.[\p{L}\p{N}]{2,}/u.test(text)) return true;
  const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const number = (word) => /^\d{1,5}[a-z]?$/.test(word);
  return words.some((word, at) => (STREETS.includes(word) || /(strasse|straße|weg)$/.test(word))
    && words.slice(Math.max(0, at - 3), at + 3).some(number));
}

const frame = () => new Promise(requestAnimationFrame);

const STREETS = ['street', 'avenue', 'road', 'lane', 'boulevard', 'rue', 'calle', 'via', 'allee'];
const PAGE = 50;
// So many are read on at once while scrolling back, in one frame: with 40 it took 117 ms on a slow computer (U-125).
const STEP = 30;
// U-125.
const MOST = 400;
// A frame; then guesses: how long a page that is not drawn is waited for, a pause that ends a burst of arrivals, time to have seen a line, time between a key press and keeping.
const FRAME_MS = 16;
const UNSEEN_MS = 100;
const PAUSE_MS = 2_000;
const PLACE_MS = 1_000;
const DRAFT_MS = 400;
const SPEAKS_ON_MS = 600_000;
