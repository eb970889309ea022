//! `setup`: makes the home (U-20). At most four questions, and only on a terminal.

use serde_json::json;

use crate::{advice::Failure, args::Setup, context::Context, node::NodeError, prompt, values};

pub(crate) async fn setup(context: &Context, asked: Setup) -> Result<(), Failure> {
    let home = context.home()?;
    if home.is_set_up() {
        return Err(Failure::of("already-set-up"));
    }
    if home.dir().exists() && !home.dir().is_dir() {
        return Err(Failure::usage("The home is a file, and not a folder.").advising(ANOTHER_HOME));
    }
    let may_ask = prompt::can_ask();
    // Whoever gave what is needed by flags is asked nothing.
    let told =
        asked.name.is_some() && (asked.no_passphrase || context.given_passphrase()?.is_some());
    let name = match asked.name {
        Some(name) => name,
        None if may_ask => {
            let typed = prompt::line("A name to be called by (it stays on this computer):").await?;
            values::name(&typed).map_err(Failure::usage)?
        }
        None => return Err(Failure::missing("A name", "--name NAME")),
    };
    let passphrase = match context.given_passphrase()? {
        _ if asked.no_passphrase => None,
        Some(given) => Some(given),
        None if may_ask => new_passphrase().await?,
        None => {
            return Err(Failure::of("needs-passphrase")
                .advising("--passphrase-file FILE, or --no-passphrase"));
        }
    };
    let country = match asked.country {
        Some(country) => Some(country),
        None if may_ask && !told => country().await?,
        None => None,
    };
    let language = asked.language.or_else(|| std::env::var("HEARTHLIGHT_LANG").ok());
    let language = language.filter(|tag| !tag.is_empty());
    let made = home.set_up(&name, language.as_deref(), country.as_deref(), passphrase.as_deref());
    let made = made.map_err(|error| match error {
        NodeError::ReadOnly | NodeError::Internal(_) => {
            Failure::from(error).saying("The home cannot be made there.").advising(ANOTHER_HOME)
        }
        error => error.into(),
    })?;
    if !made.passphrase {
        context.output.hint(
            "There is no passphrase: anyone at this computer can read everything in this home.",
        );
    }
    let object = json!({
        "v": 1, "home": made.home, "name": made.name, "passphrase": made.passphrase,
        "language": made.language, "country": made.country,
        "created_at": values::utc(made.created_at.0),
    });
    context.output.object(&object, |_| "Ready.".to_owned())
}

/// A passphrase of the person's own, a made one, or none.
async fn new_passphrase() -> Result<Option<String>, Failure> {
    let made = prompt::made_passphrase()?;
    prompt::show(&format!(
        "A passphrase keeps others at this computer out. Nobody can give it back to you.\n\
         Press Enter to take this one, and write it down:\n\n    {made}\n\n\
         Or type your own. Type a dash (-) for none: anyone at this computer can then read everything."
    ));
    let typed = prompt::secret("Passphrase:").await?;
    match typed.as_str() {
        "" => Ok(Some(made)),
        "-" => Ok(None),
        _ if prompt::secret("The same once more:").await? == typed => Ok(Some(typed)),
        _ => Err(Failure::usage("The two are not the same. Nothing was made.")),
    }
}

async fn country() -> Result<Option<String>, Failure> {
    let typed = prompt::line("Your country, two letters, for help lines (Enter: none):").await?;
    if typed.is_empty() {
        return Ok(None);
    }
    values::country(&typed).map(Some).map_err(Failure::usage)
}

const ANOTHER_HOME: &str = "Choose a folder of your own with --home DIR.";
