// What the circle decides together (U-67).
import { call, read, within } from './api.js';
import { list, moment, t, tt } from './text.js';
import { ask, button, el, field, folded, form, h2, line, p, quote, select, tell } from './parts.js';
import { ROLES, role } from './people.js';

/** What is asked, what was decided, and a question of one's own. */
export async function votes(room) {
  room.title(t('room-votes'));
  const { items: members } = await read(within(room.circle, 'members'));
  const there = members.filter((member) => ['active', 'held'].includes(member.state));
  const asked = el('div', {});
  const draw = async () => {
    const { items } = await read(within(room.circle, 'votes'));
    const open = items.filter((vote) => ['open', 'counting'].includes(vote.state));
    const over = items.filter((vote) => !open.includes(vote)).reverse().slice(0, MOST);
    // What has the focus or is unfolded stays so.
    const at = asked.contains(document.activeElement) && document.activeElement.id;
    const unfolded = [...asked.querySelectorAll('[open] > summary')].map((one) => one.id);
    asked.replaceChildren(...open.map((vote) => card(room, vote, draw)), ...(over.length ? [h2('votes-over')] : []),
      ...over.map((vote) => card(room, vote, draw)), ...(items.length ? [] : [p('votes-none')]));
    for (const id of unfolded) document.getElementById(id)?.click();
    if (at) document.getElementById(at)?.focus();
  };
  await draw();
  room.show(p('votes-what'), asked, question(room, there, draw));
  room.keep(['vote', 'missed'], draw);
}

function question(room, members, draw) {
  const text = el('textarea', { rows: 2, required: true, dir: 'auto', maxLength: 2_000, autocomplete: 'off', spellcheck: false,
    translate: false, writingsuggestions: 'false' });
  const whom = select([['', ''], ...members.map((member) => [member.id, member.name])], '', { required: true });
  const post = select(ROLES.map((word) => [word, role(word)]), 'host');
  const name = line({ required: true, maxLength: 40 });
  const about = field('vote-whom', whom);
  // What follows: what has to be known of it, and what is asked for.
  const follows = {
    none: [[], () => ({})],
    elect: [[about, field('vote-role', post)], () => ({ elect: whom.value, role: post.value })],
    remove: [[about], () => ({ remove: whom.value })],
    name: [[field('vote-name', name)], () => ({ name: name.value.trim() })],
  };
  const below = el('div', {});
  const then = select(Object.keys(follows).map((word) => [word, t(`vote-then-${word}`)]), 'none',
    { onchange: () => below.replaceChildren(...follows[then.value][0]) });
  return form(async () => {
    if (then.value !== 'none' && !await ask(tt('vote-sure'), [p('vote-sure-what')], 'votes-ask')) return;
    await call('POST', within(room.circle, 'votes'), { text: text.value.trim(), ...follows[then.value][1]() });
    text.value = whom.value = name.value = '';
    then.value = 'none';
    below.replaceChildren();
    tell(t('votes-asked'));
    await draw();
  }, 'votes-ask', [h2('votes-ask'), field('votes-text', text), folded('more', field('vote-then', then), below)]);
}

/** A vote. Who has all ballots can count again. */
function card(room, vote, draw) {
  const about = vote.about && { name: vote.about, role: role(vote.role ?? '') };
  const choose = (choice) => button(`choice-${choice}`, async () => {
    await call('POST', within(room.circle, 'votes', vote.id, 'cast'), { choice });
    await draw();
  }, { id: `${vote.id}-${choice}`, 'aria-pressed': String(vote.mine === choice) });
  const chose = (choice) => vote.ballots.filter((ballot) => ballot.choice === choice).map((ballot) => ballot.name);
  const who = folded('vote-who', p('vote-cast', { cast: vote.cast, all: vote.electorate }), CHOICES
    .filter((choice) => chose(choice).length)
    .map((choice) => el('p', {}, tt(`choice-${choice}`), ': ', el('bdi', {}, list(chose(choice))))));
  who.firstChild.id = `${vote.id}-who`;
  return el('section.card', { 'aria-label': vote.text.slice(0, 80) }, quote(vote.text),
    el('p.hint', {}, tt('vote-by', { name: vote.by }), ' ', tt(`vote-${vote.result ?? vote.state}`,
      { until: moment(vote.state === 'counting' ? vote.settles_at : vote.closes_at) })),
    about ? p(`vote-${vote.what}`, about) : null, vote.name ? p('vote-rename', { circle: vote.name }) : null,
    vote.state === 'open' ? el('div.row', {}, CHOICES.map(choose)) : null, who);
}

const CHOICES = ['yes', 'no', 'abstain', 'aside', 'block'];
// Of those that are over; a guess.
const MOST = 50;
