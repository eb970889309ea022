//! The command line: every verb with its arguments (U-1, U-2, U-20 to U-86).

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::values;

/// Support circles without a server.
#[derive(Debug, Parser)]
#[command(name = "hearthlight", version, max_term_width = 100, disable_help_flag = false)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// Flags that stand before or after any verb.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "For every verb")]
pub(crate) struct Global {
    /// The folder of this person on this computer
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to draw with colors
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub(crate) color: Color,
    /// No hints beside the result
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Answer questions with yes
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    /// Read the passphrase from the first line of this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Write a log to stderr
    #[arg(long, global = true, hide = true, value_name = "LEVEL")]
    pub(crate) log: Option<tracing::Level>,
}

/// When to draw with colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the home on this computer
    Setup(Setup),
    /// Run, so that messages arrive
    Start(Start),
    /// End what `start` began
    Stop,
    /// Say how things are
    Status,
    /// Look for what stands in the way
    Doctor {
        /// Ask no relay
        #[arg(long)]
        offline: bool,
    },
    /// Close the home until `unlock`
    Lock,
    /// Open the home again
    Unlock,
    /// Start a circle, and look at yours
    #[command(subcommand)]
    Circle(Circle),
    /// Invite people to a circle
    #[command(subcommand)]
    Invite(Invite),
    /// Ask to join a circle with an invite
    Join(Join),
    /// List who asks to be let in
    Waiting {
        /// The circle
        circle: String,
    },
    /// Let somebody in
    Admit(Admit),
    /// Do not let somebody in
    Decline(Decline),
    /// Say something in a circle
    Say(Say),
    /// Read what was said in a circle
    Read(Read),
    /// Talk in your circles, on the whole screen
    Chat(Chat),
    /// List the members of a circle
    Members {
        /// The circle
        circle: String,
    },
    /// Give a role, hold, remove or verify a member
    #[command(subcommand)]
    Member(Member),
    /// Do not see any more what a member says; nobody learns of it
    Block(Block),
    /// Decide together
    #[command(subcommand)]
    Vote(Vote),
    /// Show numbers to call or text right now
    HelpNow {
        /// Two letters, such as US
        #[arg(long, value_name = "XX", value_parser = values::country)]
        country: Option<String>,
        /// Show this circle's own numbers too
        #[arg(long, value_name = "C")]
        circle: Option<String>,
    },
    /// Look at the settings of this computer, and change them
    #[command(subcommand)]
    Config(Config),
    /// Remove a circle, or everything, from this computer
    Wipe {
        /// The circle; without one: everything
        circle: Option<String>,
    },
    /// Open Hearthlight in the browser
    Open {
        /// Print the link only
        #[arg(long)]
        no_browser: bool,
    },
    /// See a relay and three members at work on this computer
    Demo {
        /// Keep all files in this folder
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
    /// Print the version
    Version {
        /// Print what it speaks, too
        #[arg(long)]
        verbose: bool,
    },
    /// Run a relay
    #[command(subcommand)]
    Relay(Relay),
}

