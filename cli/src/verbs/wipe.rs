//! `wipe`: removes a circle, or everything, from this computer (U-56).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    advice::Failure,
    client::{Class, Client, circle},
    context::Context,
    fields::listed,
    node::NodeError,
    prompt,
};

pub(crate) async fn wipe(context: &Context, typed: Option<&str>) -> Result<(), Failure> {
    match typed {
        Some(typed) => wipe_circle(context, typed).await,
        None => wipe_all(context).await,
    }
}

async fn wipe_circle(context: &Context, typed: &str) -> Result<(), Failure> {
    let client = Client::open(context, Class::Local).await?;
    let path = format!("/v1/circles/{}", circle(typed));
    let found = client.get(&path).await?;
    let label = context.output.fields(&found).text("label");
    confirm(context, &all_of(&label)).await?;
    let answer = client.post(&format!("{path}/wipe"), json!({})).await?;
    context.output.object(&answer, |fields| {
        format!("{} is gone from this computer.", listed(&fields.list("wiped")))
    })
}

/// Needs no store and no passphrase: a lock or a damage keeps nobody from wiping.
async fn wipe_all(context: &Context) -> Result<(), Failure> {
    let home = context.home()?;
    if !home.is_set_up() {
        // Ends a wipe that was interrupted; nothing is left to be asked about then.
        home.wipe()?;
        return show_gone(context, &json!({"v": 1, "wiped": []}));
    }
    confirm(context, "everything of this home").await?;
    let answer = match wipe_by_node(context).await {
        Some(answer) => answer,
        None => {
            let deadline = Instant::now() + Duration::from_secs(10);
            // Held until the keys are gone, so that nobody opens them in between.
            let _lock = loop {
                match home.lock() {
                    Ok(lock) => break lock,
                    Err(NodeError::HomeBusy) if Instant::now() < deadline => {
                        sleep(Duration::from_millis(50)).await;
                    }
                    Err(error) => return Err(error.into()),
                }
            };
            home.wipe()?;
            json!({"v": 1, "wiped": []})
        }
    };
    show_gone(context, &answer)
}

fn show_gone(context: &Context, answer: &Value) -> Result<(), Failure> {
    context.output.object(answer, |_| "Everything is gone from this computer.".to_owned())
}

/// Asks a node to do it, which knows what circles there are: the one that runs, or this verb where no
/// passphrase is needed for that. `None` where there is none, or it cannot.
async fn wipe_by_node(context: &Context) -> Option<Value> {
    let client = match Client::running(context, Duration::from_secs(5)).await.ok()? {
        Some(client) => client,
        None if context.home().ok()?.has_passphrase().ok()? => return None,
        None => Client::open(context, Class::Local).await.ok()?,
    };
    let answer = client.post_within("/v1/wipe", json!({}), Duration::from_secs(30)).await.ok();
    client.close().await;
    if answer.is_none() {
        // A lock that this process holds is in nobody's way.
        context.finish(Duration::ZERO).await;
    }
    answer
}

/// What goes with a circle.
pub(super) fn all_of(label: &str) -> String {
    format!("\"{label}\" and all that was said there")
}

/// A yes is not enough here: the word has to be typed.
pub(super) async fn confirm(context: &Context, what: &str) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if !prompt::can_ask() {
        return Err(Failure::missing("Your yes", "--yes"));
    }
    let typed =
        prompt::line(&format!("This removes {what}. Nobody can bring it back. Type forget:"))
            .await?;
    if typed == "forget" { Ok(()) } else { Err(Failure::of("not-confirmed")) }
}
