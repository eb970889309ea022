//! The OpenAPI document (U-106), made from the route table and from the types that it names.
use std::sync::LazyLock;

use axum::Json;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    limits::VERSION,
    problem::Details,
    routes::{Described, ROUTES, Route, Sent, Side},
};

/// An OpenAPI 3.1 document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Document(Map<String, Value>);

/// `GET /v1/openapi.json`
pub(super) async fn show() -> Json<Document> {
    Json(DOCUMENT.clone())
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(document);

fn document() -> Document {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    // What is answered has every field; of what is sent some can be left out.
    let mut answers = settings.clone().for_serialize().into_generator();
    let mut bodies = settings.for_deserialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    let problem = answers.subschema_for::<Details>();
    for route in ROUTES {
        let path = paths.entry(format!("/v1{}", route.path)).or_insert_with(|| json!({}));
        path[route.method] = operation(route, &mut answers, &mut bodies);
    }
    let mut schemas = answers.take_definitions(true);
    for (name, schema) in bodies.take_definitions(true) {
        schemas.entry(name).or_insert(schema);
    }
    let whole = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hearthlight, the local API of one home",
            "version": VERSION,
            "description": "On the home's Unix socket for this user's processes, and on loopback TCP \
                            for the page with its token. Within /v1 there are only additions.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": {
                "description": "What went wrong, and what to do.",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": { "page": { "type": "http", "scheme": "bearer" } },
        },
    });
    match whole {
        Value::Object(whole) => Document(whole),
        _ => unreachable!("an object was made"),
    }
}

fn operation(route: &Route, answers: &mut SchemaGenerator, bodies: &mut SchemaGenerator) -> Value {
    let mut parameters = path_parameters(route.path);
    let mut operation = json!({
        "operationId": name(route),
        "summary": route.says,
        "responses": {
            "200": {
                "description": "Done.",
                "content": { media_type(route): { "schema": (route.answer)(answers) } },
            },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    match route.sent {
        Sent::Nothing => {}
        Sent::Body(body) => {
            operation["requestBody"] =
                json!({ "content": { "application/json": { "schema": body(bodies) } } });
        }
        Sent::Query(query) => parameters.extend(query_parameters(query)),
    }
    if route.method == "post" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "schema": { "type": "string", "minLength": 16, "maxLength": 64 },
        }));
    }
    operation["parameters"] = parameters.into();
    operation["x-side"] = match route.side {
        Side::Both | Side::Anyone => "socket and page",
        Side::Socket => "socket",
        Side::Page | Side::Arriving => "page",
    }
    .into();
    if matches!(route.side, Side::Both | Side::Page) {
        operation["security"] = json!([{}, { "page": [] }]);
    }
    operation
}

fn media_type(route: &Route) -> &'static str {
    if route.path == "/events" { "application/x-ndjson" } else { "application/json" }
}

/// A name for programs: `get_circles_c_members`.
fn name(route: &Route) -> String {
    let plain: String =
        route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words = plain.split('_').filter(|word| !word.is_empty());
    std::iter::once(route.method).chain(words).collect::<Vec<_>>().join("_")
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name| {
        json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" },
        })
    };
    names.map(parameter).collect()
}

/// The fields of a query's type, each a parameter.
fn query_parameters(query: Described) -> Vec<Value> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema: Schema = query(&mut settings.for_deserialize().into_generator());
    let fields = schema.get("properties").and_then(Value::as_object);
    let parameter = |(name, schema): (&String, &Value)| {
        json!({
            "name": name, "in": "query", "schema": schema,
        })
    };
    fields.into_iter().flatten().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// U-106: with `OPENAPI_WRITE=1` it writes the document that is to be committed.
    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let served = serde_json::to_string_pretty(&*DOCUMENT).unwrap() + "\n";
        if std::env::var_os("OPENAPI_WRITE").is_some() {
            fs::write(&place, &served).unwrap();
        }
        let committed = fs::read_to_string(place).unwrap_or_default();
        assert!(committed == served, "OPENAPI_WRITE=1 cargo test -p hearthlight-node openapi");
    }

    #[test]
    fn every_route_is_described_and_every_name_leads_somewhere() {
        let text = serde_json::to_string(&*DOCUMENT).unwrap();
        for route in ROUTES {
            assert!(DOCUMENT.0["paths"][format!("/v1{}", route.path)][route.method].is_object());
            assert!(route.says.ends_with('.'), "{}", route.path);
        }
        for part in text.split("\"$ref\":\"#").skip(1) {
            let target = part.split('"').next().unwrap();
            let whole = Value::Object(DOCUMENT.0.clone());
            assert!(whole.pointer(target).is_some(), "{target}");
        }
    }
}
