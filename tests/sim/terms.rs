//! Roles for a time (R-12, R-15, D-26), and hosts whom two others remove.

use harness::{ANNA, BEN, CHRIS, DANA, World};
use hearthlight_protocol::boundary::{
    Admit, Answer, Command, EntryKind, MemberView, Room, Standing, Timestamp,
};
use hearthlight_protocol::circle::charter::Operation;
use hearthlight_protocol::error::CommandError;
use hearthlight_protocol::identity::MemberId;
use hearthlight_protocol::signed::Signed;
use hearthlight_protocol::wire;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// nobody holds a role past its end on any node, whether it was there or comes back later, and
/// what is done in the role meanwhile on a node that heard nothing has no effect.
#[test]
fn nobody_holds_a_role_past_its_end_on_any_node() {
    let mut world = World::calm_circle(21, 4, 1);
    let ben = member(&mut world, BEN);
    let end = world.now.plus(HOUR);
    give(&mut world, ben, "steward", Some(end)).expect("Anna is host");
    world.run_for(MINUTE);
    for host in [ANNA, BEN, CHRIS, DANA] {
        assert_eq!(seen_by(&mut world, host, ben).roles, ["steward"], "host {host}");
    }
    invite(&mut world, BEN).expect("a steward invites");
    world.crash(DANA, 2 * HOUR);
    world.run_for(HOUR);
    // At once, by the clock alone.
    for host in [ANNA, BEN, CHRIS] {
        let seen = seen_by(&mut world, host, ben);
        assert!(seen.roles.is_empty() && seen.terms.is_empty(), "host {host}: {seen:?}");
    }
    assert_eq!(invite(&mut world, BEN), Err(CommandError::NotAllowed));
    world.run_for(2 * HOUR);
    for host in [ANNA, BEN, CHRIS, DANA] {
        assert!(seen_by(&mut world, host, ben).roles.is_empty(), "host {host}");
        // D-26: and by an operation, which not everybody wrote.
        assert!((1..4).contains(&lapses(&world, host)), "host {host}: {}", lapses(&world, host));
    }
    // A new term is a new one.
    let end = world.now.plus(HOUR);
    give(&mut world, ben, "steward", Some(end)).expect("Anna is host");
    world.run_for(MINUTE);
    assert_eq!(seen_by(&mut world, DANA, ben).roles, ["steward"]);
    // U-43: once each, also where the node was off at the end.
    for host in [ANNA, BEN, CHRIS, DANA] {
        let lines = world.read(host).into_iter().filter_map(|entry| match entry.kind {
            EntryKind::Role { who, role, given, .. } if who == ben && role == "steward" => {
                Some(given)
            }
            _ => None,
        });
        assert_eq!(lines.collect::<Vec<_>>(), [true, false, true], "host {host}");
    }
    world.verdict().expect("every promise is kept");
}

/// a host goes when a second host says so too, and not before.
#[test]
fn a_host_goes_by_the_word_of_two_others() {
    let mut world = World::calm_circle(22, 4, 1);
    let [ben, chris] = [BEN, CHRIS].map(|host| member(&mut world, host));
    give(&mut world, ben, "host", None).expect("Anna is host");
    let remove = |world: &mut World, host| {
        let circle = world.circle.expect("it was founded");
        match world.command(host, Command::Remove { circle, who: ben, reason: None }) {
            Ok(Answer::Governed(act)) => Ok(act.needs_second),
            Ok(other) => panic!("{other:?}"),
            Err(why) => Err(why),
        }
    };
    assert_eq!(remove(&mut world, ANNA), Err(CommandError::AnotherHost));
    give(&mut world, chris, "host", None).expect("Anna is host");
    world.run_for(MINUTE);
    assert_eq!(remove(&mut world, ANNA), Ok(true));
    world.run_for(MINUTE);
    assert_eq!(seen_by(&mut world, DANA, ben).removal_by.len(), 1);
    assert_eq!(seen_by(&mut world, BEN, ben).standing, Standing::Member);
    assert_eq!(remove(&mut world, CHRIS), Ok(false));
    world.run_for(MINUTE);
    for host in [ANNA, BEN, CHRIS, DANA] {
        assert_eq!(seen_by(&mut world, host, ben).standing, Standing::Removed, "host {host}");
    }
}

fn give(
    world: &mut World,
    who: MemberId,
    role: &str,
    end: Option<Timestamp>,
) -> Result<(), CommandError> {
    let circle = world.circle.expect("it was founded");
    let command = Command::Role { circle, who, role: role.into(), grant: true, end };
    world.command(ANNA, command).map(drop)
}

/// Operations in the store of `host` that say that a term is over.
fn lapses(world: &World, host: usize) -> usize {
    let rows = world.hosts[host].store.drawer(Room::Operations);
    let operations = rows.filter_map(|(_, row)| wire::decode::<Signed>(row)?.decode::<Operation>());
    operations.filter(|operation| operation.kind == 68).count()
}

fn invite(world: &mut World, host: usize) -> Result<(), CommandError> {
    let circle = world.circle.expect("it was founded");
    let (uses, expires_s, admit, label) = (1, 86_400, Admit::Ask, None);
    world.command(host, Command::InviteNew { circle, uses, expires_s, admit, label }).map(drop)
}

pub(crate) fn member(world: &mut World, host: usize) -> MemberId {
    world.members(host).into_iter().find(|member| member.me).expect("it belongs").id
}

/// How `host` sees a member.
fn seen_by(world: &mut World, host: usize, who: MemberId) -> MemberView {
    world.members(host).into_iter().find(|member| member.id == who).expect("it was in")
}
