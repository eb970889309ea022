// The node behind the page: what is asked of it, what it says, and what is known here (U-100 to U-115).

/** What is known now. A lock or Hide empties it, so nothing else may keep what people said. */
export const here = {
  condition: 'starting', // starting, open, locked, not-set-up, gone, no-token
  status: null,
  config: JSON.parse(sessionStorage.getItem('looks') ?? '{}'),
  circles: [],
  network: null,
  full: false, // the disk
};

/** Forgets whatever a person wrote or is called; how the page looks is kept for the document that comes after. */
export function forget() {
  const looks = LOOKS.map((key) => [key, here.config[key]]);
  Object.assign(here, { config: Object.fromEntries(looks), circles: [], network: null });
  sessionStorage.setItem('looks', JSON.stringify(here.config));
}

/** What could not be done: the kind of U-4, and what the node said about it. */
class Problem extends Error {
  constructor(kind, status = 0, said = {}) {
    super(kind);
    Object.assign(this, { kind, status, said });
  }
}

/** Who is told that the home is locked, gone or not ours; the shell sets it. */
export const turned = { to: () => {} };

// U-115: out of the address bar before anything else.
const key = /^#k=([\w-]+)$/.exec(location.hash)?.[1];
if (key) history.replaceState(null, '', '/');
let token = sessionStorage.getItem('t');

/** Swaps the key of the address for a token; whether this tab has one then. */
export async function enter() {
  if (!key) return token !== null;
  token = null;
  try {
    token = (await call('POST', '/session', { key })).token;
    sessionStorage.setItem('t', token);
  } catch (problem) {
    if (problem.kind === 'gone') throw problem;
  }
  return token !== null;
}

/** Ends the token's life in this tab; the answer says that the home is locked. */
export function leave() {
  const gone = fetch('/v1/session', { method: 'DELETE', headers: head(), keepalive: true }).catch(() => {});
  token = null;
  sessionStorage.clear();
  return gone;
}

/** Asks the node. `once` is the idempotency key of a POST that may be said again (U-104). */
export async function call(method, path, body, { once, keepalive = false, wait = WAIT_MS } = {}) {
  const headers = head();
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method === 'POST') headers['Idempotency-Key'] = once ?? crypto.randomUUID();
  let answer;
  try {
    answer = await fetch('/v1' + path, { method, headers, keepalive, body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(wait) });
  } catch (error) {
    if (error.name === 'TimeoutError') throw new Problem('timed-out');
    turned.to('gone');
    throw new Problem('gone');
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok && method === 'POST') here.full = false;
  if (answer.ok) return said;
  const problem = new Problem(said.kind ?? 'internal', answer.status, said);
  const turn = answer.status === 401 ? 'no-token' : TURNS[problem.kind];
  if (turn && path !== '/session') turned.to(turn);
  throw problem;
}

export const read = (path) => call('GET', path);

/** The path of a circle, and of something below it. */
export const within = (circle, ...rest) => ['/circles', circle.id, ...rest].join('/');

/** Tells what happens from now on, or after a cursor, line by line, until the stream ends (U-103). */
export async function follow(tell, after, signal) {
  const answer = await fetch(`/v1/events${after ? `?after=${after}` : ''}`, { headers: head(), signal });
  if (!answer.ok) throw new Problem('gone', answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) if (line) tell(JSON.parse(line));
  }
}

function head() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

// Nothing among these is what somebody wrote.
const LOOKS = ['page.title', 'page.away', 'page.hide_keys', 'country', 'language'];
// Longer than the node takes for anything that is not a stream (U-107).
const WAIT_MS = 35_000;
const TURNS = { locked: 'locked', 'not-set-up': 'not-set-up', 'disk-full': 'full' };
