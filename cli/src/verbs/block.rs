//! `block`: what a person does not want to read (U-53). Silent: no byte of it leaves.

use serde_json::{Value, json};

use crate::{
    advice::Failure,
    args::Block,
    client::{Class, Client, circle as in_path, segment},
    context::Context,
};

pub(crate) async fn block(context: &Context, asked: &Block) -> Result<(), Failure> {
    let client = Client::open(context, Class::Local).await?;
    if asked.circle == "list" {
        return list(context, &client, asked.who.as_deref()).await;
    }
    let Some(who) = &asked.who else {
        return Err(Failure::of("needs-input")
            .saying("It is not said whom you mean.")
            .advising("Say the name behind the circle. hearthlight members CIRCLE lists them."));
    };
    let circle = in_path(&asked.circle);
    let path = format!("/v1/circles/{circle}/members/{}/block", segment(who));
    let done = client.post(&path, json!({"undo": asked.undo})).await?;
    context.output.object(&done, |fields| {
        let name = fields.text("name");
        match fields.flag("blocked") {
            true => format!("You no longer see {name} here."),
            false => format!("You see {name} here again."),
        }
    })
}

/// Whom this person does not read: in one circle, or in all.
async fn list(context: &Context, client: &Client<'_>, circle: Option<&str>) -> Result<(), Failure> {
    let circles = match circle {
        Some(circle) => vec![in_path(circle)],
        None => {
            let all = client.get("/v1/circles").await?;
            let items = all["items"].as_array().cloned().unwrap_or_default();
            // An attempt to join has no members yet.
            let joined = items.iter().filter(|circle| circle["state"] != "asking");
            joined.filter_map(|circle| circle["id"].as_str().map(str::to_owned)).collect()
        }
    };
    for circle in circles {
        let members = client.get(&format!("/v1/circles/{circle}/members")).await?;
        let items = members["items"].as_array().cloned().unwrap_or_default();
        for member in items.iter().filter(|member| member["blocked"] == Value::Bool(true)) {
            let line = json!({
                "v": 1, "id": member["id"], "name": member["name"], "blocked": true,
            });
            context.output.object(&line, |fields| fields.text("name"))?;
        }
    }
    Ok(())
}
