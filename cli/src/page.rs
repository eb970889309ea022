//! What the page in the browser consists of: the files of `cli/page`, embedded, and the texts that the
//! node hands to it.

use crate::{
    node::api::{File, Site},
    prompt, strings,
    verbs::help_now,
};

/// The page.
pub(crate) static SITE: Site = Site {
    files: FILES,
    strings: |tag| Some(strings::page_strings(tag)),
    help: help_now::as_json,
    passphrase: || prompt::made_passphrase().ok(),
};

macro_rules! files {
    ($($path:literal $file:literal $media_type:ident,)*) => {
        &[$(File {
            path: $path,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../page/", $file)),
        },)*]
    };
}

const FILES: &[File] = files! {
    "/api.js" "api.js" SCRIPT,
    "/away" "away.html" HTML,
    "/begin.js" "begin.js" SCRIPT,
    "/door.js" "door.js" SCRIPT,
    "/icon.svg" "icon.svg" SVG,
    "/" "index.html" HTML,
    "/parts.js" "parts.js" SCRIPT,
    "/people.js" "people.js" SCRIPT,
    "/safety.js" "safety.js" SCRIPT,
    "/settings.js" "settings.js" SCRIPT,
    "/shell.js" "shell.js" SCRIPT,
    "/style.css" "style.css" CSS,
    "/talk.js" "talk.js" SCRIPT,
    "/text.js" "text.js" SCRIPT,
    "/votes.js" "votes.js" SCRIPT,
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
