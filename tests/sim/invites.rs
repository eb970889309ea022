//! Invites at their end (R-61, U-34).

use harness::{ANNA, CHRIS, DANA, HostId, World};
use hearthlight_protocol::boundary::{
    Admit, Answer, Command, InviteView, JoinEnd, JoinState, RequestState, RequestView,
};
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::RequestId;

const SECOND: u64 = 1_000;
const LIFE_S: u64 = 300;

/// U-34, U-140: an invite ends to the second, by whoever made it: a code tells only the hour.
#[test]
fn who_looks_at_an_invite_a_second_after_it_ended_is_told_so() {
    let mut world = World::calm_circle_of(harness::Machines::Real, 61, 4, 2, 1);
    let invite = invite(&mut world, 2);
    world.run_for((LIFE_S - 10) * SECOND);
    join(&mut world, CHRIS, &invite);
    world.run_for(11 * SECOND);
    let code = invite.code.clone().expect("it was just made");
    world.command(DANA, Command::JoinPreview { code }).expect("a good code");
    world.run_for(SECOND);
    assert_eq!(state(&mut world, DANA), JoinState::Over(JoinEnd::Expired));
    // Who came in time is still answered.
    let waiting = waiting(&mut world);
    assert_eq!(waiting.iter().map(|request| &*request.name).collect::<Vec<_>>(), ["host 2"]);
    admit(&mut world, waiting[0].id).expect("Chris came in time");
}

/// U-38, U-146: who would let somebody in by an invite that is closed is told why it is.
#[test]
fn an_invite_that_was_used_up_or_taken_back_says_so_to_who_would_let_in() {
    let mut world = World::calm_circle_of(harness::Machines::Real, 62, 4, 2, 1);
    let used = invite(&mut world, 1);
    join(&mut world, CHRIS, &used);
    join(&mut world, DANA, &used);
    world.run_for(10 * SECOND);
    let both = waiting(&mut world);
    admit(&mut world, both[0].id).expect("it lets one in");
    assert_eq!(admit(&mut world, both[1].id), Err(CommandError::InviteUsed));
    let mut world = World::calm_circle_of(harness::Machines::Real, 63, 3, 2, 1);
    let revoked = invite(&mut world, 1);
    join(&mut world, CHRIS, &revoked);
    world.run_for(10 * SECOND);
    let waits = waiting(&mut world);
    let circle = world.circle.expect("it was founded");
    world.command(ANNA, Command::InviteRevoke { circle, invite: revoked.id }).expect("her own");
    assert_eq!(admit(&mut world, waits[0].id), Err(CommandError::InviteRevoked));
}

pub(crate) fn invite(world: &mut World, uses: u8) -> InviteView {
    let circle = world.circle.expect("it was founded");
    let (expires_s, admit, label) = (LIFE_S, Admit::Ask, None);
    let command = Command::InviteNew { circle, uses, expires_s, admit, label };
    let Ok(Answer::Invite(view)) = world.command(ANNA, command) else { panic!("no invite") };
    world.run_for(SECOND);
    view
}

pub(crate) fn join(world: &mut World, host: HostId, invite: &InviteView) {
    let code = invite.code.clone().expect("it was just made");
    let command = Command::Join { code, handle: format!("host {host}"), label: None };
    world.command(host, command).expect("a good code");
}

fn state(world: &mut World, host: HostId) -> JoinState {
    let Ok(Answer::Joins(joins)) = world.command(host, Command::Joins) else { panic!("no joins") };
    joins[0].state.clone()
}

pub(crate) fn waiting(world: &mut World) -> Vec<RequestView> {
    let circle = world.circle.expect("it was founded");
    let waiting = world.command(ANNA, Command::Waiting { circle });
    let Ok(Answer::Waiting(requests)) = waiting else { panic!("{waiting:?}") };
    requests.into_iter().filter(|request| request.state == RequestState::Waiting).collect()
}

fn admit(world: &mut World, request: RequestId) -> Result<(), CommandError> {
    let circle = world.circle.expect("it was founded");
    world.command(ANNA, Command::Admit { circle, request }).map(drop)
}
