"""Folds Hearthlight's charters a second time, from docs/protocol.md (section 4).

    python3 -B fold.py vectors/charters.json ...

Each charter of such a file is a set of signed operations, and what the fold makes of them. Every operation is
verified (R-10), the set is folded anew as "The fold, exactly" says, and every field is compared.

An operation is known here by its place in the order, and a set of operations is an int with a bit for each:
`stands` is what stands of all, `before` what stands of what some operation saw. R-n are the rules of
docs/protocol.md, and a step is one of "The fold, exactly".
"""

import base64
import json
import pathlib
import re
import sys

from basics import NONE, SIGNED, check, decode, labelled, member_id, verify
from second import BODIES, HYBRID, OPERATION, THIN, take_card

CIRCLE, ROLE, ROLE_LAPSED, PROPOSAL, BALLOT, TALLY, TALLY_ACK, HOLD = 64, 67, 68, 70, 71, 72, 73, 74
REMOVAL, COSIGN, FOUND, ADMIT, INVITE, INVITE_CLOSED, RELAYS, POLICY = 75, 81, 82, 83, 84, 85, 86, 87
HOST_LOST, JOIN, UNKNOWN = 88, 89, None  # unknown: of another kind or `rev`
RULE, ELECT, REMOVE, TEMPLATE = 2, 3, 5, 6  # `what` of a proposal
CHOICES = YES, NO, ABSTAIN, ASIDE, BLOCK = 0, 1, 250, 251, 252
CARRIED, NOT_CARRIED, NO_QUORUM, BLOCKED = range(4)  # result of a tally
USED, BY_REMOVAL = 1, 3  # why an invite is closed
LEFT = 2  # mode of a removal
MOST_MEMBERS, HOSTS_LOST_AFTER = 200, 30
HOLD_APART = 11 * 24 * 3600 * 1000

TEMPLATES = {  # pass, of (cast 0, electorate 1), quorum, settle; of a removal, an election, a rule
    "dharma": (("3/4", 0, "1/2", 48), ("2/3", 0, "1/2", 48), ("2/3", 0, "1/2", 72)),
    "four-point": (("2/3", 0, "1/2", 48), (">1/2", 0, "1/2", 48), ("2/3", 0, "1/2", 48)),
    "plain": (("2/3", 0, "1/2", 48), (">1/2", 0, "1/3", 48), ("2/3", 0, "1/2", 48)),
    "online-community": (("2/3", 0, "1/2", 24), (">1/2", 0, "1/5", 48), ("2/3", 0, "1/3", 72)),
    "sober-house": ((">1/2", 1, "1/2", 24), (">1/2", 0, "1/2", 24), ("2/3", 0, "1/2", 24)),
}
TEMPLATES["na-style"] = TEMPLATES["twelve-step"] = TEMPLATES["plain"]
FIGURES_OF = {REMOVE: 0, ELECT: 1, RULE: 2, TEMPLATE: 2}


def each(mask):
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def bit(operation):
    return 1 << operation.at


# --- Operations: read and verified, and put in the order.


class Operation:
    def __init__(self, number, id, content):
        self.number, self.id, self.at = number, id, None
        _, self.author, self.seq, _, kind, rev, _, body = content
        self.kind = kind = kind if rev == 1 and kind in (*BODIES, JOIN) else UNKNOWN
        self.said = said = decode(body, BODIES[kind]) if kind in BODIES else {}
        check(kind != JOIN or body == b"", "a join says nothing")
        # What it is about, what it names, and its source.
        self.about = said[3] if kind == ROLE else said[1] if kind in (HOLD, REMOVAL) else None
        self.names = said.get(1) if kind in (ROLE_LAPSED, BALLOT, TALLY, TALLY_ACK, COSIGN, INVITE_CLOSED) else None
        self.names = said[4] if kind == ADMIT else said[20] if kind == PROPOSAL else self.names
        self.source = said.get({CIRCLE: 4, ROLE: 5, REMOVAL: 4}.get(kind))  # a tally
        self.lets_in = self.author if kind == FOUND else member_id(said[1]) if kind == ADMIT else None


