//! What can stand in place of the conversation, and what each of it says.

use serde_json::Value;

use super::{
    aim,
    input::Input,
    settings,
    state::{Join, Member, Panel, State},
    talk::Tone,
    text::{cut, wrap},
    votes, words,
};
use crate::{fields::Fields, values};

/// One line of a panel, before it is wrapped.
pub(crate) type Line = (String, Tone);

/// The title of a panel and its lines.
pub(crate) fn lines(state: &State, panel: &Panel) -> (String, Vec<Line>) {
    let texts = &state.texts;
    match panel {
        Panel::Keys => (texts.plain("title-keys"), keys_lines(state)),
        Panel::Help(chosen) => (texts.plain("title-help"), help_lines(state, *chosen)),
        Panel::Where(status) => (texts.plain("title-where"), where_lines(state, status.as_ref())),
        Panel::Members(picked) => (texts.plain("title-members"), members_lines(state, *picked)),
        Panel::Reply(picked) => (texts.plain("title-reply"), reply_lines(state, *picked)),
        Panel::Member(id) => (texts.plain("title-member"), member_lines(state, id)),
        Panel::Waiting(picked) => (texts.plain("title-waiting"), waiting_lines(state, *picked)),
        Panel::Invite { made, .. } => {
            (texts.plain("title-invite"), invite_lines(state, made.as_ref()))
        }
        Panel::Votes(picked) => (texts.plain("title-votes"), votes::list(state, *picked)),
        Panel::Vote(id) => (texts.plain("title-vote"), votes::lines(state, id)),
        Panel::Settings(picked) => (texts.plain("title-settings"), settings::lines(state, *picked)),
        Panel::Join(join) => (texts.plain("title-join"), join_lines(state, join)),
    }
}

/// The whole panel in rows of a screen, its title first.
pub(crate) fn rows(state: &State, panel: &Panel, columns: usize) -> Vec<Line> {
    let (title, lines) = lines(state, panel);
    let mut rows = vec![(title, Tone::Strong), empty()];
    for (line, tone) in lines {
        // What follows stands as far in as the line began.
        let indent = line.len() - line.trim_start().len();
        let inner = wrap(line.trim_start(), columns.saturating_sub(indent).max(1));
        rows.extend(inner.into_iter().map(|text| (format!("{}{text}", " ".repeat(indent)), tone)));
    }
    rows
}

/// The keys of a panel, for the last line.
pub(crate) fn key_line(state: &State, panel: &Panel) -> String {
    let texts = &state.texts;
    match panel {
        Panel::Members(_) | Panel::Reply(_) | Panel::Votes(_) => texts.plain("keys-members"),
        Panel::Settings(_) => texts.plain("keys-settings"),
        Panel::Waiting(_) => texts.plain("keys-waiting"),
        Panel::Invite { qr: false, .. } => texts.plain("keys-invite"),
        Panel::Join(Join::Code(_) | Join::Cards { .. }) => texts.plain("keys-join"),
        _ => texts.plain("keys-close"),
    }
}

pub(super) fn plain(text: String) -> Line {
    (text, Tone::Plain)
}

fn empty() -> Line {
    (String::new(), Tone::Plain)
}

fn keys_lines(state: &State) -> Vec<Line> {
    KEYS.iter().map(|id| plain(state.texts.plain(id))).collect()
}

fn help_lines(state: &State, chosen: Option<usize>) -> Vec<Line> {
    let texts = &state.texts;
    let mut lines = Vec::new();
    if let Some((reach, details)) = chosen.and_then(|chosen| state.help.details(texts, chosen)) {
        lines.push((reach, Tone::Strong));
        lines.extend(details.into_iter().map(plain));
        lines.extend([empty(), plain(texts.plain("help-danger"))]);
        return lines;
    }
    let first = match state.help.asks_country() {
        true => texts.plain("help-country"),
        false => texts.plain("help-choose"),
    };
    lines.push(plain(first));
    lines.extend(state.help.lines(texts).into_iter().map(|line| (line, Tone::Strong)));
    if !state.help.asks_country() && !state.help.is_checked() {
        lines.push(plain(texts.plain("help-not-checked")));
    }
    lines.push(plain(texts.plain("help-danger")));
    lines.push(empty());
    lines.extend(HELP_CARD.iter().map(|id| plain(texts.plain(id))));
    lines
}

