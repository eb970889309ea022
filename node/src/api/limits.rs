//! Limits of U-107, and the version that every answer carries (U-106).
use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{desk::Desk, page::OnPage, problem::Problem};

/// Takes a request in, if it keeps within the limits.
pub(super) async fn within_limits(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let on_page = request.extensions().get::<OnPage>().is_some();
    if is_person(request.method(), request.uri().path(), request.headers(), on_page) {
        desk.attention.touch();
    }
    let mut response = match take_in(&desk, request).await {
        Ok((request, _room)) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    response.headers_mut().insert("hearthlight-version", HeaderValue::from_static(VERSION));
    response
}

/// U-182: a verb was typed by a person. A page asks by itself too, but acts and types only for one; the
/// terminal chat says which of its requests nobody asked for.
fn is_person(method: &Method, path: &str, headers: &HeaderMap, on_page: bool) -> bool {
    match on_page {
        false => path != "/v1/status" && !headers.contains_key(UNASKED),
        true => method != Method::GET && !path.ends_with("/place"),
    }
}

async fn take_in(
    desk: &Desk,
    request: Request,
) -> Result<(Request, tokio::sync::OwnedSemaphorePermit), Problem> {
    let room = desk.request_room()?;
    if header_bytes(request.headers()) + request.uri().to_string().len() > MAX_HEADER {
        return Err(Problem::of("too-large")
            .saying("The header of the request is too long.")
            .with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    let (parts, body) = request.into_parts();
    // The whole body first, so that a slow sender holds nothing but this request's room.
    let body = tokio::time::timeout(READ_TIME, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| Problem::of("timed-out").saying("The request did not come in time."))?
        .map_err(|_| Problem::of("too-large").saying("The body of the request is too long."))?;
    Ok((Request::from_parts(parts, Body::from(body)), room))
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + LINE_EXTRA).sum()
}

/// This program's version.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A header of what a program asks for by itself, after an event: nobody need be there (U-182).
const UNASKED: &str = "hearthlight-unasked";
/// Bytes of a body (U-107).
pub(super) const MAX_BODY: usize = 64 * 1024;
/// Bytes of path and header (U-107).
const MAX_HEADER: usize = 8 * 1024;
/// Colon, space and line end of a header line.
const LINE_EXTRA: usize = 4;
/// How long a request may take to come in (U-107).
const READ_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    /// U-182
    #[test]
    fn what_a_program_asks_by_itself_is_no_sign_of_a_person() {
        let by_itself = HeaderMap::from_iter([(
            HeaderName::from_static(UNASKED),
            HeaderValue::from_static("1"),
        )]);
        let (get, put, bare) = (Method::GET, Method::PUT, HeaderMap::new());
        assert!(is_person(&get, "/v1/circles", &bare, false), "a verb");
        assert!(!is_person(&get, "/v1/status", &bare, false));
        assert!(!is_person(&get, "/v1/circles", &by_itself, false), "the terminal chat");
        assert!(!is_person(&get, "/v1/circles", &bare, true), "a page");
        assert!(is_person(&put, "/v1/circles/41/draft", &bare, true));
        assert!(!is_person(&put, "/v1/circles/41/place", &bare, true));
    }
}
