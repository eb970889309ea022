//! What a circle decides together, and hosts who are lost (R-12, R-13, D-27).

use harness::{ANNA, BEN, CHRIS, DANA, World};
use hearthlight_protocol::boundary::{
    Answer, Asked, Command, EntryKind, MemberView, NewVote, Standing, VoteState, VoteView,
};
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::{MemberId, OperationId};
use hearthlight_protocol::threshold::{NO, Pass, Verdict, YES};

use crate::terms::member;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// a host is voted out, and nodes do the rest by themselves.
#[test]
fn a_host_is_voted_out_by_all_who_are_left() {
    let mut world = World::calm_circle(31, 4, 1);
    let anna = member(&mut world, ANNA);
    let vote = ask(&mut world, BEN, Asked::Remove { who: anna }).expect("a member asks");
    world.run_for(MINUTE);
    assert_eq!(cast(&mut world, ANNA, vote.id, NO), Err(CommandError::NotAllowed));
    for host in [BEN, CHRIS] {
        cast(&mut world, host, vote.id, YES).expect("an elector casts");
    }
    // Dana has not: nothing is counted before its time.
    world.run_for(HOUR);
    assert_eq!(standing(&mut world, CHRIS, anna), Standing::Member);
    assert_eq!(seen(&mut world, CHRIS, vote.id).state, VoteState::Open);
    cast(&mut world, DANA, vote.id, NO).expect("an elector casts");
    world.run_for(2 * MINUTE);
    for host in [BEN, CHRIS, DANA] {
        let seen = seen(&mut world, host, vote.id);
        assert_eq!(seen.state, VoteState::Decided(Verdict::Carried), "host {host}");
        assert_eq!(seen.ballots.len(), 3, "host {host}");
        assert_eq!(standing(&mut world, host, anna), Standing::Removed, "host {host}");
        assert_eq!(world.reckoned(host).map(|roster| roster.len()), Some(3), "host {host}");
    }
    assert_eq!(standing(&mut world, ANNA, anna), Standing::Removed);
    assert_eq!(cast(&mut world, DANA, vote.id, YES), Err(CommandError::VoteClosed));
}

/// D-58: split for 30 hours around the close, with 48 to settle. All ballots count on all nodes.
#[test]
fn ballots_of_two_halves_count_if_the_cut_ends_in_time() {
    let mut world = World::calm_circle(32, 6, 1);
    let chris = member(&mut world, CHRIS);
    let asked = Asked::Elect { who: chris, role: "host".into(), end: None };
    let vote = ask(&mut world, BEN, asked).expect("a member asks");
    world.run_for(HOUR);
    for (host, choice) in [(ANNA, NO), (BEN, YES), (CHRIS, YES)] {
        cast(&mut world, host, vote.id, choice).expect("an elector casts");
    }
    for host in [3, 4, 5] {
        world.crash(host, 30 * HOUR);
    }
    world.run_for(31 * HOUR);
    for (host, choice) in [(3, YES), (4, YES)] {
        cast(&mut world, host, vote.id, choice).expect("before the close");
    }
    world.run_for(70 * HOUR);
    for host in 0..6 {
        let seen = seen(&mut world, host, vote.id);
        assert_eq!(seen.state, VoteState::Decided(Verdict::Carried), "host {host}");
        assert_eq!(seen.ballots.len(), 5, "host {host}");
        let roles = who(&mut world, host, chris).roles;
        assert_eq!(roles, ["host"], "host {host}");
        // U-43
        let happened: Vec<EntryKind> =
            world.read(host).into_iter().map(|entry| entry.kind).collect();
        let told = |verdict| {
            let of_vote = |kind: &&EntryKind| matches!(kind, EntryKind::Vote { id, verdict: it, .. } if *id == vote.id && *it == verdict);
            happened.iter().filter(of_vote).count()
        };
        assert_eq!((told(None), told(Some(Verdict::Carried))), (1, 1), "host {host}: {happened:?}");
        let given = |kind: &&EntryKind| matches!(kind, EntryKind::Role { who, role, given: true, .. } if *who == chris && role == "host");
        assert_eq!(happened.iter().filter(given).count(), 1, "host {host}: {happened:?}");
    }
    world.verdict().expect("every promise is kept");
}

/// D-27: too few nodes are there to say which count is the one.
#[test]
fn without_more_than_half_there_is_no_decision() {
    let mut world = World::calm_circle(33, 4, 1);
    let vote = ask(&mut world, BEN, Asked::Ordinary).expect("a member asks");
    world.run_for(MINUTE);
    for host in [ANNA, CHRIS] {
        world.crash(host, 60 * DAY);
    }
    cast(&mut world, BEN, vote.id, YES).expect("an elector casts");
    cast(&mut world, DANA, vote.id, YES).expect("an elector casts");
    world.run_for(3 * DAY);
    assert_eq!(seen(&mut world, DANA, vote.id).state, VoteState::Counting);
    world.run_for(8 * DAY);
    assert_eq!(seen(&mut world, DANA, vote.id).state, VoteState::Lapsed);
}

