//! Homes that are copied: put back as they were, or run twice.

use hearthlight_protocol::boundary::{Answer, Command};

use crate::HostId;
use crate::governing::Govern;
use crate::oracle::Memory;
use crate::people::Wish;
use crate::store::MemoryStore;
use crate::world::World;

/// How long a computer is down over the putting back of its home.
const DOWN_MS: u64 = 5_000;

/// A home as it was, and what its person had been shown by then.
#[derive(Debug)]
pub(crate) struct Backup {
    store: MemoryStore,
    memory: Memory,
}

impl World {
    /// Somebody who is no host of the circle, and whose membership nobody has wished to end: what these
    /// decided is lost with their homes, which is nobody's fault.
    pub(crate) fn somebody_plain(&mut self) -> Option<HostId> {
        let here = self.inside.difference(&self.leaving).copied();
        let plain: Vec<HostId> = here.filter(|host| !self.stewards.contains(host)).collect();
        self.chance.one_of(&plain)
    }

    /// Makes a backup of somebody's home.
    pub fn back_up(&mut self, host: HostId) {
        let (store, memory) = (self.hosts[host].store.clone(), self.oracle.memory(host));
        self.backups.insert(host, Backup { store, memory });
    }

    /// The home goes back to the backup.
    pub fn put_back(&mut self, host: HostId) {
        let Some(backup) = self.backups.remove(&host) else { return };
        if self.leaving.contains(&host) || !self.inside.contains(&host) {
            return;
        }
        self.put_back.insert(host);
        self.log(host, || "goes back to a backup".into());
        self.crash(host, DOWN_MS);
        self.hosts[host].store = backup.store;
        self.give_up_saying(host);
        self.oracle.goes_back(host, host, backup.memory, self.now);
    }

    /// The backup runs on a spare computer from now on, and its person speaks there.
    pub(crate) fn run_copy(&mut self, host: HostId) {
        let Some(backup) = self.backups.remove(&host) else { return };
        if self.leaving.contains(&host) {
            return;
        }
        let member = self.member_of(host);
        let spare = self.spares.pop();
        let (Some(spare), Some(member), true) = (spare, member, self.inside.remove(&host)) else {
            return;
        };
        self.log(host, || format!("is copied to host {spare}"));
        self.crash(spare, DOWN_MS);
        self.hosts[spare].store = backup.store;
        self.hosts[spare].root = self.hosts[host].root;
        self.learn_store(spare);
        let given_up = |wish: &Wish| matches!(wish, Wish::Say(_) | Wish::Govern(_));
        self.wishes.retain(|_, (of, wish)| *of != host || !given_up(wish));
        self.inside.insert(spare);
        self.copied.push((member, host));
        self.oracle.members.insert(member, spare);
        self.oracle.goes_back(host, spare, backup.memory, self.now);
    }

    /// Whether a copy of somebody's home runs there, or did.
    pub(crate) fn is_copy(&self, host: HostId) -> bool {
        self.copied.iter().any(|(member, _)| self.member_of(host) == Some(*member))
    }

    /// Whether a home may not know whether it is the one to use: R-83 asks the person of a copy, and of a
    /// home put back to before a refresh or to before it was put back the last time.
    pub(crate) fn may_be_asked(&self, host: HostId) -> bool {
        self.is_copy(host) || self.put_back.contains(&host)
    }

    /// Whose home runs twice says at last which one it is.
    pub(crate) fn choose_copies(&mut self) {
        for host in self.inside.clone() {
            if self.is_copy(host) {
                self.wish(host, Wish::Govern(Govern::Refresh));
            }
        }
    }

    /// Whose home was put back and says that another one goes on says that it is the one. R-83: until then
    /// it tells nobody what it has, so no mark can rise by it. A home finds that out when it has read the
    /// board, which may be long after all is calm: so people look more than once.
    pub(crate) fn answer_silent_homes(&mut self) {
        for host in self.put_back.clone() {
            if self.inside.contains(&host) && self.is_silent(host) {
                self.wish(host, Wish::Govern(Govern::Refresh));
            }
        }
    }

    /// Whether a home says that another copy of it goes on.
    fn is_silent(&mut self, host: HostId) -> bool {
        match self.try_command(host, Command::Circles) {
            Some(Ok(Answer::Circles(circles))) => circles.iter().any(|circle| circle.other_copy),
            _ => false,
        }
    }

    /// What was asked for and not answered is not asked for again.
    pub(crate) fn give_up_saying(&mut self, host: HostId) {
        self.wishes.retain(|_, (of, wish)| *of != host || !matches!(wish, Wish::Say(_)));
    }
}