def read(signed, number, known):
    """An operation whose whole past is in `known`, in which all are by their ids."""
    signed = decode(signed, SIGNED)
    content = decode(signed[0], OPERATION)
    circle, author, seq, parents = content[:4]
    founds = not known
    signed_for = NONE if founds else next(iter(known))
    check(circle == signed_for and len(signed[0]) <= 48 * 1024, "another circle, or too long")
    check(parents == sorted(set(parents)) and (parents == []) == founds, "parents")
    made = Operation(number, labelled("operation", signed_for, signed[0]), content)
    check((made.kind == FOUND) == founds, "found, once")
    made.past = {id for parent in parents for id in (parent, *known[parent].past)}
    made.depth = max((known[parent].depth + 1 for parent in parents), default=0)
    past = [known[id] for id in made.past]
    check(seq == 1 + max((one.seq for one in past if one.author == author), default=0), "seq")
    keys = {one.said[5 if one.kind == FOUND else 1] for one in [*past, made] if one.lets_in == author}
    check(len(keys) == 1 and member_id(*keys) == author, "nobody let the author in")
    verify(*keys, signed[1], "operation", signed_for, signed[0])
    if made.lets_in:
        suite = {1: HYBRID, 2: THIN}[(made if founds else known[signed_for]).said[2]]
        take_card(made.said[4 if founds else 3], made.said[5 if founds else 1], signed_for, suite)
    return made


def read_all(texts):
    known = {}
    for number, text in enumerate(texts):
        made = read(base64.b64decode(text), number, known)
        known[made.id] = made
    ops = sorted(known.values(), key=lambda one: (one.depth, one.author, one.seq, one.id))  # the order
    for at, one in enumerate(ops):
        one.at = at
    for one in ops:
        one.saw = sum(1 << known[id].at for id in one.past)
    return ops


# --- thresholds.


def share(text):
    """(n, d, whether more is asked for) of n/d or >n/d, or None."""
    found = re.fullmatch("(>?)([0-9]+)/([0-9]+)", text)
    n, d = (int(found[2]), int(found[3])) if found else (0, 0)
    return (n, d, found[1] == ">") if 1 <= n <= d <= 12 else None


def is_built(said):
    """Without options, tellers, a minority's words, secret or withdrawn; and all of it can be read."""
    later = any(said[key] is not None for key in (4, 12, 14)) or said[11] or said[15]
    quorum = share(said[8])
    readable = (said[6] == "consensus" or share(said[6])) and quorum and not quorum[2]
    return not later and readable and said[5] == sorted(set(said[5]))


def at_least(mine, least):
    (n, d, more), (least_n, least_d, least_more) = share(mine), share(least)
    if least_more and not more:
        return n * least_d > least_n * d
    return n * least_d >= least_n * d


def no_lower(said, figures):
    least_pass, least_of, quorum, settle = figures
    passes = said[6] == "consensus" or at_least(said[6], least_pass)
    return passes and (said[7] == 1 or least_of == 0) and at_least(said[8], quorum) and said[10] >= settle


def come_to(said, choices):
    """What ballots come to, by the first that fits."""
    count, electors = choices.count, len(said[5])
    yes, no, block = count(YES), count(NO), count(BLOCK)
    n, d, _ = share(said[8])
    if not choices or len(choices) * d < electors * n:
        return NO_QUORUM
    if said[6] == "consensus" and block:
        return BLOCKED
    if not yes:
        return NOT_CARRIED
    if said[6] == "consensus":
        return CARRIED if not no and 3 * count(ASIDE) <= len(choices) else NOT_CARRIED
    n, d, more = share(said[6])
    whole = electors if said[7] == 1 else yes + no + block
    return CARRIED if yes * d > whole * n or not more and yes * d == whole * n else NOT_CARRIED


