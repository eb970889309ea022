//! What is done to a member: roles, removals and holds (U-51).

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde_json::{Value, json};

use super::circle::millis;
use super::say::look_for;
use crate::{
    advice::Failure,
    args::{Member, MemberHold, MemberRemove, MemberRole, MemberVerify},
    client::{Class, Client, circle as in_path, segment},
    context::Context,
    fields::Fields,
    prompt,
};

pub(crate) async fn member(context: &Context, verb: Member) -> Result<(), Failure> {
    match verb {
        Member::Role(asked) => role(context, asked).await,
        Member::Remove(asked) => remove(context, asked).await,
        Member::Hold(asked) => hold(context, asked).await,
        Member::Verify(asked) => verify(context, asked).await,
    }
}

async fn role(context: &Context, asked: MemberRole) -> Result<(), Failure> {
    let (role, grant) = match (asked.change.add, asked.change.drop) {
        (Some(role), _) => (role, true),
        (None, Some(role)) => (role, false),
        (None, None) => return Err(Failure::missing("The role", "--add ROLE or --drop ROLE")),
    };
    let whom = Whom::find(context, &asked.circle, &asked.who).await?;
    let (name, circle) = (&whom.name, &whom.label);
    let question = match grant {
        true if role == "host" => format!(
            "Make {name} a host of \"{circle}\"? A host may do everything, and no other host can \
             take that back."
        ),
        true => format!("Give {name} the role of a {role} in \"{circle}\"?"),
        false => format!("Take the role of a {role} in \"{circle}\" from {name}?"),
    };
    prompt::confirm(context, &question).await?;
    let until = asked.until.map(begin_of).transpose()?;
    let done = whom.act("role", json!({"role": role, "grant": grant, "until": until})).await?;
    whom.show(&done, &|_| {
        let says = role_sentence((!whom.me).then_some(name), &role, grant);
        asked.until.map_or(says.clone(), |day| until_day(&says, day))
    })
}

async fn remove(context: &Context, asked: MemberRemove) -> Result<(), Failure> {
    let whom = Whom::find(context, &asked.circle, &asked.who).await?;
    let (name, circle) = (&whom.name, &whom.label);
    let question =
        format!("Remove {name} from \"{circle}\"? What {name} has heard so far stays with {name}.");
    prompt::confirm(context, &question).await?;
    let done = whom.act("remove", json!({"reason": asked.reason})).await?;
    whom.show(&done, &|fields| removal_sentence(name, fields))
}

