//! The second oracle reckons as the machines do, and sees what all of them get wrong alike.

use std::collections::{BTreeMap, BTreeSet};

use harness::{ANNA, BEN, CHRIS, DANA, HostId, Machines, World};
use hearthlight_protocol::boundary::{Admit, Answer, Command, RequestView};
use hearthlight_protocol::identity::MemberId;
use hearthlight_protocol::planted::Planted;

const MINUTE: u64 = 60_000;

/// what somebody says who has gone, and nobody had heard, is shown by all alike.
#[test]
fn talk_of_somebody_removed_is_seen_by_the_second_oracle() {
    let broken = |fault: Option<Planted>| {
        let mut world = World::calm_circle(71, 3, 2);
        world.plant(fault);
        let ben = world.forger(BEN).me;
        world.cut(BTreeMap::from([(BEN, 1), (4, 1)]));
        world.run_for(MINUTE);
        remove(&mut world, ben);
        world.say(BEN, "has not heard of it");
        world.run_for(MINUTE);
        world.cut(BTreeMap::new());
        world.run_for(5 * MINUTE);
        world.verdict().err().map(|broken| broken.promise)
    };
    assert_eq!(broken(None), None);
    assert_eq!(broken(Some(Planted::RemovedHeard)), Some("R-32"));
}

/// Ben, a steward, lets Dana in in one half while Anna removes him in the other. All machines with
/// the fault agree that Dana belongs.
#[test]
fn a_fold_that_all_share_is_seen_by_the_second_oracle() {
    let rosters = |fault: Option<Planted>| {
        let mut world = World::calm_circle_of(Machines::Real, 72, 4, 3, 2);
        world.plant(fault);
        let circle = world.circle.expect("it was founded");
        let ben = world.forger(BEN).me;
        let role = "steward".to_owned();
        let give = Command::Role { circle, who: ben, role, grant: true, end: None };
        world.command(ANNA, give).expect("Anna is host");
        world.run_for(MINUTE);
        world.cut(BTreeMap::from([(BEN, 1), (DANA, 1), (5, 1)]));
        world.run_for(MINUTE);
        let_in(&mut world, BEN, DANA);
        world.run_for(MINUTE);
        remove(&mut world, ben);
        world.run_for(MINUTE);
        assert_eq!(world.roster(DANA).len(), 4, "Dana came in");
        world.cut(BTreeMap::new());
        world.run_for(5 * MINUTE);
        let theirs = [ANNA, CHRIS].map(|host| world.roster(host));
        let reckoned = [ANNA, CHRIS].map(|host| world.reckoned(host).expect("it knows this"));
        (theirs, reckoned)
    };
    let two = |rosters: &[BTreeSet<MemberId>; 2]| rosters.each_ref().map(BTreeSet::len) == [2, 2];
    let (theirs, reckoned) = rosters(None);
    assert!(theirs == reckoned && two(&theirs));
    let (theirs, reckoned) = rosters(Some(Planted::RemovalWeak));
    assert_eq!(theirs[0], theirs[1], "the machines agree");
    assert!(theirs[0].len() == 3 && two(&reckoned));
}

fn remove(world: &mut World, who: MemberId) {
    let circle = world.circle.expect("it was founded");
    let command = Command::Remove { circle, who, reason: None };
    world.command(ANNA, command).expect("Anna is host");
}

fn let_in(world: &mut World, by: HostId, newcomer: HostId) {
    let circle = world.circle.expect("it was founded");
    let (uses, expires_s, admit, label) = (1, 86_400, Admit::Ask, None);
    let invite = Command::InviteNew { circle, uses, expires_s, admit, label };
    let Ok(Answer::Invite(view)) = world.command(by, invite) else { panic!("no invite") };
    let code = view.code.expect("it was just made");
    world
        .command(newcomer, Command::Join { code, handle: "Dana".into(), label: None })
        .expect("a good code");
    world.run_for(MINUTE);
    let waiting = world.command(by, Command::Waiting { circle });
    let Ok(Answer::Waiting(requests)) = waiting else { panic!("{waiting:?}") };
    let [RequestView { id: request, .. }] = requests[..] else { panic!("{requests:?}") };
    world.command(by, Command::Admit { circle, request }).expect("a steward lets in");
}
