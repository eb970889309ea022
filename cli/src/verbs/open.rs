//! `open`, and no verb at all: the page in the browser (U-72).

use std::{
    env,
    io::{self, BufRead, IsTerminal},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::running::{Ends, GRACE, Predecessor};
use crate::{
    advice::Failure,
    context::Context,
    node::{
        NodeError,
        api::{Options, Server},
    },
    output::stdout_is_terminal,
    page::SITE,
};

/// Opens the page of the node that runs, or becomes the node until it is told to end.
pub(crate) async fn open(context: &Context, no_browser: bool) -> Result<(), Failure> {
    let home = context.home()?;
    let mut before = Predecessor::new();
    let lock = loop {
        if !home.is_set_up() {
            break None;
        }
        if let Some((client, _)) = before.gone(context).await? {
            let link = client.post("/v1/page-keys", json!({})).await?;
            return show(context, &link, no_browser);
        }
        home.check()?;
        match home.lock() {
            Ok(lock) => break Some(lock),
            Err(NodeError::HomeBusy) if before.may_still_end() => before.wait().await,
            Err(error) => return Err(error.into()),
        }
    };
    let mut ends = Ends::new()?;
    let options = Options { network: true, foreground: true, site: Some(&SITE) };
    let server = match (lock, context.given_passphrase()?) {
        (Some(lock), given @ Some(_)) => Server::start(home, lock, given, options).await?,
        (lock, _) => Server::start_for_page(home, lock, options).await?,
    };
    show_from(context, &server, no_browser).await?;
    let mut asked = another_asked(context);
    loop {
        tokio::select! {
            () = server.ended() => break,
            () = ends.next() => break,
            Some(()) = asked.recv() => show_from(context, &server, no_browser).await?,
        }
    }
    server.finish(GRACE).await;
    Ok(())
}

async fn show_from(context: &Context, server: &Server, no_browser: bool) -> Result<(), Failure> {
    match show(context, &server.page_link().await?, no_browser) {
        // Nobody reads the link: the page may be open all the same.
        Err(failure) if failure.is_quiet() => Ok(()),
        shown => shown,
    }
}

fn show(context: &Context, link: &Value, no_browser: bool) -> Result<(), Failure> {
    context.output.object(link, |fields| {
        format!("Open this link on this computer: {}", fields.text("url"))
    })?;
    if !no_browser && has_browser() {
        let url = link["url"].as_str().unwrap_or_default();
        if webbrowser::open(url).is_err() {
            context.output.hint("The browser did not start. Copy the link into it.");
        }
    } else {
        context.output.hint("The link works once, within a minute.");
    }
    Ok(())
}

/// Whether a browser that is started here comes up before the person who asked.
fn has_browser() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let away = set("SSH_CONNECTION") || set("SSH_TTY");
    let screen = cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY");
    let wanted = env::var("HEARTHLIGHT_BROWSER").as_deref() != Ok("none");
    wanted && screen && !away && stdout_is_terminal()
}

/// Says so whenever a person presses Enter: another link is wanted.
fn another_asked(context: &Context) -> mpsc::Receiver<()> {
    let (ask, asked) = mpsc::channel(1);
    if io::stdin().is_terminal() {
        context.output.hint("Enter prints another link. Ctrl-C ends Hearthlight.");
        // A thread of its own: reading a terminal cannot be interrupted.
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if line.is_err() || ask.blocking_send(()).is_err() {
                    break;
                }
            }
        });
    }
    asked
}
