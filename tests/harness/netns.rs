//! Several computers on this one: network namespaces, cables between them, routers with NAT.
//!
//! ```text
//!   host ──┐                       ┌── router (NAT) ── host
//!   host ──┴──  hub (one bridge)  ─┴── router (NAT) ── host
//! ```
//! The hub's net is the public one. Nothing in it leads to this computer or out of it. A [`Network`] that
//! is dropped takes its namespaces with it; what a killed test process left behind goes with the next one.

use std::{
    cell::RefCell,
    fs,
    io::Write,
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// A public net of its own, with all that is plugged into it.
#[derive(Debug)]
pub struct Network {
    prefix: String,
    namespaces: RefCell<Vec<String>>,
}

/// A computer in a [`Network`].
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) namespace: String,
    hub: String,
    /// The hub's end of the cable that leads here, if need be over a router.
    port: String,
}

impl Network {
    /// A net with nobody in it; `None`, and a line that says so, where this computer makes none.
    ///
    /// # Panics
    ///
    /// In CI if a tool is missing, and wherever a namespace can be made and the rest fails.
    #[must_use]
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return skipped("only root makes network namespaces");
        }
        for tool in ["ip", "nft"] {
            if !is_here(tool) {
                // `.ci/run` says so where the tools are not there and cannot be had.
                let without = std::env::var_os("E2E_WITHOUT_NETNS").is_some();
                let ci = !without && std::env::var("CI").is_ok_and(|ci| ci == "true");
                assert!(!ci, "there is no {tool} here: .ci/run installs it");
                return skipped(&format!("there is no {tool} here (iproute2, nftables)"));
            }
        }
        sweep();
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("{FAMILY}{}-{number}", std::process::id());
        let network = Self { prefix, namespaces: RefCell::default() };
        if let Err(why) = network.namespace(HUB) {
            return skipped(&format!("the kernel makes no network namespace: {why}"));
        }
        network.ip(HUB, "link add bridge type bridge");
        network.ip(HUB, "link set bridge up");
        Some(network)
    }

    /// A computer with a public address.
    #[must_use]
    pub fn host(&self, address: Ipv4Addr) -> Host {
        let name = self.name("host");
        self.plug(&name, "eth0", address)
    }

    /// A computer at `inside`, whose router is at `outside` in the public net. Whoever did not hear from it
    /// does not get in.
    #[must_use]
    pub fn behind_nat(&self, outside: Ipv4Addr, inside: Ipv4Addr) -> Host {
        let (name, router) = (self.name("host"), self.name("router"));
        let host = self.plug(&router, "wan", outside);
        self.namespace(&name).expect("another namespace");
        let [a, b, c, _] = inside.octets();
        let gateway = Ipv4Addr::new(a, b, c, 1);
        let (far, near) = (self.full(&router), self.full(&name));
        run("ip", &format!("link add eth0 netns {near} type veth peer name lan netns {far}"), "");
        self.address(&router, "lan", gateway);
        self.address(&name, "eth0", inside);
        self.ip(&name, &format!("route add default via {gateway}"));
        run("ip", &format!("netns exec {far} sh -c"), "echo 1 >/proc/sys/net/ipv4/ip_forward");
        run("ip", &format!("netns exec {far} nft"), NAT);
        Host { namespace: near, ..host }
    }

    /// A namespace with one cable to the hub.
    fn plug(&self, name: &str, end: &str, address: Ipv4Addr) -> Host {
        self.namespace(name).expect("another namespace");
        let (namespace, hub) = (self.full(name), self.full(HUB));
        let port = format!("to-{name}");
        run(
            "ip",
            &format!("link add {end} netns {namespace} type veth peer name {port} netns {hub}"),
            "",
        );
        self.ip(HUB, &format!("link set {port} master bridge up"));
        self.address(name, end, address);
        Host { namespace, hub, port }
    }

    fn address(&self, name: &str, end: &str, address: Ipv4Addr) {
        self.ip(name, &format!("address add {address}/24 dev {end}"));
        self.ip(name, &format!("link set {end} up"));
    }

    fn namespace(&self, name: &str) -> Result<(), String> {
        let full = self.full(name);
        // The first one ever makes the folder of names, which two at a time do not bear.
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        attempt("ip", &format!("netns add {full}"), "")?;
        self.namespaces.borrow_mut().push(full);
        self.ip(name, "link set lo up");
        Ok(())
    }

    fn ip(&self, name: &str, words: &str) {
        run("ip", &format!("-n {} {words}", self.full(name)), "");
    }

    fn name(&self, kind: &str) -> String {
        format!("{kind}{}", self.namespaces.borrow().len())
    }

    fn full(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in self.namespaces.get_mut() {
            let _ = attempt("ip", &format!("netns del {namespace}"), "");
        }
    }
}

impl Host {
    /// Pulls the cable, at its far end: nothing here is told.
    pub fn cut(&self) {
        run("ip", &format!("-n {} link set {} down", self.hub, self.port), "");
    }

    /// Plugs the cable in again.
    pub fn restore(&self) {
        run("ip", &format!("-n {} link set {} up", self.hub, self.port), "");
    }

    /// From now on nothing gets from here to `address`.
    pub fn bar(&self, address: Ipv4Addr) {
        run("ip", &format!("-n {} route add unreachable {address}/32", self.namespace), "");
    }

    /// What runs `program` there, as the process that is started.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        inside(&self.namespace, program)
    }
}

/// What runs `program` in a namespace. `ip` becomes the program, so their id is one.
pub(crate) fn inside(namespace: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Says on the screen, past the harness that keeps what tests print, that a test is not run.
fn skipped(why: &str) -> Option<Network> {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
    None
}

fn is_here(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Takes away the namespaces of test processes that are no more.
fn sweep() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(FAMILY).and_then(|rest| rest.split('-').next());
        if let Some(id) = owner.and_then(|id| id.parse::<u32>().ok())
            && !Path::new(&format!("/proc/{id}")).exists()
        {
            let _ = attempt("ip", &format!("netns del {name}"), "");
        }
    }
}

fn run(program: &str, words: &str, last: &str) {
    attempt(program, words, last).unwrap_or_else(|why| panic!("{program} {words} {last}: {why}"));
}

/// Runs a program with words, and perhaps one more that has spaces in it.
fn attempt(program: &str, words: &str, last: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(words.split(' ')).stdin(Stdio::null());
    if !last.is_empty() {
        command.arg(last);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// A router of a home: what goes out has its address, and only answers come in.
const NAT: &str = "table ip home {
    chain out { type nat hook postrouting priority 100; oifname \"wan\" masquerade; }
    chain through {
        type filter hook forward priority 0; policy drop;
        iifname \"lan\" accept
        ct state established,related accept
    }
}";

/// What the names of our namespaces begin with.
const FAMILY: &str = "hearthlight-";
const HUB: &str = "hub";
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static NETWORKS: AtomicU32 = AtomicU32::new(0);
