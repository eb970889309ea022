//! The route table: everything that the API answers, whatever it is served on, and what of it is said in
//! the OpenAPI document (`openapi`). The guards of the page and the tests read this same table.
use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    circles,
    desk::Desk,
    doctor, events, governing, invites, joins, kept, limits, messages, once, openapi,
    page::{self, Gate, guarded},
    problem::Problem,
    running, settings, setup,
    views::{
        Answered, CircleLine, CircleShown, Founded, Gone, Governed, InviteLine, InviteMade, Items,
        JoinShown, MemberLine, Page, Refreshed, RelayChanged, RelayLine, RequestLine, SaidShown,
        VoteLine,
    },
    votes, waiting,
};

/// One thing that is answered.
pub(super) struct Route {
    /// Who is answered.
    pub(super) side: Side,
    /// Whether a repeat with the same key is no second act (U-104).
    pub(super) once: bool,
    /// In lower case.
    pub(super) method: &'static str,
    /// Below `/v1`.
    pub(super) path: &'static str,
    /// What it does, in one sentence.
    pub(super) says: &'static str,
    /// What is sent.
    pub(super) sent: Sent,
    /// What is answered when all is well.
    pub(super) answer: Described,
    serve: fn() -> MethodRouter<Arc<Desk>>,
}

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// This user's processes, and the page with its token.
    Both,
    /// These, and a page without a token too.
    Anyone,
    /// This user's processes.
    Socket,
    /// The page with its token.
    Page,
    /// A page that has none yet.
    Arriving,
}

/// What a request carries besides its path.
#[derive(Clone, Copy)]
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// JSON.
    Body(Described),
    /// A query.
    Query(Described),
}

/// Gives the schema of a type.
pub(super) type Described = fn(&mut SchemaGenerator) -> Schema;

fn of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

macro_rules! sent {
    () => {
        Sent::Nothing
    };
    (body $body:ty) => {
        Sent::Body(of::<$body>)
    };
    (query $query:ty) => {
        Sent::Query(of::<$query>)
    };
}

macro_rules! routes {
    ($($says:literal $side:ident $method:ident $path:literal $handler:path, ($($sent:tt)*) -> $answer:ty $(, $once:ident)?;)*) => {
        &[$(Route {
            side: Side::$side,
            once: routes!(@once $($once)?),
            method: stringify!($method),
            path: $path,
            says: $says,
            sent: sent!($($sent)*),
            answer: of::<$answer>,
            serve: || $method($handler),
        },)*]
    };
    (@once once) => { true };
    (@once) => { false };
}