class Fold:
    def __init__(self, ops):
        self.ops, self.by_id = ops, {one.id: one for one in ops}
        self.admissions_known = {}  # what was asked before, since it is asked so often
        self.letting = {}  # of each member: what lets it in, standing or not
        for one in ops:
            if one.lets_in:
                self.letting[one.lets_in] = self.letting.get(one.lets_in, 0) | bit(one)
        self.removals_of, self.removals = dict.fromkeys(self.letting, 0), 0
        for one in ops:
            word = self.backed(one)
            about = one.about if one.kind == REMOVAL else word and word.about
            if about:
                self.removals_of[about] = self.removals_of.get(about, 0) | bit(one)
                self.removals |= bit(one)
        self.cancelled_by = [sum(bit(r) for r in ops if self.cancels(r, one)) for one in ops]
        self.find_papers()
        self.support = [self.lasting_supports(one) for one in ops]
        self.settled, self.aside = {}, 0
        self.settle_removals()
        self.count_uses()

    def of_kind(self, kind, mask):
        return [self.ops[at] for at in each(mask) if self.ops[at].kind == kind]

    # --- The words.

    def named(self, x, kind):
        """What x names, if it is of that kind and x saw it."""
        found = self.by_id.get(x.names)
        return found if found and found.kind == kind and x.saw & bit(found) else None

    def backed(self, x):
        return self.named(x, REMOVAL) if x.kind == COSIGN else None

    def admissions(self, m, before):
        removals = self.removals_of.get(m, 0) & before
        letting = self.letting.get(m, 0) & before
        if (m, removals, letting) not in self.admissions_known:
            good = sum(1 << at for at in each(letting) if not removals & ~self.ops[at].saw)
            self.admissions_known[m, removals, letting] = good
        return self.admissions_known[m, removals, letting]

    def belongs(self, m, x, before):
        return bool(self.admissions(m, before)) or x.kind == FOUND and x.author == m

    def members(self, x, before):
        return {m for m in self.letting if self.belongs(m, x, before)}

    def rank(self, x, stands):
        admissions = self.admissions(x.author, stands & x.saw)
        return min((self.ops[at].depth for at in each(admissions)), default=0), x.author, x.seq, x.id

    def backing(self, x):
        tally = self.source_tally(x)
        return 0 if tally else 1 if self.backed(x) else 2

    def decides(self, several, stands):
        """The one that decides, of several on one subject."""
        seen = 0
        for one in several:
            seen |= one.saw
        latest = [one for one in several if not seen & bit(one)]

        def first(x):
            return int(x.kind == ROLE and x.said[1]), self.backing(x), self.rank(x, stands)

        return min(latest, key=first, default=None)

    def lasting_supports(self, x):
        """Supports of x, whether they stand or not."""
        mask = 0
        for one in (x.kind == ADMIT and self.named(x, INVITE), self.backed(x)):
            mask |= bit(one) if one else 0
        tally = self.source_tally(x)
        if tally:
            proposal = self.named(tally, PROPOSAL)
            mask |= bit(proposal) | self.papers[proposal.at] & x.saw
        return mask

    def supports(self, x, stands):
        word = self.backed(x)
        authors = {x.author, word.author} if word else {x.author}
        mask = self.support[x.at]
        for at in each(stands & x.saw):
            one = self.ops[at]
            if one.kind == ADMIT and one.lets_in in authors or one.kind == ROLE and one.about in authors:
                mask |= 1 << at
        return mask

    def all_supports(self, x, stands, but=0):
        """x, its supports, theirs, and so on; those in `but` are passed over."""
        found, fresh = 0, bit(x) & ~but
        while fresh:
            found |= fresh
            further = 0
            for at in each(fresh):
                further |= self.supports(self.ops[at], stands)
            fresh = further & ~found & ~but
        return found

    def cancels(self, r, y):
        if not self.removals_of.get(y.author, 0) & bit(r) or r is y or r.saw & bit(y):
            return False
        return not any(self.ops[at].saw & bit(r) for at in each(self.letting[y.author] & y.saw))

    def leans(self, x, r, stands):
        return any(self.cancelled_by[at] & bit(r) for at in each(self.all_supports(x, stands, bit(r))))

    def lapses(self, grant):
        found = (one for one in self.ops if one.kind == ROLE_LAPSED and self.named(one, ROLE) is grant)
        return [one for one in found if grant.said[1] and grant.said[4] is not None and one.author != grant.about]

    def grant_at(self, m, role, admissions, before):
        """The operation that decides on a role, of those that saw one of the admissions."""
        of_role = [one for one in self.of_kind(ROLE, before) if (one.about, one.said[2]) == (m, role)]
        return self.decides([one for one in of_role if one.saw & admissions], before)

    def holds(self, m, role, x, before):
        admissions = self.admissions(m, before)
        last = self.grant_at(m, role, admissions, before)
        if not last:
            return role == "host" and bool(admissions & 1)
        lapses = self.lapses(last)
        return last.said[1] and (not lapses or any(one.saw & bit(x) for one in lapses))

    def host(self, m, x, before):
        return self.belongs(m, x, before) and self.holds(m, "host", x, before)

    def hosts(self, x, before):
        return {m for m in self.letting if self.host(m, x, before)}

    # --- what is in order on a proposal depends on the past alone.

    def find_papers(self):
        proposals = [one for one in self.ops if one.kind == PROPOSAL and is_built(one.said)]
        self.papers = {one.at: 0 for one in proposals}  # ballots, tallies and acknowledgements
        for one in self.ops:
            proposal = self.proposal_of(one)
            if proposal and one.author in proposal.said[5] and self.in_order(one, proposal):
                self.papers[proposal.at] |= bit(one)

    def proposal_of(self, paper):
        """The proposal of a ballot, tally or acknowledgement, if papers on it can be in order."""
        tally = self.named(paper, TALLY) if paper.kind == TALLY_ACK else paper
        proposal = tally and tally.kind in (BALLOT, TALLY) and self.named(tally, PROPOSAL)
        return proposal if proposal and proposal.at in self.papers else None

    def in_order(self, paper, proposal):
        papers = self.papers[proposal.at] & paper.saw
        if paper.kind == TALLY_ACK:
            return bool(papers & bit(self.named(paper, TALLY)))
        if paper.kind == BALLOT:
            acknowledged = {one.author for one in self.of_kind(TALLY_ACK, papers)}
            return paper.said[2] in CHOICES and paper.author not in acknowledged
        counted = self.counted(papers)
        return (paper.said[2] == sorted(one.id for one in counted.values())
                and paper.said[4] == come_to(proposal.said, [one.said[2] for one in counted.values()]))

    def counted(self, papers):
        """Of each elector's ballots the one that saw all its others."""
        ballots, counted = self.of_kind(BALLOT, papers), {}
        for one in ballots:
            others = sum(bit(other) for other in ballots if other.author == one.author and other is not one)
            if not others & ~one.saw:
                counted[one.author] = one
        return counted

    def source_tally(self, x):
        """The tally that x names as its source, if x saw it and it is in order."""
        tally = self.by_id.get(x.source)
        if not tally or tally.kind != TALLY or not x.saw & bit(tally):
            return None
        proposal = self.proposal_of(tally)
        return tally if proposal and self.papers[proposal.at] & bit(tally) else None

    def decision(self, proposal, before):
        """(result, ballots counted) of the tallies that are final, or None."""
        papers, ballots, final = self.papers[proposal.at] & before, 0, False
        for tally in self.of_kind(TALLY, papers):
            acks = {one.author for one in self.of_kind(TALLY_ACK, papers) if one.names == tally.id}
            if 2 * len(acks) > len(proposal.said[5]):
                final = True
                ballots |= sum(bit(self.by_id[id]) for id in tally.said[2])
        if not final:
            return None
        counted = self.counted(ballots & before)
        return come_to(proposal.said, [one.said[2] for one in counted.values()]), counted

    def carried(self, x, before):
        tally = self.source_tally(x)
        proposal = tally and self.named(tally, PROPOSAL)
        if not proposal or not before & bit(proposal):
            return None
        decision = self.decision(proposal, before)
        return proposal if decision and decision[0] == CARRIED else None

    def vote_fits(self, x, before):
        """An act counts if the vote was carried, is on exactly that, and had seen all that was done on it."""
        proposal = self.carried(x, before)
        if not proposal:
            return False
        said = proposal.said
        if x.kind == CIRCLE:
            circles = self.of_kind(CIRCLE, before)
            last = self.highest(CIRCLE, before)
            exactly = said[2] in (RULE, TEMPLATE) and (said[18], said[19]) == (x.said[2], x.said[3])
            exactly = exactly and x.said[1] == (last.said[1] + 1 if last else 1)
            return exactly and all(proposal.saw & bit(one) for one in circles)
        seen = bool(self.admissions(x.about, before) & proposal.saw)
        if x.kind == REMOVAL:
            return seen and said[2] == REMOVE and said[13] == x.about
        roles = [one for one in self.of_kind(ROLE, before) if (one.about, one.said[2]) == (x.about, x.said[2])]
        seen = seen and all(proposal.saw & bit(one) for one in roles)
        exactly = said[2] == ELECT and (said[13], said[16], said[17]) == (x.about, x.said[2], x.said[4])
        return seen and exactly and not self.heard_again(proposal, before)

    def highest(self, kind, before):
        """Of circle, policy and relays: the highest body rev, and of several the one that decides."""
        several = self.of_kind(kind, before)
        rev = max((one.said[1] for one in several), default=0)
        return self.decides([one for one in several if one.said[1] == rev], before)

    # --- lost hosts.

    def who_count(self, word, stands):
        """Who was in before a host did something last."""
        before, known = stands & word.saw, 0
        for at in each(before):
            one = self.ops[at]
            if one.kind == FOUND or self.host(one.author, one, stands & one.saw):
                known |= one.saw | 1 << at
        return {m for m in set(self.letting) - set(word.said[1]) if self.admissions(m, before) & known}

    def who_say(self, word, before):
        cosigns = (one for one in self.of_kind(COSIGN, before) if one.names == word.id and one.saw & bit(word))
        return {word.author, *(one.author for one in cosigns)}

    def heard(self, word, before):
        """Something by one of these hosts saw the word."""
        return any(self.ops[at].saw & bit(word) for at in each(before) if self.ops[at].author in word.said[1])

    def heard_again(self, proposal, before):
        return proposal.said[20] is not None and self.heard(self.named(proposal, HOST_LOST), before)

    # --- Step 1: who may, by what stands before it.

    def judge(self):
        stands, self.words = 0, 0
        for x in self.ops:
            before = stands & x.saw
            cancelled = self.cancelled(x)
            if self.removals & bit(x):
                good = self.settled.get(x.at, False)
            else:
                good = not cancelled and not self.aside & bit(x) and self.may(x, before)
            if good:
                stands |= bit(x)
            elif x.kind == REMOVAL and x.said[2] != LEFT and x.source is None and x.about != x.author:
                if not cancelled and self.host(x.author, x, before) and self.host(x.about, x, before):
                    self.words |= bit(x)
        self.stands = stands

    def counts(self, x):
        """Whether a removal that is settled now stands, as judged now."""
        return not self.cancelled(x) and self.may(x, self.stands & x.saw)

    def cancelled(self, x):
        return any(good and self.cancelled_by[x.at] >> at & 1 for at, good in self.settled.items())

    def may(self, x, before):
        a, said = x.author, x.said
        if not self.belongs(a, x, before):
            return False
        is_host = self.host(a, x, before)
        host_or_steward = is_host or self.holds(a, "steward", x, before)
        if x.kind == CIRCLE:
            return is_host if x.source is None else self.vote_fits(x, before)
        if x.kind == ROLE:
            return self.may_role(x, before, is_host) if x.source is None else self.vote_fits(x, before)
        if x.kind == PROPOSAL:
            return self.may_propose(x, before)
        if x.kind in (BALLOT, TALLY, TALLY_ACK):
            proposal = self.proposal_of(x)
            return bool(proposal and before & bit(proposal) and self.papers[proposal.at] & bit(x))
        if x.kind == HOLD:
            placed = [one for one in self.of_kind(HOLD, before) if one.said[2] and one.about == x.about]
            apart = all(one.said[3] + HOLD_APART <= said[3] for one in placed) or not said[2]
            return host_or_steward and x.about != a and self.belongs(x.about, x, before) and apart
        if x.kind == REMOVAL:
            if said[2] == LEFT and x.about == a:
                return True
            if x.source is not None:
                return self.belongs(x.about, x, before) and self.vote_fits(x, before)
            return is_host and self.belongs(x.about, x, before) and not self.host(x.about, x, before)
        if x.kind == COSIGN:
            word = self.backed(x)
            if not word:
                return True
            good = self.words & bit(word) and is_host and a not in (word.author, word.about)
            return bool(good and self.host(word.author, x, before) and self.belongs(word.about, x, before))
        if x.kind == ADMIT:
            return self.may_admit(x, before, host_or_steward)
        if x.kind == INVITE:
            return host_or_steward
        if x.kind == INVITE_CLOSED:
            what = self.by_id.get(x.names)
            return is_host or bool(what) and what.author == a and bool(x.saw & bit(what))
        if x.kind in (RELAYS, POLICY):
            return is_host
        if x.kind == HOST_LOST:
            all_hosts = said[1] == sorted(self.hosts(x, before))
            return not is_host and all_hosts and said[3] >= HOSTS_LOST_AFTER
        return True

    def may_role(self, x, before, is_host):
        grant, role, to, end = (x.said[key] for key in (1, 2, 3, 4))
        if not self.belongs(to, x, before):
            return False
        if not grant:
            return to == x.author or is_host and role != "host"
        if role == "host" and end is not None and to != x.author and self.host(to, x, before):
            last = self.grant_at(to, "host", self.admissions(to, before), before)
            if not last or last.said[4] is None or last.said[4] > end:
                return False
        return is_host

    def may_admit(self, x, before, host_or_steward):
        if len(self.members(x, before)) >= MOST_MEMBERS:
            return False
        if x.names is None:
            return host_or_steward
        invite = self.named(x, INVITE)
        if not invite or not before & bit(invite):
            return False
        closed = any(one.names == invite.id for one in self.of_kind(INVITE_CLOSED, before))
        unseen = before & self.removals & ~invite.saw
        return (host_or_steward or invite.said[6]) and not closed and not unseen

    def may_propose(self, x, before):
        said, members = x.said, self.members(x, before)
        if x.at not in self.papers:
            return False
        needs = {RULE: (18, 19), TEMPLATE: (18, 19), ELECT: (13, 16), REMOVE: (13,)}.get(said[2], ())
        if any(said[key] is None for key in needs):
            return False
        if needs:
            circle = self.highest(CIRCLE, before)
            template = TEMPLATES.get(circle.said[3] if circle else "plain", TEMPLATES["plain"])
            if not no_lower(said, template[FIGURES_OF[said[2]]]):
                return False
        should = members - {said[13]} if said[2] == REMOVE else members
        if said[20] is not None:
            word = self.named(x, HOST_LOST)
            if said[2] != ELECT or said[16] != "host":
                return False
            if not word or not before & bit(word) or self.heard(word, before):
                return False
            should = self.who_count(word, before)
            if 2 * len(self.who_say(word, before) & should) <= len(should):
                return False
        elif needs and len(should) < 2:
            return False
        about_in_it = said[2] == REMOVE and said[13] in said[5]  # member or not
        return members & set(said[5]) == should and not about_in_it

    # --- Step 2: settling removals.

    def settle_removals(self):
        open_ones = self.removals
        while open_ones:
            self.judge()
            free = [at for at in each(open_ones) if not self.leans_against_any(self.ops[at], open_ones)]
            if free:
                x = min((self.ops[at] for at in free), key=self.depth_and_rank)
            else:
                x = min((self.ops[at] for at in each(open_ones)), key=lambda one: self.in_a_ring(one, open_ones))
            self.settled[x.at] = self.counts(x)
            open_ones &= ~bit(x)

    def depth_and_rank(self, x):
        return x.depth, self.rank(x, self.stands)

    def leans_against_any(self, x, open_ones, but=0):
        return any(self.leans(x, self.ops[at], self.stands) for at in each(open_ones & ~bit(x) & ~but))

    def in_a_ring(self, x, open_ones):
        rank, word = self.rank(x, self.stands), self.backed(x)
        older = min(rank, self.rank(word, self.stands)) if word else rank
        return self.borrowed(x, open_ones), self.backing(x), older, rank

    def borrowed(self, x, open_ones):
        if x.source is None:
            word, mask = self.backed(x), self.supports(x, self.stands)
            if word:
                mask = mask & ~bit(word) | self.supports(word, self.stands)
            return int(any(self.leans_against_any(self.ops[at], open_ones, bit(x)) for at in each(mask)))
        before, doubtful = self.stands & x.saw, 0
        tally = self.source_tally(x)
        proposal = tally and self.named(tally, PROPOSAL)
        for at in each(self.papers[proposal.at] & before if proposal else 0):
            paper = self.ops[at]
            admissions = self.admissions(paper.author, self.stands & paper.saw)
            if any(self.leans_against_any(self.ops[one], open_ones, bit(x)) for one in each(admissions)):
                doubtful |= bit(paper)
        return int(not self.carried(x, before & ~doubtful))

    # --- Step 3: uses.

    def count_uses(self):
        self.judge()
        admits = sorted(self.of_kind(ADMIT, (1 << len(self.ops)) - 1), key=self.depth_and_rank)
        while self.one_too_many(admits):
            self.judge()
        self.stands &= ~self.aside

    def one_too_many(self, admits):
        """Walks once; whether all is to be judged again."""
        used, let_in = {}, set()
        for x in admits:
            if not self.stands & ~self.aside & bit(x):
                continue
            invite = self.named(x, INVITE)
            if invite and x.lets_in not in let_in:
                if used.get(invite.at, 0) == invite.said[4]:
                    self.aside |= bit(x)
                    if any(one.author == x.lets_in for one in self.ops):
                        for at, good in self.settled.items():
                            if good and self.all_supports(self.ops[at], self.stands) & bit(x):
                                self.settled[at] = False
                        return True
                    continue
                used[invite.at] = used.get(invite.at, 0) + 1
            let_in.add(x.lets_in)
        return False

    # --- Step 4: the roster.

    def roster(self):
        stands = self.stands
        members, used = self.let_in()
        hosts = {m for m, one in members.items() if "host" in one["roles"]}
        circle, policy, relays = (self.highest(kind, stands) for kind in (CIRCLE, POLICY, RELAYS))
        invites = {one.number: {"used": used.get(one.at, 0), "closed": self.closed(one, used.get(one.at, 0))}
                   for one in self.of_kind(INVITE, stands)}
        return {
            "standing": sorted(self.ops[at].number for at in each(stands)),
            "members": members,
            "outside": sorted(set(self.letting) - set(members)),
            "removals": min((stands & self.removals).bit_count(), 65535),
            "circle_name": circle and circle.said[2],
            "policy_late_days": policy and policy.said[6],
            "relays_rev": relays.said[1] if relays else 0,
            "invites": invites,
            "holds": {m: until for m, until in self.held().items() if m in members},
            "words": self.words_given(members, hosts),
            "votes": {one.number: self.vote(one) for one in self.of_kind(PROPOSAL, stands)},
            "lost": self.lost(),
        }

    def let_in(self):
        stands, used = self.stands, {}
        founder = self.ops[0]
        members = {founder.author: (founder, founder)}  # the first and the last that let them in
        for x in sorted(self.of_kind(ADMIT, stands), key=self.depth_and_rank):
            if x.lets_in in members:
                if x.saw & self.removals_of[x.lets_in] & stands:
                    members[x.lets_in] = members[x.lets_in][0], x
                continue
            members[x.lets_in] = x, x
            invite = self.named(x, INVITE)
            if invite:
                used[invite.at] = used.get(invite.at, 0) + 1
        roster = {}
        for m, (first, by) in members.items():
            if self.admissions(m, stands):
                roster[m] = {"by": by.number, "age": first.depth, "roles": self.roles(m)}
        return roster, used

    def roles(self, m):
        admissions, roles = self.admissions(m, self.stands), {}
        if admissions & 1:
            roles["host"] = None
        for role in {one.said[2] for one in self.of_kind(ROLE, self.stands) if one.about == m}:
            last = self.grant_at(m, role, admissions, self.stands)
            if last and last.said[1] and not self.lapses(last):
                roles[role] = last.said[4]
            elif last:
                roles.pop(role, None)
        return roles

    def closed(self, invite, used):
        if used >= invite.said[4]:
            return USED
        if self.stands & self.removals & ~invite.saw:
            return BY_REMOVAL
        closings = [one for one in self.of_kind(INVITE_CLOSED, self.stands) if one.names == invite.id]
        return min(closings, key=self.depth_and_rank).said[2] if closings else None

    def held(self):
        holds, until = self.of_kind(HOLD, self.stands), {}
        for one in sorted(holds, key=self.depth_and_rank):
            lifts = [lift for lift in holds if not lift.said[2] and lift.about == one.about]
            if one.said[2] and not any(lift.saw & bit(one) for lift in lifts):
                until[one.about] = one.said[3]
        return until

    def words_given(self, members, hosts):
        words, by_number = {}, {one.number: one for one in self.ops}
        for at in each(self.words):
            one = self.ops[at]
            if {one.author, one.about} <= hosts and one.saw & bit(by_number[members[one.about]["by"]]):
                words.setdefault(one.about, {})[one.author] = one.number
        return words

    def vote(self, proposal):
        decision = self.decision(proposal, self.stands)
        result, counted = decision or (None, self.counted(self.papers[proposal.at] & self.stands))
        return {"decided": result, "ballots": {m: one.number for m, one in counted.items()}}

    def lost(self):
        lost = {one.author: one for one in self.of_kind(HOST_LOST, self.stands)}
        return {one.number: {"those": sorted(self.who_count(one, self.stands)),
                             "by": sorted(self.who_say(one, self.stands))}
                for one in lost.values() if not self.heard(one, self.stands)}  # fmt: skip


# --- Every charter of every file.


def plain(value):
    """As JSON says it: ids in hex, all keys as text."""
    if isinstance(value, dict):
        return {plain(key) if isinstance(key, bytes) else str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value.hex() if isinstance(value, bytes) else value


def main(paths):
    charters, operations, wrong = 0, 0, []
    for path in paths:
        for charter in json.loads(path.read_text()):
            ops = read_all(charter["operations"])
            found = plain(Fold(ops).roster())
            charters, operations = charters + 1, operations + len(ops)
            for field, value in found.items():
                if value != charter[field]:
                    wrong.append(f"{charter['story']}: {field} is {charter[field]}, and here {value}")
    print(f"{charters} charters folded, {operations} operations")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main([pathlib.Path(path) for path in sys.argv[1:]])
