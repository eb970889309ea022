//! The route table: everything that the API answers, whatever it is served on.
use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};

use super::{
    circles, desk::Desk, doctor, events, governing, invites, joins, limits, messages, once,
    problem::Problem, running, votes, waiting,
};

/// The table over one home.
pub(super) fn table(desk: Arc<Desk>) -> Router {
    // A repeat of these is no second act (U-104). What is said is known again by the machine, and
    // locking and ending can be repeated as they are.
    let acts = Router::new()
        .route("/circles", get(circles::list).post(circles::found))
        .route("/circles/{c}", get(circles::show).patch(circles::set).delete(governing::leave))
        .route("/circles/{c}/refresh", post(governing::refresh))
        .route("/circles/{c}/wipe", post(circles::wipe))
        .route("/circles/{c}/relays", get(circles::relays).post(circles::add_relay))
        .route("/circles/{c}/relays/{key}", delete(circles::remove_relay))
        .route("/circles/{c}/invites", get(invites::list).post(invites::make))
        .route("/circles/{c}/invites/{id}", delete(invites::revoke))
        .route("/circles/{c}/waiting", get(waiting::list))
        .route("/circles/{c}/waiting/{who}/admit", post(waiting::admit))
        .route("/circles/{c}/waiting/{who}/decline", post(waiting::decline))
        .route("/circles/{c}/members", get(circles::members))
        .route("/circles/{c}/members/{who}", get(governing::member))
        .route("/circles/{c}/members/{who}/role", post(governing::role))
        .route("/circles/{c}/members/{who}/remove", post(governing::remove))
        .route("/circles/{c}/members/{who}/hold", post(governing::hold))
        .route("/circles/{c}/votes", get(votes::list).post(votes::make))
        .route("/circles/{c}/votes/{id}", get(votes::show))
        .route("/circles/{c}/votes/{id}/cast", post(votes::cast))
        .route("/circles/{c}/host-lost", post(votes::host_lost))
        .route("/joins", get(joins::list).post(joins::join))
        .route("/joins/preview", post(joins::preview))
        .route("/joins/{id}", get(joins::show))
        .route_layer(from_fn_with_state(Arc::clone(&desk), once::answer_once));
    let table = acts
        .route("/circles/{c}/messages", get(messages::read).post(messages::say))
        .route("/circles/{c}/messages/{id}", get(messages::show))
        .route("/events", get(events::follow))
        .route("/status", get(running::status))
        .route("/doctor", get(doctor::look))
        .route("/problems/{kind}", get(running::explain))
        .route("/lock", post(running::lock))
        .route("/unlock", post(running::unlock))
        .route("/stop", post(running::stop))
        .route("/wipe", post(running::wipe));
    Router::new()
        .nest("/v1", table)
        .fallback(|| async { Problem::of("no-match").saying("There is nothing at this path.") })
        .method_not_allowed_fallback(|| async {
            Problem::usage("This path takes other methods.")
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(from_fn_with_state(Arc::clone(&desk), limits::within_limits))
        .with_state(desk)
}
