//! What each verb does: one file a family. A verb asks the node, and hands what it answers to
//! the one writer.

mod block;
mod circle;
mod config;
mod demo;
mod doctor;
pub(crate) mod help_now;
mod invite;
mod join;
mod leave;
mod lines;
mod member;
mod open;
mod program;
mod read;
mod relay;
mod running;
mod say;
mod setup;
mod vote;
mod waiting;
mod wipe;

pub(crate) use invite::qr_rows;
pub(crate) use running::Ends;
pub(crate) use setup::setup;

use crate::{
    advice::Failure,
    args::{Relay, Verb},
    context::Context,
};

/// Carries out a verb that needs neither home nor network nor threads; `None` for all others.
pub(crate) fn run_at_once(context: &Context, verb: &Verb) -> Option<Result<(), Failure>> {
    Some(match verb {
        Verb::HelpNow { country, circle } => {
            help_now::help_now(context, country.as_deref(), circle.as_deref())
        }
        Verb::Completions { shell } => program::completions(context, *shell),
        Verb::Man { dir } => program::man(context, dir),
        Verb::Version { verbose } => program::version(context, *verbose),
        _ => return None,
    })
}

/// Carries out a verb.
pub(crate) async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Setup(setup) => setup::setup(context, setup).await,
        Verb::Start(start) => running::start(context, &start).await,
        Verb::Stop => running::stop(context).await,
        Verb::Status => running::status(context).await,
        Verb::Doctor { offline } => doctor::doctor(context, offline).await,
        Verb::Lock => running::lock(context).await,
        Verb::Unlock => running::unlock(context).await,
        Verb::Circle(circle) => circle::circle(context, circle).await,
        Verb::Invite(invite) => invite::invite(context, invite).await,
        Verb::Join(join) => join::join(context, join).await,
        Verb::Waiting { circle } => waiting::waiting(context, &circle).await,
        Verb::Admit(admit) => waiting::admit(context, &admit).await,
        Verb::Decline(decline) => waiting::decline(context, &decline).await,
        Verb::Say(say) if say.lines => lines::say_lines(context, &say).await,
        Verb::Say(say) => say::say(context, say).await,
        Verb::Chat(chat) => crate::terminal::chat(context, chat).await,
        Verb::Read(read) => read::read(context, &read).await,
        Verb::Members { circle } => circle::members(context, &circle).await,
        Verb::Vote(vote) => vote::vote(context, vote).await,
        Verb::Block(block) => block::block(context, &block).await,
        Verb::Member(member) => member::member(context, member).await,
        Verb::Config(verb) => config::config(context, verb).await,
        Verb::Wipe { circle } => wipe::wipe(context, circle.as_deref()).await,
        Verb::Open { no_browser } => open::open(context, no_browser).await,
        Verb::Demo { keep } => demo::demo(context, keep).await,
        Verb::Relay(relay) => relay::relay(context, relay).await,
        at_once @ (Verb::HelpNow { .. }
        | Verb::Completions { .. }
        | Verb::Man { .. }
        | Verb::Version { .. }) => run_at_once(context, &at_once).unwrap_or(Ok(())),
    }
}

/// Whether Ctrl-C is the verb's normal end (U-4).
pub(crate) fn ends_by_signal(verb: &Verb) -> bool {
    match verb {
        Verb::Start(start) => !start.detach,
        Verb::Open { .. } | Verb::Chat(_) => true,
        Verb::Relay(relay) => matches!(relay, Relay::Run(_)),
        _ => false,
    }
}