async fn hold(context: &Context, asked: MemberHold) -> Result<(), Failure> {
    let whom = Whom::find(context, &asked.circle, &asked.who).await?;
    let (name, circle) = (&whom.name, &whom.label);
    let question = if asked.r#for.is_zero() {
        format!("End the hold on {name} in \"{circle}\"? What was set aside is shown then.")
    } else {
        let until = after(asked.r#for);
        format!("Set aside what {name} says in \"{circle}\" until {until}?")
    };
    prompt::confirm(context, &question).await?;
    let done = whom.act("hold", json!({"for_s": asked.r#for.as_secs()})).await?;
    let until = (!asked.r#for.is_zero()).then(|| after(asked.r#for));
    whom.show(&done, &|_| hold_sentence(name, until.as_deref()))
}

/// Tells six words, and keeps whether the member has the same; nothing of it leaves (U-52).
async fn verify(context: &Context, asked: MemberVerify) -> Result<(), Failure> {
    let whom = Whom::find_as(context, Class::Local, &asked.circle, &asked.who).await?;
    let path = format!("{}/verify", whom.path);
    let told = whom.client.post(&path, json!({})).await?;
    let words = context.output.fields(&told).list("words").join(" ");
    let name = &whom.name;
    let same = match asked.words {
        Some(heard) => Some(plain_words(&heard) == words),
        None if context.output.is_json() || !prompt::can_ask() => None,
        None => {
            prompt::show(&format!(
                "Ask {name} to read six words to you. Yours are:\n\n    {words}\n"
            ));
            let answer = prompt::line("The same six words? [y/N]").await?;
            Some(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
        }
    };
    let Some(same) = same else {
        return context.output.object(&told, |_| {
            format!("{words}\nCompare them with {name}, by voice or in one room.")
        });
    };
    let kept = whom.client.post(&path, json!({"same": same})).await?;
    context.output.object(&kept, |_| match same {
        true => format!("{name} is verified."),
        false => format!(
            "The words are not the same. {name} is not verified. Tell a host of the circle."
        ),
    })
}

/// Words as they are compared: without capitals, and with one space between.
fn plain_words(heard: &str) -> String {
    heard
        .to_lowercase()
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The member that is meant, in the circle that is meant.
struct Whom<'a> {
    context: &'a Context,
    client: Client<'a>,
    /// Exact, so that what was asked about is what is done.
    path: String,
    name: String,
    me: bool,
    label: String,
}

impl<'a> Whom<'a> {
    async fn find(context: &'a Context, circle: &str, who: &str) -> Result<Whom<'a>, Failure> {
        Self::find_as(context, Class::Network, circle, who).await
    }

    async fn find_as(
        context: &'a Context,
        class: Class,
        circle: &str,
        who: &str,
    ) -> Result<Whom<'a>, Failure> {
        let client = Client::open(context, class).await?;
        let found = client.get(&format!("/v1/circles/{}", in_path(circle))).await?;
        let circle = context.output.fields(&found);
        let id = circle.text("id");
        let member = client.get(&format!("/v1/circles/{id}/members/{}", segment(who))).await?;
        let fields = context.output.fields(&member);
        Ok(Self {
            context,
            path: format!("/v1/circles/{id}/members/{}", fields.text("id")),
            name: fields.text("name"),
            me: fields.flag("me"),
            label: circle.text("label"),
            client,
        })
    }

    /// Does it, and waits a while for a relay to have it.
    async fn act(&self, verb: &str, mut body: Value) -> Result<Value, Failure> {
        let wait = look_for(self.context.is_node().await);
        body["timeout_ms"] = json!(millis(wait));
        self.client.post_within(&format!("{}/{verb}", self.path), body, wait).await
    }

    fn show(&self, done: &Value, sentence: &dyn Fn(Fields<'_>) -> String) -> Result<(), Failure> {
        self.context.output.object(done, sentence)?;
        if done["mark"] == "waiting" {
            self.context.output.hint(NOT_YET);
        }
        Ok(())
    }
}

/// The moment at which a day begins, here, as the API takes it.
pub(super) fn begin_of(day: Date) -> Result<String, Failure> {
    let begins = day.to_datetime(Time::midnight()).to_zoned_datetime(TimeZone::system());
    let begins = begins.map_err(|_| Failure::usage("No calendar here has that day."))?;
    Ok(begins.timestamp().to_string())
}

/// A sentence that says for how long it holds.
fn until_day(says: &str, day: Date) -> String {
    format!("{} It ends by itself on {}.", says, day.strftime("%-d %b %Y"))
}

/// `Thu 26 Nov 18:00`, so long from now, here.
fn after(span: Duration) -> String {
    let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let until = Timestamp::now().as_millisecond().saturating_add(ms);
    let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
    until.to_zoned_datetime(TimeZone::system()).strftime("%a %-d %b %H:%M").to_string()
}

/// `name` is nobody's where it is oneself.
fn role_sentence(name: Option<&str>, role: &str, grant: bool) -> String {
    let who = name.map_or("You are".to_owned(), |name| format!("{name} is"));
    if grant { format!("{who} a {role} now.") } else { format!("{who} no {role} any more.") }
}

fn removal_sentence(name: &str, fields: Fields<'_>) -> String {
    if fields.text("state") == "needs-second" {
        return format!(
            "{name} is a host, and stays one until a second host removes {name} too. Everybody can \
             see that you did."
        );
    }
    format!(
        "{name} is removed. What you say from now on cannot be read by {name}. Others follow when \
         they hear of it.{}",
        closed(fields)
    )
}

/// What a removal closed, as a sentence behind another.
pub(super) fn closed(fields: Fields<'_>) -> String {
    match fields.count("invites_closed") {
        0 => String::new(),
        count => format!(" Open invites were closed: {count}."),
    }
}

fn hold_sentence(name: &str, until: Option<&str>) -> String {
    match until {
        Some(until) => format!(
            "{name} is held until {until}. What {name} says is set aside until then, and shown \
             afterwards."
        ),
        None => format!("{name} is not held any more. What was set aside is shown."),
    }
}

/// The act is stored, and no relay has it.
pub(super) const NOT_YET: &str =
    "No relay has it yet. It goes out when one can be reached, while Hearthlight runs.";

#[cfg(test)]
mod tests {
    use super::*;

    /// U-51
    #[test]
    fn a_removal_says_what_follows() {
        let says = |closed: u64| {
            let object = json!({"v":1,"id":"a1","circle":"Test","circle_id":"41d0","action":"remove",
                "state":"done","vote_id":null,"mark":"relayed","invites_closed":closed});
            removal_sentence("Otter", Fields::new(&object, &TimeZone::UTC))
        };
        assert_eq!(
            says(2),
            "Otter is removed. What you say from now on cannot be read by Otter. Others follow when \
             they hear of it. Open invites were closed: 2."
        );
        assert!(says(0).ends_with("when they hear of it."));
    }

    /// U-51, R-12
    #[test]
    fn a_removal_that_a_second_host_has_to_back_says_so() {
        let object = json!({"state":"needs-second","invites_closed":0});
        assert_eq!(
            removal_sentence("Otter", Fields::new(&object, &TimeZone::UTC)),
            "Otter is a host, and stays one until a second host removes Otter too. Everybody can see \
             that you did."
        );
    }

    /// U-51
    #[test]
    fn roles_and_holds_have_sentences() {
        assert_eq!(role_sentence(Some("Otter"), "host", true), "Otter is a host now.");
        assert_eq!(
            until_day("Otter is a host now.", jiff::civil::date(2027, 3, 31)),
            "Otter is a host now. It ends by itself on 31 Mar 2027."
        );
        assert_eq!(role_sentence(Some("Otter"), "host", false), "Otter is no host any more.");
        assert_eq!(role_sentence(None, "steward", false), "You are no steward any more.");
        assert_eq!(
            hold_sentence("Otter", Some("Thu 26 Nov 18:00")),
            "Otter is held until Thu 26 Nov 18:00. What Otter says is set aside until then, and \
             shown afterwards."
        );
        assert_eq!(
            hold_sentence("Otter", None),
            "Otter is not held any more. What was set aside is shown."
        );
    }

    #[test]
    fn a_moment_after_a_while_is_a_day_and_a_clock() {
        assert_eq!(after(Duration::from_secs(259_200)).split(' ').count(), 4);
    }
}