fn where_lines(state: &State, status: Option<&Value>) -> Vec<Line> {
    let texts = &state.texts;
    let mut lines = Vec::new();
    if let Some(circle) = state.circle() {
        lines.push((circle.label.clone(), Tone::Strong));
        lines.push(plain(texts.say("where-members", &[("count", circle.count.into())])));
        let roles: Vec<String> = circle.roles.iter().map(|role| words::role(texts, role)).collect();
        if !roles.is_empty() {
            let roles = words::listed(texts, &roles);
            lines.push(plain(texts.say("where-roles", &[("roles", roles.into())])));
        }
        lines.push(plain(connection(state)));
        lines.extend(circle.muted.then(|| plain(texts.plain("where-muted"))));
        lines.push(empty());
    }
    let Some(status) = status else { return lines };
    let fields = state.fields(status);
    let count = |key: &str| [("count", fields.count(key).into())];
    lines.push(plain(texts.say("where-queued", &count("queued"))));
    lines.push(plain(texts.say("where-room", &count("waiting_room"))));
    lines.push(plain(texts.say("where-version", &[("version", fields.text("version").into())])));
    lines
}

/// How the circle that is shown reaches others.
pub(crate) fn connection(state: &State) -> String {
    state.texts.plain(match state.circle() {
        Some(circle) if circle.state == "asking" => "link-asking",
        Some(circle) if !matches!(circle.state.as_str(), "member") => "link-not-in",
        Some(circle) if circle.relays_up > 0 => "link-relay",
        Some(_) if state.network == "direct" => "link-direct",
        Some(circle) if circle.relays == 0 => "link-no-relay",
        Some(_) => "link-none",
        None => "link-no-circle",
    })
}

fn members_lines(state: &State, picked: usize) -> Vec<Line> {
    let members = state.circle().map(|circle| circle.members.as_slice()).unwrap_or_default();
    let line = |(at, member): (usize, &Member)| {
        let mut parts = vec![member.name.clone()];
        if member.me {
            parts.push(state.texts.plain("member-you"));
        }
        parts.extend(member.roles.iter().map(|role| words::role(&state.texts, role)));
        parts.extend(standing(state, member));
        picked_line(&parts.join("  "), at == picked)
    };
    members.iter().enumerate().map(line).collect()
}

fn reply_lines(state: &State, picked: usize) -> Vec<Line> {
    let Some(circle) = state.circle() else { return Vec::new() };
    let line = |(at, choice): (usize, aim::Choice<'_>)| {
        let text = choice.said.lines.first().map_or("", String::as_str);
        let text = cut(&format!("{}: {text}", choice.said.author), ONE_LINE);
        picked_line(&format!("{} {text}", at + 1), at == picked)
    };
    aim::choices(&circle.feed).into_iter().enumerate().map(line).collect()
}

/// What is shown where a member is not simply there.
fn standing(state: &State, member: &Member) -> Option<String> {
    let id = match member.state.as_str() {
        "held" => "member-held",
        "left" => "member-left",
        "removed" => "member-removed",
        _ if member.blocked => "member-blocked",
        _ if member.verified => "member-verified",
        _ => return None,
    };
    Some(state.texts.plain(id))
}

/// A line that can be chosen; the mark before it says which one is (no color alone).
pub(super) fn picked_line(text: &str, picked: bool) -> Line {
    match picked {
        true => (format!("> {text}"), Tone::Picked),
        false => (format!("  {text}"), Tone::Plain),
    }
}

fn member_lines(state: &State, id: &str) -> Vec<Line> {
    let texts = &state.texts;
    let members = state.circle().map(|circle| circle.members.as_slice()).unwrap_or_default();
    let Some(member) = members.iter().find(|member| member.id == id) else { return Vec::new() };
    let name = || [("name", member.name.as_str().into())];
    let mut lines = vec![(member.name.clone(), Tone::Strong)];
    let roles: Vec<String> = member.roles.iter().map(|role| words::role(texts, role)).collect();
    if !roles.is_empty() {
        lines.push(plain(words::listed(texts, &roles)));
    }
    lines.extend(standing(state, member).map(plain));
    if !member.since.is_empty() {
        lines.push(plain(texts.say("member-since", &[("date", member.since.as_str().into())])));
    }
    lines.push(empty());
    lines.push(plain(texts.say("member-role", &name())));
    if !member.me {
        lines.push(plain(texts.say("member-verify", &name())));
        lines.push(plain(texts.say("member-block", &name())));
        lines.push(plain(texts.say("member-hold", &name())));
        lines.push(plain(texts.say("member-remove", &name())));
    }
    lines
}

fn waiting_lines(state: &State, picked: usize) -> Vec<Line> {
    let texts = &state.texts;
    let waiting = state.circle().map(|circle| circle.waiting.as_slice()).unwrap_or_default();
    if waiting.is_empty() {
        return vec![plain(texts.plain("room-empty"))];
    }
    let mut lines = Vec::new();
    for (at, asking) in waiting.iter().enumerate() {
        let asked = [("name", asking.name.as_str().into()), ("clock", asking.at.as_str().into())];
        lines.push(picked_line(&texts.say("room-line", &asked), at == picked));
        lines.push(plain(format!("    {}", asking.words)));
        if let Some(invite) = &asking.invite {
            let told = [("label", invite.as_str().into())];
            lines.push(plain(format!("    {}", texts.say("room-invite", &told))));
        }
        if asking.admitting {
            lines.push(plain(format!("    {}", texts.plain("room-admitting"))));
        }
    }
    lines.extend([empty(), plain(texts.plain("room-words"))]);
    lines
}

