//! Invites of a circle (U-34, U-35, U-142).

use serde_json::json;

use super::{
    circle::{hints_aside, millis},
    say::look_for,
};
use crate::{
    advice::Failure,
    args::{Invite, InviteNew, word},
    client::{Class, Client, circle as in_path, segment},
    context::Context,
    fields::{Fields, counted, spaced},
};

pub(crate) async fn invite(context: &Context, verb: Invite) -> Result<(), Failure> {
    match verb {
        Invite::New(new) => make(context, new).await,
        Invite::List { circle } => {
            let client = Client::open(context, Class::Local).await?;
            let invites = client.get(&format!("/v1/circles/{}/invites", in_path(&circle))).await?;
            context.output.items(&invites, plain_invite)
        }
        Invite::Revoke { circle, id } => {
            let client = Client::open(context, Class::Network).await?;
            let wait = look_for(context.is_node().await);
            let (circle, id, ms) = (in_path(&circle), segment(&id), millis(wait));
            let path = format!("/v1/circles/{circle}/invites/{id}?timeout_ms={ms}");
            let revoked = client.delete_within(&path, wait).await?;
            context.output.object(&revoked, plain_invite)
        }
    }
}

async fn make(context: &Context, new: InviteNew) -> Result<(), Failure> {
    let client = Client::open(context, Class::Network).await?;
    let wait = look_for(context.is_node().await);
    let body = json!({
        "uses": new.uses, "expires_s": new.expires.as_secs(), "admit": new.admit.map(word),
        "label": new.label, "timeout_ms": millis(wait),
    });
    let path = format!("/v1/circles/{}/invites", in_path(&new.circle));
    let answer = client.post_within(&path, body, wait).await?;
    let mut made = hints_aside(context, answer);
    let drawing = new
        .qr
        .then(|| draw(context.output.fields(&made), context.colors() && !context.output.is_json()));
    made["qr"] = json!(drawing);
    // They are drawn, or not wanted.
    made.as_object_mut().map(|fields| fields.remove("modules"));
    context.output.object(&made, |fields| match drawing {
        Some(qr) => format!("{qr}\n{}", fields.text("code")),
        None => fields.text("code"),
    })?;
    if !context.output.is_json() {
        let fields = context.output.fields(&made);
        context.output.hint(&read_aloud(&fields.list("grouped")));
        context.output.hint(&who_and_until(fields));
    }
    Ok(())
}

/// The rows of the code; the prefix stands alone before them (U-143).
fn read_aloud(grouped: &[String]) -> String {
    grouped.join("\n    ")
}

fn who_and_until(fields: Fields<'_>) -> String {
    let people = counted(fields.count("uses"), "person", "people");
    let until = fields.weekday_clock("expires_at").unwrap_or_default();
    let mut text = match fields.text("admit").as_str() {
        "open" => format!("Until {until} it lets {people} in."),
        _ => format!("Until {until} {people} can ask with it to be let in."),
    };
    if !fields.flag("registered") {
        text.push_str("\nNo relay knows it yet. It works once a relay was reached.");
    }
    text
}

/// The code as half-block characters, so that it reads dark on light on a dark terminal; with `colors` it does
/// on any.
fn draw(made: Fields<'_>, colors: bool) -> String {
    // White on black, whatever the terminal's own colors are.
    let (begin, end) = if colors { ("\u{1b}[38;5;231;48;5;16m", "\u{1b}[0m") } else { ("", "") };
    qr_rows(made).into_iter().map(|row| format!("{begin}{row}{end}\n")).collect()
}

/// The rows of a code as half blocks, light modules drawn (U-142), with its quiet zone.
pub(crate) fn qr_rows(made: Fields<'_>) -> Vec<String> {
    let modules = made.list("modules");
    let side = modules.len() + 2 * QUIET;
    let light = |row: usize, column: usize| {
        let place = row.checked_sub(QUIET).zip(column.checked_sub(QUIET));
        let dark = place.and_then(|(row, column)| modules.get(row)?.as_bytes().get(column));
        row < side && dark != Some(&b'1')
    };
    let cell = |row: usize, column: usize| match (light(row, column), light(row + 1, column)) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    };
    if modules.is_empty() {
        return Vec::new();
    }
    (0..side).step_by(2).map(|row| (0..side).map(|column| cell(row, column)).collect()).collect()
}

fn plain_invite(fields: Fields<'_>) -> String {
    let left = fields.count("uses").saturating_sub(fields.count("used"));
    let until = fields.time("expires_at").map(|time| time.strftime("until %a %H:%M").to_string());
    let label = fields
        .maybe("label")
        .map(|label| format!("for {}", label.strip_prefix("for ").unwrap_or(&label)));
    spaced(&[
        &fields.short_id("id", 6),
        &format!("{left} of {} left", fields.count("uses")),
        &until.unwrap_or_default(),
        &fields.text("state"),
        &label.unwrap_or_default(),
    ])
}

/// U-142: light modules on every side.
const QUIET: usize = 4;

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const CODE: &str =
        "HL1000422G0041061050R3GG28A1C60T3GF100EK237FVPFJK0BQ4HK6WE7R3B09JR0E43GC45E7ABHRZ8";

    /// U-35
    #[test]
    fn an_invite_is_a_line() {
        let object = json!({"v":1,"id":"a1b2c3d4","label":null,"made_by":"Heron","made_at":"2026-11-24T18:00:00.000Z",
            "uses":1,"used":0,"expires_at":"2026-11-25T18:00:00.000Z","admit":"ask","state":"live"});
        let line = plain_invite(Fields::new(&object, &TimeZone::UTC));
        assert_eq!(line, "a1b2c3  1 of 1 left  until Wed 18:00  live");
    }

    #[test]
    fn who_can_use_it_is_said() {
        let mut object = json!({"uses":1,"expires_at":"2026-11-25T18:00:00.000Z","admit":"ask","registered":true});
        let said = |object: &serde_json::Value| who_and_until(Fields::new(object, &TimeZone::UTC));
        assert_eq!(said(&object), "Until Wed 25 Nov 18:00 1 person can ask with it to be let in.");
        object["admit"] = json!("open");
        object["uses"] = json!(5);
        object["registered"] = json!(false);
        assert!(said(&object).starts_with("Until Wed 25 Nov 18:00 it lets 5 people in.\nNo relay"));
    }

    /// U-143
    #[test]
    fn groups_stand_eight_a_row() {
        let code = hearthlight_protocol::invite::InviteCode::parse(CODE).unwrap();
        assert_eq!(
            read_aloud(&code.grouped()),
            "HL1 0004 22G0 0410 6105 0R3G G28A 1C60 T3GF\n    100E K237 FVPF JK0B Q4HK 6WE7 R3B0 9JR0\n    \
             E43G C45E 7ABH RZ8"
        );
    }

    /// U-142: 82 symbols need 33 modules a side, 41 x 21 cells with the quiet zone.
    #[test]
    fn a_code_is_drawn_with_its_quiet_zone() {
        let made = json!({"modules": vec!["10".repeat(16) + "1"; 33]});
        let drawing = draw(Fields::new(&made, &TimeZone::UTC), false);
        let rows: Vec<&str> = drawing.lines().collect();
        assert_eq!(rows.len(), 21);
        assert!(rows.iter().all(|row| row.chars().count() == 41));
        assert!(rows[0].chars().all(|c| c == '█') && rows[1].chars().all(|c| c == '█'));
        assert!(!drawing.contains('\u{1b}'));
        assert!(draw(Fields::new(&made, &TimeZone::UTC), true).contains("\u{1b}[0m\n"));
    }
}