/// the only host's computer is gone. Those who are left choose another, and she comes back to two hosts.
#[test]
fn where_the_only_host_is_lost_another_is_chosen() {
    let mut world = World::calm_circle(34, 4, 1);
    let [anna, ben] = [ANNA, BEN].map(|host| member(&mut world, host));
    world.run_for(DAY);
    assert_eq!(lost(&mut world, BEN), Err(CommandError::HostsHeard));
    world.crash(ANNA, 40 * DAY);
    world.run_for(28 * DAY);
    assert_eq!(lost(&mut world, BEN), Err(CommandError::HostsHeard));
    world.run_for(4 * DAY);
    lost(&mut world, BEN).expect("nobody heard of her for 30 days");
    world.run_for(HOUR);
    lost(&mut world, CHRIS).expect("nor did Chris");
    world.run_for(HOUR);
    let asked = Asked::Elect { who: ben, role: "host".into(), end: None };
    let vote = ask(&mut world, CHRIS, asked).expect("a member asks");
    assert_eq!(vote.electorate.len(), 3, "all but the host who is lost");
    world.run_for(HOUR);
    for host in [BEN, CHRIS, DANA] {
        cast(&mut world, host, vote.id, YES).expect("an elector casts");
    }
    world.run_for(HOUR);
    for host in [BEN, CHRIS, DANA] {
        assert_eq!(who(&mut world, host, ben).roles, ["host"], "host {host}");
    }
    world.run_for(10 * DAY);
    for host in [ANNA, BEN, CHRIS, DANA] {
        for member in [anna, ben] {
            assert_eq!(who(&mut world, host, member).roles, ["host"], "host {host}");
        }
    }
    world.verdict().expect("every promise is kept");
}

/// she is back before they have chosen: what they chose without her gives nothing.
#[test]
fn a_host_who_comes_back_before_the_vote_is_over_is_not_lost() {
    let mut world = World::calm_circle(35, 4, 1);
    let ben = member(&mut world, BEN);
    world.run_for(HOUR);
    world.crash(ANNA, 33 * DAY);
    world.run_for(32 * DAY);
    for host in [BEN, CHRIS] {
        lost(&mut world, host).expect("nobody heard of her for 30 days");
        world.run_for(HOUR);
    }
    let asked = Asked::Elect { who: ben, role: "host".into(), end: None };
    let vote = ask(&mut world, CHRIS, asked).expect("a member asks");
    world.run_for(2 * DAY);
    for host in [BEN, CHRIS, DANA] {
        let _ = cast(&mut world, host, vote.id, YES);
    }
    world.run_for(3 * DAY);
    for host in [ANNA, BEN, CHRIS, DANA] {
        assert!(who(&mut world, host, ben).roles.is_empty(), "host {host}");
    }
}

/// D-27: the template's threshold is a floor.
#[test]
fn what_is_asked_is_checked_before_it_is_asked() {
    let mut world = World::calm_circle(36, 3, 1);
    let anna = member(&mut world, ANNA);
    let half = Pass::MoreThan(hearthlight_protocol::threshold::Share::new(1, 2));
    let mut vote = new(Asked::Remove { who: anna });
    vote.pass = Some(half);
    assert_eq!(propose(&mut world, BEN, vote).map(drop), Err(CommandError::ThresholdTooLow));
    let mut vote = new(Asked::Ordinary);
    vote.closes_s = 10;
    assert_eq!(propose(&mut world, BEN, vote).map(drop), Err(CommandError::OutOfRange));
    let role = Asked::Elect { who: anna, role: "king".into(), end: None };
    assert_eq!(ask(&mut world, BEN, role).map(drop), Err(CommandError::UnknownRole));
    let mut vote = new(Asked::Rename { name: "Evening group".into() });
    vote.pass = Some(Pass::Consensus);
    let vote = propose(&mut world, CHRIS, vote).expect("a member asks");
    world.run_for(MINUTE);
    for host in [ANNA, BEN, CHRIS] {
        cast(&mut world, host, vote.id, YES).expect("an elector casts");
    }
    world.run_for(2 * MINUTE);
    let circle = world.circle.expect("it was founded");
    let named = world.command(ANNA, Command::Circles);
    let Ok(Answer::Circles(circles)) = named else { panic!("{named:?}") };
    let is_here = |view: &&hearthlight_protocol::boundary::CircleView| {
        view.id == hearthlight_protocol::boundary::CircleRef::Circle(circle)
    };
    let name = circles.iter().find(is_here).map(|view| view.name.as_str());
    assert_eq!(name, Some("Evening group"));
}

fn new(asked: Asked) -> NewVote {
    NewVote { text: "as we talked about".into(), closes_s: 2 * 86_400, pass: None, asked }
}

fn ask(world: &mut World, host: usize, asked: Asked) -> Result<VoteView, CommandError> {
    propose(world, host, new(asked))
}

fn propose(world: &mut World, host: usize, vote: NewVote) -> Result<VoteView, CommandError> {
    let circle = world.circle.expect("it was founded");
    one(world.command(host, Command::VoteNew { circle, vote }))
}

fn cast(
    world: &mut World,
    host: usize,
    proposal: OperationId,
    choice: u8,
) -> Result<(), CommandError> {
    let circle = world.circle.expect("it was founded");
    one(world.command(host, Command::VoteCast { circle, proposal, choice })).map(drop)
}

fn lost(world: &mut World, host: usize) -> Result<(), CommandError> {
    let circle = world.circle.expect("it was founded");
    world.command(host, Command::HostLost { circle }).map(drop)
}

fn one(answer: Result<Answer, CommandError>) -> Result<VoteView, CommandError> {
    match answer? {
        Answer::Votes(mut votes) if votes.len() == 1 => Ok(votes.remove(0)),
        other => panic!("{other:?}"),
    }
}

fn seen(world: &mut World, host: usize, id: OperationId) -> VoteView {
    let circle = world.circle.expect("it was founded");
    match world.command(host, Command::Votes { circle }) {
        Ok(Answer::Votes(votes)) => {
            votes.into_iter().find(|vote| vote.id == id).expect("it was asked")
        }
        other => panic!("{other:?}"),
    }
}

/// How `host` sees a member.
fn who(world: &mut World, host: usize, who: MemberId) -> MemberView {
    world.members(host).into_iter().find(|member| member.id == who).expect("it was in")
}

fn standing(world: &mut World, host: usize, member: MemberId) -> Standing {
    who(world, host, member).standing
}