fn invite_lines(state: &State, made: Option<&Value>) -> Vec<Line> {
    let texts = &state.texts;
    let Some(made) = made else { return vec![plain(texts.plain("invite-making"))] };
    let fields = state.fields(made);
    let until = fields.time("expires_at").map(|at| words::moment(texts, &at)).unwrap_or_default();
    let mut lines = vec![plain(texts.plain("invite-pass-on")), empty()];
    lines.extend(fields.list("grouped").into_iter().map(|row| (row, Tone::Strong)));
    lines.push(empty());
    let told = [("count", fields.count("uses").into()), ("until", until.into())];
    lines.push(plain(texts.say("invite-until", &told)));
    if !fields.flag("registered") {
        lines.push(plain(texts.plain("invite-not-registered")));
    }
    lines.push(plain(texts.plain("invite-once")));
    lines
}

fn join_lines(state: &State, join: &Join) -> Vec<Line> {
    let texts = &state.texts;
    match join {
        Join::Code(_) => vec![plain(texts.plain("join-code"))],
        Join::Looking => vec![plain(texts.plain("join-looking"))],
        Join::Asking => vec![plain(texts.plain("join-asking"))],
        Join::Asked(shown) => {
            let fields = state.fields(shown);
            let circle = fields.maybe("circle").or_else(|| fields.maybe("circle_name"));
            let told = [("circle", circle.unwrap_or_default().into())];
            vec![
                plain(texts.say("join-asked", &told)),
                empty(),
                plain(texts.plain("join-words")),
                (fields.list("words").join(" "), Tone::Strong),
            ]
        }
        Join::Cards { shown, .. } => cards(state, state.fields(shown)),
    }
}

/// The relay card and the join card (U-36, U-177, D-68).
fn cards(state: &State, fields: Fields<'_>) -> Vec<Line> {
    let texts = &state.texts;
    let mut lines = Vec::new();
    if let Some(card) = fields.inner("relay_card") {
        let operator = card.maybe("operator").filter(|operator| !operator.is_empty());
        lines.push(plain(match operator {
            Some(operator) => texts.say("card-operator", &[("operator", operator.into())]),
            None => texts.plain("card-no-operator"),
        }));
        let about = [card.text("country"), card.text("contact"), card.text("statement")];
        lines.extend(about.into_iter().filter(|text| !text.is_empty()).map(plain));
        if let Some(age) = card.maybe_count("age_s") {
            lines.push(plain(texts.say("card-keeps", &[("span", values::span(age).into())])));
        }
    }
    lines.extend([plain(texts.plain("card-sees")), empty()]);
    lines.push((
        texts.say("card-circle", &[("circle", fields.text("circle_name").into())]),
        Tone::Strong,
    ));
    for rule in fields.list("rules") {
        lines.push(plain(texts.say("card-rule", &[("rule", rule.into())])));
    }
    lines.push(plain(texts.plain(match fields.text("admit").as_str() {
        "open" => "card-open",
        _ => "card-ask",
    })));
    lines.extend(LIMITS.iter().map(|id| plain(texts.plain(id))));
    lines.extend([empty(), plain(texts.plain("join-name"))]);
    if !state.circles.is_empty() {
        lines.push(plain(texts.plain("join-name-links")));
    }
    lines
}

/// What a panel asks to type, with the word before it.
pub(crate) fn join_field(join: &Join) -> Option<(&'static str, &Input)> {
    match join {
        Join::Code(input) => Some(("field-code", input)),
        Join::Cards { name, .. } => Some(("field-name", name)),
        _ => None,
    }
}

/// A line in the smallest window, so that nine fit.
const ONE_LINE: usize = 34;

const KEYS: &[&str] = &[
    "key-f1",
    "key-f2",
    "key-f10",
    "key-alt-a",
    "key-alt-digit",
    "key-page",
    "key-tab",
    "key-enter",
    "key-up",
    "key-esc",
    "key-quit",
    "key-commands-talk",
    "key-commands",
    "key-commands-people",
    "key-commands-care",
    "key-commands-decide",
    "key-commands-settings",
    "key-commands-more",
];

/// D-63, D-67
const HELP_CARD: &[&str] =
    &["help-dying", "help-steward", "help-withdrawal", "help-nobody-watches"];

/// D-68: what nobody can promise.
const LIMITS: &[&str] = &["limit-secret", "limit-copy", "limit-spy", "limit-doctor"];
