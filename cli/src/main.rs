//! `hearthlight`: support circles without a server, on the command line.
//!
//! Reads the command line, carries out one verb, and ends with its exit code (U-4). All words
//! about what went wrong come from [`advice`], all output goes through [`output`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advice;
mod args;
mod client;
mod context;
mod fields;
mod output;
mod page;
mod private;
mod prompt;
mod strings;
mod terminal;
mod typed;
mod values;
mod verbs;

use std::{process::ExitCode, time::Duration};

use hearthlight_node as node;

/// What was said is wiped where it lay as soon as it is let go of, so that a lock leaves no word of it
/// in memory (U-183).
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

use crate::{advice::Failure, args::Verb, context::Context, output::Output, typed::Typed};

fn main() -> ExitCode {
    // U-5: what panics says nothing of its own. Some panics are caught where they happen: the
    // store's, for one.
    std::panic::set_hook(Box::new(|panic| {
        let line = panic.location().map_or(0, std::panic::Location::line);
        tracing::error!(target: "hearthlight", line, "a promise of ours was not kept");
    }));
    let arguments = typed::read(std::env::args_os());
    let json = std::env::args_os().any(|word| word == "--json");
    let outcome = std::panic::catch_unwind(|| carry_out(arguments));
    prompt::restore();
    let Err(failure) = outcome.unwrap_or_else(|_| Err(Failure::of("internal"))) else {
        return ExitCode::SUCCESS;
    };
    Output::new(json, false).failure(&failure);
    ExitCode::from(failure.code())
}

fn carry_out(typed: Typed) -> Result<(), Failure> {
    match typed {
        Typed::Print(text) => Output::new(false, false).line(text.trim_end()),
        Typed::Refused(failure) => Err(failure),
        Typed::Run(line) => {
            if let Some(level) = line.global.log {
                output::log_to_stderr(level);
            }
            let verb = line.verb.unwrap_or(Verb::Open { no_browser: false });
            let context = Context::new(&line.global);
            run(&context, verb).map_err(|failure| context.naming_home(failure))
        }
    }
}

fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    if let Some(outcome) = verbs::run_at_once(context, &verb) {
        return outcome;
    }
    // Two threads: a verb may become the node, and its store must not hold up its network.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|_| Failure::of("internal"))?;
    let outcome = runtime.block_on(async {
        if verbs::ends_by_signal(&verb) {
            return verbs::run(context, verb).await;
        }
        let (outcome, grace) = tokio::select! {
            outcome = verbs::run(context, verb) => (outcome, OTHERS),
            never = context.give_way() => match never {},
            _ = tokio::signal::ctrl_c() => (Err(Failure::of("interrupted")), Duration::ZERO),
        };
        // A second Ctrl-C does not wait for others.
        tokio::select! {
            () = context.finish(grace) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        outcome
    });
    // A thread may wait for an answer or for stdin; nobody waits for that thread.
    runtime.shutdown_background();
    outcome
}

/// U-8: how long a verb that became the node stays for its other clients.
const OTHERS: Duration = Duration::from_secs(60);