/// Everything that is answered. What is said is known again by the machine itself, and locking, ending and
/// keeping can be repeated as they are; all other acts are done `once`.
pub(super) const ROUTES: &[Route] = routes! {
    "How the node is." Both get "/status" running::status, () -> running::Status;
    "What stands in the way." Both get "/doctor" doctor::look, (query doctor::Looking) -> Items<doctor::Check>;
    "A made passphrase to take." Both get "/setup" setup::offer, () -> setup::Offered;
    "Makes the home, and opens it." Both post "/setup" setup::make, (body setup::Making) -> setup::Made;
    "Closes the home." Both post "/lock" running::lock, () -> running::LockState;
    "Opens the home." Both post "/unlock" running::unlock, (body running::Unlocking) -> running::LockState;
    "Removes everything from this computer, and ends the node." Both post "/wipe" running::wipe, () -> circles::Wiped;
    "Ends the node." Socket post "/stop" running::stop, () -> running::Stopped;
    "Makes a link that opens the page once, within a minute." Socket post "/page-keys" page::make_link, () -> page::Link;
    "Swaps the key of a link for a token." Arriving post "/session" page::enter, (body page::Entering) -> page::Entered;
    "Hides: ends all tokens, and locks the home." Page delete "/session" page::hide, () -> page::Hidden;
    "All settings." Both get "/config" settings::list, () -> settings::Settings;
    "Changes settings; null makes one as usual again." Both patch "/config" settings::set, (body settings::Wishes) -> settings::Settings;
    "Numbers to call or text now." Anyone get "/help" page::help, (query page::Country) -> page::Help;
    "All texts of the page in a language." Anyone get "/strings/{lang}" page::strings, () -> page::Strings;
    "What a kind of problem means." Both get "/problems/{kind}" running::explain, () -> running::Explained;
    "This document." Both get "/openapi.json" openapi::show, () -> openapi::Document;
    "What happens from now on, one object a line." Both get "/events" events::follow, (query events::Following) -> events::Told;

    "All circles, and attempts to join." Both get "/circles" circles::list, () -> Items<CircleLine>;
    "Starts a circle." Both post "/circles" circles::found, (body circles::Founding) -> Founded, once;
    "One circle." Both get "/circles/{c}" circles::show, () -> CircleShown;
    "Changes a setting of a circle here." Both patch "/circles/{c}" circles::set, (body circles::Setting) -> circles::SettingSaved;
    "Leaves a circle." Both delete "/circles/{c}" governing::leave, (query governing::Leaving) -> Gone;
    "Takes new keys at once." Both post "/circles/{c}/refresh" governing::refresh, (body governing::Refreshing) -> Refreshed, once;
    "Removes a circle from this computer." Both post "/circles/{c}/wipe" circles::wipe, () -> circles::Wiped, once;
    "The relays of a circle." Both get "/circles/{c}/relays" circles::relays, () -> Items<RelayLine>;
    "Adds a relay." Both post "/circles/{c}/relays" circles::add_relay, (body circles::AddingRelay) -> RelayChanged, once;
    "Removes a relay." Both delete "/circles/{c}/relays/{key}" circles::remove_relay, () -> RelayChanged;

    "The invites of a circle." Both get "/circles/{c}/invites" invites::list, () -> Items<InviteLine>;
    "Makes an invite; only this answer has its code." Both post "/circles/{c}/invites" invites::make, (body invites::Inviting) -> InviteMade, once;
    "Takes an invite back." Both delete "/circles/{c}/invites/{id}" invites::revoke, (query invites::Revoking) -> InviteLine;
    "Attempts to join." Both get "/joins" joins::list, () -> Items<JoinShown>;
    "Asks to be let in." Both post "/joins" joins::join, (body joins::Joining) -> JoinShown, once;
    "What a code leads to." Both post "/joins/preview" joins::preview, (body joins::Previewing) -> JoinShown, once;
    "One attempt to join." Both get "/joins/{id}" joins::show, (query joins::Waiting) -> JoinShown;
    "Gives an attempt to join up." Both delete "/joins/{id}" joins::forget, () -> JoinShown;
    "Who asks to be let in." Both get "/circles/{c}/waiting" waiting::list, () -> Items<RequestLine>;
    "Lets somebody in." Both post "/circles/{c}/waiting/{who}/admit" waiting::admit, (body waiting::Admitting) -> Answered, once;
    "Does not let somebody in." Both post "/circles/{c}/waiting/{who}/decline" waiting::decline, (body waiting::Declining) -> Answered, once;

    "What was said." Both get "/circles/{c}/messages" messages::read, (query messages::Reading) -> Page;
    "Says something, or up to 64 lines." Both post "/circles/{c}/messages" messages::say, (body messages::Saying) -> messages::SaidOrLines;
    "One message of one's own, with its mark." Both get "/circles/{c}/messages/{id}" messages::show, () -> SaidShown;
    "What was typed and not said." Both get "/circles/{c}/draft" kept::draft, () -> kept::Typed;
    "Keeps what is typed." Both put "/circles/{c}/draft" kept::keep_draft, (body kept::Typed) -> kept::Done;
    "Says that all that is there was read." Both put "/circles/{c}/place" kept::move_place, () -> kept::Done;

    "Who belongs to a circle, and who did." Both get "/circles/{c}/members" circles::members, () -> Items<MemberLine>;
    "One member." Both get "/circles/{c}/members/{who}" governing::member, () -> MemberLine;
    "Gives a role, or takes one back." Both post "/circles/{c}/members/{who}/role" governing::role, (body governing::Role) -> Governed, once;
    "Removes a member." Both post "/circles/{c}/members/{who}/remove" governing::remove, (body governing::Removal) -> Governed, once;
    "Sets aside for a while what a member says." Both post "/circles/{c}/members/{who}/hold" governing::hold, (body governing::Hold) -> Governed, once;
    "Tells six words to compare, and keeps whether they were the same." Both post "/circles/{c}/members/{who}/verify" kept::verify, (body kept::Comparing) -> kept::Compared;
    "Shows nothing more of what a member says; nobody learns of it." Both post "/circles/{c}/members/{who}/block" kept::block, (body kept::Blocking) -> kept::Blocked;
    "The votes of all circles." Both get "/votes" votes::list_all, () -> Items<VoteLine>;
    "The votes of a circle." Both get "/circles/{c}/votes" votes::list, () -> Items<VoteLine>;
    "Asks the circle." Both post "/circles/{c}/votes" votes::make, (body votes::New) -> VoteLine, once;
    "One vote." Both get "/circles/{c}/votes/{id}" votes::show, () -> VoteLine;
    "Casts a ballot, or another one." Both post "/circles/{c}/votes/{id}/cast" votes::cast, (body votes::Ballot) -> VoteLine, once;
    "Says that no host was heard of for long." Both post "/circles/{c}/host-lost" votes::host_lost, (body votes::HostLost) -> Governed, once;
};

/// The table over one home, for its socket.
pub(super) fn table(desk: Arc<Desk>) -> Router {
    let here = |side| matches!(side, Side::Both | Side::Anyone | Side::Socket);
    whole(&desk, here, Router::new()).with_state(desk)
}

/// The table over one home, for its page behind this port.
pub(super) fn page_table(desk: Arc<Desk>, port: u16) -> Router {
    let here = |side| side != Side::Socket;
    let files = Router::new().route("/", get(page::front)).route("/{*path}", get(page::file));
    let gate = Gate { desk: Arc::clone(&desk), port };
    whole(&desk, here, files).layer(from_fn_with_state(gate, guarded)).with_state(desk)
}

/// The rows of one side at their place, what is said where there is nothing, and the limits.
fn whole(
    desk: &Arc<Desk>,
    here: impl Fn(Side) -> bool,
    files: Router<Arc<Desk>>,
) -> Router<Arc<Desk>> {
    let (mut acts, mut rest) = (Router::new(), Router::new());
    for route in ROUTES.iter().filter(|route| here(route.side)) {
        let place = if route.once { &mut acts } else { &mut rest };
        *place = std::mem::take(place).route(route.path, (route.serve)());
    }
    let acts = acts.route_layer(from_fn_with_state(Arc::clone(desk), once::answer_once));
    files
        .nest("/v1", acts.merge(rest))
        .fallback(|| async { Problem::of("no-match").saying("There is nothing at this path.") })
        .method_not_allowed_fallback(|| async {
            Problem::usage("This path takes other methods.")
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(from_fn_with_state(Arc::clone(desk), limits::within_limits))
}
