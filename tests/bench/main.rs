//! Measures the program as people have it: whole processes, relays and ten members on this computer,
//! all sealed, signed, stored and flushed.
//!
//! ```text
//! cargo run -p hearthlight-tests --bin bench --features bench -- [BINARY] [--json] [--relays 2] [--only delivery,burst]
//! ```
//! BINARY is `target/release/hearthlight`, or what `HEARTHLIGHT_BIN` names. Each measurement prints a
//! line. Start-up of processes is in none of the times, but for that of `catch-up`.

mod feed;
mod measure;
mod proxy;
mod stage;

use std::{env, fs, io, path::PathBuf, process::ExitCode, time::Duration};

use serde_json::{Value, json};

use crate::{measure::Bench, stage::Stage};

fn main() -> ExitCode {
    match Options::read(env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is measured, and how.
#[derive(Debug)]
struct Options {
    binary: PathBuf,
    json: bool,
    only: Option<Vec<String>>,
    members: usize,
    relays: usize,
    steady: usize,
    burst: usize,
    away: usize,
    idle: Duration,
}

impl Options {
    fn read(words: impl Iterator<Item = String>) -> io::Result<Self> {
        let binary = env::var_os("HEARTHLIGHT_BIN")
            .map_or_else(|| "target/release/hearthlight".into(), PathBuf::from);
        let mut options = Self {
            binary,
            json: false,
            only: None,
            members: 10,
            relays: 1,
            steady: 600,
            burst: 5_000,
            away: 10_000,
            idle: Duration::from_secs(120),
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut number = || {
                words
                    .next()
                    .and_then(|text| text.parse::<usize>().ok())
                    .ok_or_else(|| trouble("a number is missing"))
            };
            match word.as_str() {
                "--json" => options.json = true,
                "--members" => options.members = number()?,
                "--relays" => options.relays = number()?,
                "--steady" => options.steady = number()?,
                "--burst" => options.burst = number()?,
                "--away" => options.away = number()?,
                "--idle" => options.idle = Duration::from_secs(number()? as u64),
                "--only" => {
                    let list = words.next().unwrap_or_default();
                    options.only = Some(list.split(',').map(str::to_owned).collect());
                }
                _ if word.starts_with('-') => {
                    return Err(trouble(
                        "options: --json --only LIST --members N --relays N --steady N --burst N --away N --idle SECONDS",
                    ));
                }
                _ => options.binary = word.into(),
            }
        }
        options.binary = std::path::absolute(&options.binary)?;
        Ok(options)
    }

    fn stage(&self, counted: bool) -> io::Result<Stage> {
        Stage::new(&self.binary, self.members, self.relays, counted)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == name))
    }
}

fn run(options: &Options) -> io::Result<()> {
    say(options, &json!({"measured": "load", "load_1m": load()}))?;
    let plain = ["join", "delivery", "burst", "catch-up", "memory"];
    if plain.iter().any(|name| options.wants(name)) {
        let mut bench = Bench::new(options.stage(false)?);
        say(options, &bench.joined())?;
        say(options, &bench.memory("idle")?)?;
        if options.wants("delivery") {
            say(options, &bench.delivery(options.steady)?)?;
        }
        if options.wants("burst") {
            say(options, &bench.burst(options.burst)?)?;
            say(options, &bench.memory("after the burst")?)?;
        }
        if options.wants("catch-up") {
            say(options, &bench.catch_up(options.away)?)?;
            say(options, &bench.memory("after the catch-up")?)?;
        }
    }
    if ["wire", "idle"].iter().any(|name| options.wants(name)) {
        let bench = Bench::new(options.stage(true)?);
        if options.wants("wire") {
            say(options, &bench.traffic(options.steady)?)?;
        }
        if options.wants("idle") {
            say(options, &bench.idle(options.idle))?;
        }
    }
    say(options, &json!({"measured": "load", "load_1m": load()}))
}

/// Prints one measurement.
fn say(options: &Options, measured: &Value) -> io::Result<()> {
    use io::Write;
    let mut out = io::stdout();
    if options.json {
        return writeln!(out, "{measured}");
    }
    let fields = measured.as_object().into_iter().flatten();
    let words: Vec<String> = fields
        .map(|(name, value)| match (name.as_str(), value) {
            ("measured", Value::String(text)) => text.clone(),
            _ => format!("{name} {value}"),
        })
        .collect();
    writeln!(out, "{}", words.join("  "))
}

/// How busy the computer is: the kernel's average over a minute.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// Something did not go as it has to.
fn trouble(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}