#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The circle to begin with
    pub(crate) circle: Option<String>,
    /// Lines alone, without a screen
    #[arg(long)]
    pub(crate) plain: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Setup {
    /// A name to suggest for circles; it stays on this computer
    #[arg(long, value_parser = values::name)]
    pub(crate) name: Option<String>,
    /// Keep no passphrase: anyone at this computer can then read everything
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
    /// The language of texts, such as en
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
    /// Your country, for `help-now`
    #[arg(long, value_name = "XX", value_parser = values::country)]
    pub(crate) country: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Go on in the background
    #[arg(long)]
    pub(crate) detach: bool,
    /// This is the background process
    #[arg(long, hide = true, conflicts_with = "detach")]
    pub(crate) detached: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Circle {
    /// Start a circle
    New(CircleNew),
    /// List your circles
    List,
    /// Show one circle
    Show {
        /// The circle
        circle: String,
    },
    /// Leave a circle
    Leave(CircleLeave),
    /// Take new keys at once, if you fear that somebody has a copy of yours
    Refresh {
        /// The circle
        circle: String,
    },
    /// Look at a circle's relays, add one, remove one
    Relay {
        /// The circle
        circle: String,
        #[command(subcommand)]
        action: CircleRelay,
    },
    /// Change a setting of a circle
    Set {
        /// The circle
        circle: String,
        /// The setting
        key: CircleKey,
        /// Its new value
        value: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CircleLeave {
    /// The circle
    pub(crate) circle: String,
    /// Remove it from this computer, too, once the others can know that you left
    #[arg(long)]
    pub(crate) forget: bool,
    /// Leave even as the only host: nobody can govern the circle any more
    #[arg(long)]
    pub(crate) end: bool,
}

/// A setting of a circle in this home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CircleKey {
    /// The circle's name here
    Label,
    /// Whether you are told of nothing new in it: true or false
    Muted,
    /// How you are told of something new in it: off, mark, bell, desktop, or default as everywhere
    Notify,
}

#[derive(Debug, Args)]
pub(crate) struct CircleNew {
    /// Its name here, and on join cards
    #[arg(value_parser = values::name)]
    pub(crate) name: String,
    /// How it works together
    #[arg(long, default_value = "plain")]
    pub(crate) template: Template,
    /// Your name in it
    #[arg(long, value_name = "PSEUDONYM", value_parser = values::name)]
    pub(crate) r#as: Option<String>,
    /// A relay's address, @FILE, or - for stdin; at most four times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) relay: Vec<String>,
    /// How newcomers are let in
    #[arg(long, default_value = "ask")]
    pub(crate) admit: Admission,
    /// How long talk is kept, such as 30d
    #[arg(long, value_name = "D", value_parser = values::duration)]
    pub(crate) retention: Option<Duration>,
    /// Let members link directly where both want it
    #[arg(long)]
    pub(crate) direct: bool,
    /// For thin links
    #[arg(long)]
    pub(crate) thin: bool,
}

/// The shipped templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "each says its own name")]
pub(crate) enum Template {
    TwelveStep,
    NaStyle,
    FourPoint,
    Dharma,
    OnlineCommunity,
    SoberHouse,
    Plain,
}

/// How newcomers are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Admission {
    /// Somebody says yes
    Ask,
    /// Whoever has the invite comes in
    Open,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CircleRelay {
    /// List its relays
    List,
    /// Add a relay
    Add {
        /// The relay's address, @FILE, or - for stdin
        address: String,
    },
    /// Remove a relay
    Remove {
        /// The relay's key, as `list` shows it
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Invite {
    /// Make an invite
    New(InviteNew),
    /// List a circle's invites
    List {
        /// The circle
        circle: String,
    },
    /// Take an invite back
    Revoke {
        /// The circle
        circle: String,
        /// The invite, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InviteNew {
    /// The circle
    pub(crate) circle: String,
    /// How many people can use it, 1 to 50
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = uses)]
    pub(crate) uses: u64,
    /// How long it lasts, 5m to 30d
    #[arg(long, default_value = "24h", value_name = "D", value_parser = expires)]
    pub(crate) expires: Duration,
    /// How who comes with it is let in
    #[arg(long)]
    pub(crate) admit: Option<Admission>,
    /// A note for the waiting room, such as "for Sam"
    #[arg(long, value_name = "T", value_parser = values::name)]
    pub(crate) label: Option<String>,
    /// Draw the code, too
    #[arg(long)]
    pub(crate) qr: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The invite's code, or - for stdin; without it you are asked
    pub(crate) code: Option<String>,
    /// Your name in the circle
    // `circle new` has it as `--as`.
    #[arg(long, alias = "as", value_name = "PSEUDONYM", value_parser = values::name)]
    pub(crate) name: Option<String>,
    /// The circle's name on this computer
    #[arg(long, value_name = "L", value_parser = values::name)]
    pub(crate) label: Option<String>,
    /// Wait until you are in, at most so long
    #[arg(long, value_name = "D", value_parser = values::duration)]
    pub(crate) wait: Option<Duration>,
    /// Look at what the code leads to, and do no more
    #[arg(long)]
    pub(crate) preview: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Admit {
    /// The circle
    pub(crate) circle: String,
    /// Names or ids, as `waiting` shows them
    #[arg(required = true)]
    pub(crate) who: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Decline {
    /// The circle
    pub(crate) circle: String,
    /// Names or ids, as `waiting` shows them
    #[arg(required = true)]
    pub(crate) who: Vec<String>,
    /// Say nothing to them
    #[arg(long)]
    pub(crate) silent: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// The circle
    pub(crate) circle: String,
    /// The words, or - for all of stdin; without them you are asked
    pub(crate) text: Option<String>,
    /// Each line of stdin is a message of its own
    #[arg(long)]
    pub(crate) lines: bool,
    /// The message that this answers
    #[arg(long, value_name = "ID")]
    pub(crate) reply: Option<String>,
    /// The answer that you wish for
    #[arg(long)]
    pub(crate) wants: Option<Wants>,
    /// What readers may want to know beforehand
    #[arg(long, value_name = "T")]
    pub(crate) note: Option<String>,
    /// Wait until it is that far
    #[arg(long, value_name = "MARK")]
    pub(crate) wait: Option<WaitFor>,
    /// How long to wait; 0: only until it is stored
    #[arg(long, value_name = "D", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
}

/// The answer that an author wishes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wants {
    /// To be heard
    Listen,
    /// What others lived through
    Experience,
    /// Advice
    Advice,
}

/// The mark to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum WaitFor {
    /// A relay has it
    Relayed,
    /// A member has it
    Received,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The circle
    pub(crate) circle: String,
    /// Only what came since: a span such as 24h, or a time
    #[arg(long, value_name = "D", value_parser = values::since)]
    pub(crate) since: Option<Timestamp>,
    /// The newest so many, with --unread the oldest; 0 = all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u64,
    /// Go on with what comes
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only what you have not read yet
    #[arg(long)]
    pub(crate) unread: bool,
    /// Print marks that change, too (JSON)
    #[arg(long)]
    pub(crate) marks: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Member {
    /// Give a member a role, or take it back
    Role(MemberRole),
    /// Remove a member from the circle
    Remove(MemberRemove),
    /// Set aside for a while what a member says
    Hold(MemberHold),
    /// Compare six words with a member, to be sure that nobody stands between
    Verify(MemberVerify),
}

#[derive(Debug, Args)]
pub(crate) struct MemberVerify {
    /// The circle
    pub(crate) circle: String,
    /// A name or id, as `members` shows them
    pub(crate) who: String,
    /// The six words that the member reads to you
    #[arg(long, value_name = "WORDS")]
    pub(crate) words: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Block {
    /// The circle, or `list`
    #[arg(value_name = "C")]
    pub(crate) circle: String,
    /// A name or id, as `members` shows them; after `list`: the circle
    #[arg(value_name = "WHO")]
    pub(crate) who: Option<String>,
    /// See everything of them again
    #[arg(long)]
    pub(crate) undo: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vote {
    /// Ask the circle
    New(VoteNew),
    /// Cast your ballot, or another one
    Cast {
        /// The circle
        circle: String,
        /// The vote, as `list` shows it
        id: String,
        /// What you choose
        choice: Choice,
    },
    /// List what is, or was, voted on
    List {
        /// The circle; without it: in all circles
        circle: Option<String>,
    },
    /// Show a vote, with all ballots
    Show {
        /// The circle
        circle: String,
        /// The vote, as `list` shows it
        id: String,
    },
    /// Say that no host was heard of for 30 days, or that you say so too
    HostLost {
        /// The circle
        circle: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VoteNew {
    /// The circle
    pub(crate) circle: String,
    /// What you ask
    pub(crate) text: String,
    /// How long ballots are cast, 1m to 30d
    #[arg(long, default_value = "48h", value_name = "D", value_parser = closes)]
    pub(crate) closes: Duration,
    /// Not built yet
    #[arg(long)]
    pub(crate) secret: bool,
    /// How many have to agree, if more than the circle asks for
    #[arg(long)]
    pub(crate) threshold: Option<Threshold>,
    /// To remove this member, a host too
    #[arg(long, value_name = "WHO", conflicts_with_all = ["elect", "name"])]
    pub(crate) remove: Option<String>,
    /// To give this member a role
    #[arg(long, value_name = "WHO", conflicts_with = "name")]
    pub(crate) elect: Option<String>,
    /// Which role; without it: host
    #[arg(long, value_name = "R", requires = "elect")]
    pub(crate) role: Option<String>,
    /// The day on which the role ends by itself, such as 2027-03-31
    #[arg(long, value_name = "DATE", requires = "elect", value_parser = values::day)]
    pub(crate) until: Option<jiff::civil::Date>,
    /// To give the circle this name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// What somebody chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// To agree
    Yes,
    /// Not to agree
    No,
    /// Not to choose
    Abstain,
    /// Not to agree, and not to be in the way
    Aside,
    /// To be in the way
    Block,
}

/// How many have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threshold {
    /// More than half
    Majority,
    /// Two thirds
    TwoThirds,
    /// 80 in 100
    #[value(name = "80")]
    Eighty,
    /// Nobody is against it
    Consensus,
}

#[derive(Debug, Args)]
pub(crate) struct MemberRole {
    /// The circle
    pub(crate) circle: String,
    /// A name or id, as `members` shows them, or me
    pub(crate) who: String,
    #[command(flatten)]
    pub(crate) change: RoleChange,
    /// The day on which a role that is given ends by itself, such as 2027-03-31
    #[arg(long, value_name = "DATE", conflicts_with = "drop", value_parser = values::day)]
    pub(crate) until: Option<jiff::civil::Date>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RoleChange {
    /// The role to give: host, steward, chair, greeter, timekeeper, treasurer or facilitator
    #[arg(long, value_name = "ROLE")]
    pub(crate) add: Option<String>,
    /// The role to take back
    #[arg(long, value_name = "ROLE")]
    pub(crate) drop: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MemberRemove {
    /// The circle
    pub(crate) circle: String,
    /// A name or id, as `members` shows them
    pub(crate) who: String,
    /// Why; all members can read it
    #[arg(long, value_name = "T")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MemberHold {
    /// The circle
    pub(crate) circle: String,
    /// A name or id, as `members` shows them
    pub(crate) who: String,
    /// How long, 1m to 72h; 0 ends a hold
    #[arg(long, default_value = "72h", value_name = "D", value_parser = hold)]
    pub(crate) r#for: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// List all settings
    List,
    /// Show one setting
    Get {
        /// The setting
        key: ConfigKey,
    },
    /// Choose something
    Set {
        /// The setting
        key: ConfigKey,
        /// Its new value
        value: String,
    },
    /// Let a setting be as usual again
    Unset {
        /// The setting
        key: ConfigKey,
    },
    /// Print where settings are kept
    Path,
}

/// A setting of a home (U-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigKey {
    /// The name that is suggested in circles
    Name,
    /// The language of texts, such as en
    Language,
    /// The country for help-now, such as US
    Country,
    /// How long after you were last here the home locks itself: 15m, or never
    #[value(name = "lock.after")]
    LockAfter,
    /// How you are told that something is new: off, mark, bell or desktop
    #[value(name = "notify.mode")]
    NotifyMode,
    /// Hours in which you are not told, such as 22:00-07:00
    #[value(name = "notify.quiet")]
    NotifyQuiet,
    /// The title of the browser's tab
    #[value(name = "page.title")]
    PageTitle,
    /// What Hide shows: notes or blank
    #[value(name = "page.away")]
    PageAway,
    /// Whether Shift three times hides: true or false
    #[value(name = "page.hide_keys")]
    PageHideKeys,
    /// Whether the browser checks spelling, and so may send text elsewhere: true or false
    #[value(name = "page.spellcheck")]
    PageSpellcheck,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Relay {
    /// Make a relay
    Init(RelayInit),
    /// Run a relay
    Run(RelayRun),
    /// Say how the running relay is
    Status(RelayFolder),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(RelayToken),
    /// Show or change what the relay says about itself
    Card {
        #[command(flatten)]
        folder: RelayFolder,
        /// Take the card from this file
        #[arg(long, value_name = "FILE", conflicts_with = "address")]
        set: Option<PathBuf>,
        /// Show another relay's card
        #[arg(long, value_name = "A")]
        address: Option<String>,
    },
    /// Answer with the exit code whether the relay is well
    Healthcheck {
        #[command(flatten)]
        folder: RelayFolder,
        /// Whether it takes something new, too
        #[arg(long)]
        ready: bool,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(RelayConfig),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RelayFolder {
    /// The relay's folder
    #[arg(long, value_name = "D")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RelayInit {
    #[command(flatten)]
    pub(crate) folder: RelayFolder,
    /// Only for this computer, at this port
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "4270", value_parser = values::port)]
    pub(crate) local: Option<u16>,
    /// Where to listen, as a multiaddr
    #[arg(long, value_name = "A", conflicts_with = "local")]
    pub(crate) listen: Vec<String>,
    /// Where others reach it, as a multiaddr
    #[arg(long, value_name = "A")]
    pub(crate) external_address: Vec<String>,
    /// Who runs it
    #[arg(long, value_name = "T")]
    pub(crate) operator: Option<String>,
    /// How to reach them
    #[arg(long, value_name = "T")]
    pub(crate) contact: Option<String>,
    /// Where it stands
    #[arg(long, value_name = "XX", value_parser = values::country)]
    pub(crate) country: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RelayRun {
    #[command(flatten)]
    pub(crate) folder: RelayFolder,
    /// The configuration, if not in the folder
    #[arg(long, value_name = "F", conflicts_with = "dir")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen, as a multiaddr
    #[arg(long, value_name = "A")]
    pub(crate) listen: Vec<String>,
    /// Where others reach it, as a multiaddr
    #[arg(long, value_name = "A")]
    pub(crate) external_address: Vec<String>,
    /// A setting for this run, such as limits.store=1GiB
    #[arg(short = 'O', value_name = "KEY=VALUE")]
    pub(crate) option: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelayToken {
    /// Make a token, and print the address that holds it
    Add {
        #[command(flatten)]
        folder: RelayFolder,
        /// Whom it is for
        #[arg(long, value_name = "T", value_parser = values::name)]
        label: Option<String>,
        /// How much it may store
        #[arg(long, value_name = "SIZE", value_parser = values::size)]
        quota: Option<u64>,
        /// How long it is good
        #[arg(long, value_name = "D", value_parser = values::duration)]
        expires: Option<Duration>,
    },
    /// List tokens
    List(RelayFolder),
    /// Take a token back
    Revoke {
        #[command(flatten)]
        folder: RelayFolder,
        /// The token, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelayConfig {
    /// Print every value and where it comes from
    Show(RelayFolder),
}

/// Words of the command line that are spelled as in the API.
pub(crate) fn word<T: ValueEnum>(value: T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn uses(text: &str) -> Result<u64, String> {
    let uses = text.parse().ok().filter(|uses| (1..=50).contains(uses));
    uses.ok_or_else(|| "An invite has 1 to 50 uses.".to_owned())
}

fn expires(text: &str) -> Result<Duration, String> {
    let span = values::duration(text)?;
    if (300..=2_592_000).contains(&span.as_secs()) {
        Ok(span)
    } else {
        Err("An invite lasts 5m to 30d.".to_owned())
    }
}

fn closes(text: &str) -> Result<Duration, String> {
    let span = values::duration(text)?;
    if (60..=2_592_000).contains(&span.as_secs()) {
        Ok(span)
    } else {
        Err("A vote lasts 1m to 30d.".to_owned())
    }
}

fn hold(text: &str) -> Result<Duration, String> {
    let span = values::duration(text)?;
    if span.is_zero() || (60..=259_200).contains(&span.as_secs()) {
        Ok(span)
    } else {
        Err("A hold lasts 1m to 72h, and 0 ends one.".to_owned())
    }
}
