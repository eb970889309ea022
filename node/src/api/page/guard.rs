//! Who may ask through the page's door, and what every answer says (U-111 to U-116).
//!
//! A cookie set by one port of 127.0.0.1 reaches every other, and a page rebound by DNS comes with its own
//! Host and without any `Sec-Fetch` header (both measured with Chromium 156). So there are no cookies, the
//! Host is ours, and what lacks those headers is refused.
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::not_let_in;
use crate::api::{desk::Desk, problem::Problem};

/// Marks a request that came through the door.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct OnPage;

/// The door that a request came through, and its home.
#[derive(Clone)]
pub(in crate::api) struct Gate {
    pub(in crate::api) desk: Arc<Desk>,
    pub(in crate::api) port: u16,
}

/// Lets a request in, if it comes from the page itself.
pub(in crate::api) async fn guarded(
    State(Gate { desk, port }): State<Gate>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut response = match stranger(&request, port) {
        // Whoever this is comes from the page's own address, and can be told.
        Some(StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
            let problem = Problem::usage("Only application/json is taken here.");
            problem.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).into_response()
        }
        Some(status) => closed(status),
        None => match admit(&desk, &request) {
            Ok(()) => {
                desk.door.touch();
                request.extensions_mut().insert(OnPage);
                next.run(request).await
            }
            Err(Refused::NoToken { sent }) => {
                desk.sessions.slow_down().await;
                not_let_in(if sent { "This page's time is over." } else { NO_TOKEN })
                    .into_response()
            }
            Err(Refused::Closed) => desk.closed().into_response(),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Why the page itself is not let in.
enum Refused {
    /// It brings no token, or none that is good.
    NoToken { sent: bool },
    /// It may only unlock.
    Closed,
}

/// What is answered, without a word, to who is not this page.
fn stranger(request: &Request, port: u16) -> Option<StatusCode> {
    let headers = request.headers();
    let Some(host) = own_host(headers, request.uri(), port) else {
        return Some(StatusCode::FORBIDDEN);
    };
    if request.method() == Method::OPTIONS {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    let own_origin = |origin: &str| origin == format!("http://{host}");
    let foreign = headers.contains_key(header::ORIGIN)
        && !only(headers, header::ORIGIN.as_str()).is_some_and(own_origin);
    if foreign || !is_from_here(request) {
        return Some(StatusCode::FORBIDDEN);
    }
    let sends = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    if sends && !is_json(headers) {
        return Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    None
}

/// U-111: the one Host, if it is ours and the target is a path.
fn own_host(headers: &HeaderMap, target: &Uri, port: u16) -> Option<String> {
    if target.authority().is_some() || target.scheme().is_some() {
        return None;
    }
    let host = only(headers, header::HOST.as_str())?;
    let names = ["127.0.0.1", "[::1]", "localhost"];
    names.into_iter().map(|name| format!("{name}:{port}")).find(|own| own == host)
}

/// U-112: a request of the page itself, or a person who goes to one of the two documents.
fn is_from_here(request: &Request) -> bool {
    let said = |name| only(request.headers(), name);
    match said("sec-fetch-site") {
        Some("same-origin") => true,
        Some("none") => {
            request.method() == Method::GET
                && matches!(request.uri().path(), "/" | "/away")
                && said("sec-fetch-mode") == Some("navigate")
                && said("sec-fetch-dest") == Some("document")
        }
        _ => false,
    }
}

/// U-113
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = only(headers, header::CONTENT_TYPE.as_str());
    media_type.is_some_and(|text| {
        text.split(';')
            .next()
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("application/json"))
    })
}

/// A header that is there exactly once, as text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

/// U-114, U-115: all of the API but what anybody here may see asks for a token, and a locked home for
/// more than that.
fn admit(desk: &Desk, request: &Request) -> Result<(), Refused> {
    let path = request.uri().path();
    let Some(path) = path.strip_prefix("/v1/") else {
        return Ok(());
    };
    let bare = match *request.method() {
        Method::GET => path == "help" || path.starts_with("strings/"),
        Method::POST => path == "session",
        _ => false,
    };
    if bare {
        return Ok(());
    }
    let token = only(request.headers(), header::AUTHORIZATION.as_str());
    let token = token.and_then(|text| text.strip_prefix("Bearer "));
    if !token.is_some_and(|token| desk.sessions.knows(token)) {
        return Err(Refused::NoToken { sent: token.is_some() });
    }
    let opens = matches!(
        (request.method().as_str(), path),
        ("GET", "status") | ("POST", "unlock") | ("DELETE", "session")
    );
    let sets_up = path == "setup" && !desk.home.is_set_up();
    if !opens && !sets_up && desk.is_closed_to_pages() {
        return Err(Refused::Closed);
    }
    Ok(())
}

fn closed(status: StatusCode) -> Response {
    (status, [(header::CONNECTION, "close")], Body::empty()).into_response()
}

const NO_TOKEN: &str = "This page was not opened by a link of Hearthlight.";
/// U-116
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src \
         'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), browsing-topics=(), \
         camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), fullscreen=(), \
         gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), interest-cohort=(), \
         keyboard-map=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), otp-credentials=(), \
         payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), \
         serial=(), storage-access=(), usb=(), window-management=(), \
         xr-spatial-tracking=()",
    ),
    ("cache-control", "no-store"),
    ("x-frame-options", "DENY"),
];
