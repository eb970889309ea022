//! What a request says: path, query and body, read so that a mistake is a problem of U-105.
use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{limits::MAX_BODY, problem::Problem};

/// The named parts of the path, decoded.
pub(super) struct Named<T>(pub(super) T);

/// What stands after `?`.
pub(super) struct Asked<T>(pub(super) T);

/// The JSON of the body; none is as good as `{}`.
pub(super) struct Sent<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(Problem::usage("The path cannot be read.").into_response()),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(_) => Err(Problem::usage("The query does not fit this request.").into_response()),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let Ok(bytes) = to_bytes(request.into_body(), MAX_BODY).await else {
            return Err(Problem::of("too-large").into_response());
        };
        read(&bytes).map(Self).map_err(IntoResponse::into_response)
    }
}

fn read<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // What serde says would repeat what was sent, so only the place is told (U-105).
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::usage(format!(
            "The JSON does not fit this request (line {line}, column {column})."
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Text {
        #[serde(default)]
        text: String,
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(read::<Text>(&Bytes::new()).unwrap().text, "");
        assert_eq!(
            read::<Text>(&Bytes::from_static(b"{\"text\":\"x\",\"v\":1}")).unwrap().text,
            "x"
        );
    }

    /// U-105
    #[test]
    fn a_mistake_in_the_body_is_told_without_the_body() {
        let error = read::<Text>(&Bytes::from_static(b"{\"text\": [\"my secret\"]}")).unwrap_err();
        assert_eq!(error.word(), "usage");
        assert!(!format!("{error:?}").contains("secret"));
    }
}
