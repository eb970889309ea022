//! The local API as a program meets it: every route, every answer against the OpenAPI document (U-106), and
//! what a person keeps for themselves (U-52, U-53, U-101).

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use harness::process::{Home, text, texts_of};
use serde_json::{Value, json};

use crate::{CIRCLE, Circle};

/// One home's API, and which of its routes answered as the document says.
struct Api {
    socket: PathBuf,
    document: Value,
    met: BTreeSet<(String, String)>,
}

impl Api {
    fn of(home: &Home) -> Self {
        let addr = fs::read_to_string(home.dir.join("node.addr")).expect("a node runs");
        let mut api =
            Self { socket: addr.trim().into(), document: Value::Null, met: BTreeSet::new() };
        api.document = api.send("GET", "/v1/openapi.json", None).1;
        api
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut stream = UnixStream::connect(&self.socket).expect("the node listens");
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("the node reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the node answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("an answer has a status"), serde_json::from_str(body).expect("JSON"))
    }

    /// Asks, and looks whether the answer is what the document says of `route`.
    fn ask(&mut self, method: &str, route: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, body.as_ref());
        assert_eq!(status, 200, "{method} {path}: {answer}");
        self.fits(method, route, "200", &answer);
        self.met.insert((method.to_lowercase(), route.to_owned()));
        answer
    }

    fn refused(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String) {
        let (status, answer) = self.send(method, path, body.as_ref());
        let problem = "/components/responses/Problem/content/application~1problem+json/schema";
        self.fits_schema(problem, &answer);
        assert_eq!(answer["status"], status, "{answer}");
        (status, text(&answer["kind"]))
    }

    fn fits(&self, method: &str, route: &str, status: &str, answer: &Value) {
        let place = format!(
            "/paths/{}/{}/responses/{status}/content/application~1json/schema",
            route.replace('/', "~1"),
            method.to_lowercase()
        );
        self.fits_schema(&place, answer);
    }

    fn fits_schema(&self, place: &str, answer: &Value) {
        let schema = self.document.pointer(place).unwrap_or_else(|| panic!("no {place}"));
        // The whole document stands beside it, so that every name leads somewhere.
        let schema = json!({"allOf": [schema], "components": self.document["components"]});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let wrong: Vec<String> =
            validator.iter_errors(answer).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{place}: {wrong:?}\n{answer}");
    }
}

/// U-101, U-106
#[test]
fn every_route_answers_as_the_document_says() {
    let (mut circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let mut api = Api::of(&anna);
    let get = |api: &mut Api, route: &str, path: &str| api.ask("GET", route, path, None);
    let done =
        |api: &mut Api, route: &str, path: &str, body| api.ask("POST", route, path, Some(body));
    for route in ["/v1/status", "/v1/setup", "/v1/config", "/v1/joins", "/v1/circles"] {
        get(&mut api, route, route);
    }
    get(&mut api, "/v1/doctor", "/v1/doctor?offline=true");
    get(&mut api, "/v1/openapi.json", "/v1/openapi.json");
    get(&mut api, "/v1/problems/{kind}", "/v1/problems/quota");
    get(&mut api, "/v1/strings/{lang}", "/v1/strings/es");
    get(&mut api, "/v1/help", "/v1/help?country=us");
    let set = api.ask("PATCH", "/v1/config", "/v1/config", Some(json!({"lock.after": "1h"})));
    assert_eq!(set["lock.after"], "1h");
    done(&mut api, "/v1/page-keys", "/v1/page-keys", json!({}));

    let id = text(&get(&mut api, "/v1/circles", "/v1/circles")["items"][0]["id"]);
    let at = format!("/v1/circles/{id}");
    get(&mut api, "/v1/circles/{c}", &at);
    api.ask("PATCH", "/v1/circles/{c}", &at, Some(json!({"label": CIRCLE})));
    let relays = get(&mut api, "/v1/circles/{c}/relays", &format!("{at}/relays"));
    let hope = text(&relays["items"][0]["key"]);
    let maple = circle.stage.relay("Maple");
    let address = json!({"address": maple.address, "timeout_ms": 0});
    let added = done(&mut api, "/v1/circles/{c}/relays", &format!("{at}/relays"), address);
    assert_ne!(text(&added["key"]), hope);
    let path = format!("{at}/relays/{}", text(&added["key"]));
    api.ask("DELETE", "/v1/circles/{c}/relays/{key}", &path, None);

    let said = json!({"text": "made it to day four", "wants": "experience"});
    let said = done(&mut api, "/v1/circles/{c}/messages", &format!("{at}/messages"), said);
    let lines = json!({"lines": [{"line": 1, "key": "a key of one line", "text": "one"}]});
    done(&mut api, "/v1/circles/{c}/messages", &format!("{at}/messages"), lines);
    get(&mut api, "/v1/circles/{c}/messages", &format!("{at}/messages?limit=10"));
    get(&mut api, "/v1/circles/{c}/messages", &format!("{at}/messages?all=true"));
    for limit in ["0", "501"] {
        let path = format!("{at}/messages?limit={limit}");
        assert_eq!(api.refused("GET", &path, None), (400, "usage".to_owned()), "{limit}");
    }
    let path = format!("{at}/messages/{}", text(&said["id"]));
    get(&mut api, "/v1/circles/{c}/messages/{id}", &path);
    let draft = json!({"text": "not yet", "reply_to": said["id"], "wants": "listen"});
    api.ask("PUT", "/v1/circles/{c}/draft", &format!("{at}/draft"), Some(draft));
    let kept = get(&mut api, "/v1/circles/{c}/draft", &format!("{at}/draft"));
    assert_eq!((&kept["text"], &kept["wants"]), (&json!("not yet"), &json!("listen")));
    api.ask("PUT", "/v1/circles/{c}/place", &format!("{at}/place"), Some(json!({})));

    get(&mut api, "/v1/circles/{c}/members", &format!("{at}/members"));
    get(&mut api, "/v1/circles/{c}/members/{who}", &format!("{at}/members/Ben"));
    for (verb, body) in [
        ("verify", json!({"same": true})),
        ("block", json!({})),
        ("block", json!({"undo": true})),
        ("role", json!({"role": "steward", "grant": true})),
        ("hold", json!({"for_s": 3_600})),
        ("hold", json!({"for_s": 0})),
    ] {
        let route = format!("/v1/circles/{{c}}/members/{{who}}/{verb}");
        done(&mut api, &route, &format!("{at}/members/Ben/{verb}"), body);
    }
    let vote = json!({"text": "Tea or coffee", "closes_s": 3_600});
    let vote = done(&mut api, "/v1/circles/{c}/votes", &format!("{at}/votes"), vote);
    let path = format!("{at}/votes/{}", text(&vote["id"]));
    done(
        &mut api,
        "/v1/circles/{c}/votes/{id}/cast",
        &format!("{path}/cast"),
        json!({"choice": "yes"}),
    );
    get(&mut api, "/v1/circles/{c}/votes/{id}", &path);
    get(&mut api, "/v1/circles/{c}/votes", &format!("{at}/votes"));
    get(&mut api, "/v1/votes", "/v1/votes");
    done(&mut api, "/v1/circles/{c}/refresh", &format!("{at}/refresh"), json!({}));

    let invite = json!({"uses": 2});
    let invite = done(&mut api, "/v1/circles/{c}/invites", &format!("{at}/invites"), invite);
    get(&mut api, "/v1/circles/{c}/invites", &format!("{at}/invites"));
    let (dana, wren) = (circle.stage.person("Dana"), circle.stage.person("Wren"));
    let _nodes = [dana.start(), wren.start()];
    let mut theirs = Api::of(&dana);
    let code = json!({"code": invite["code"], "name": "Dana"});
    done(&mut theirs, "/v1/joins/preview", "/v1/joins/preview", code.clone());
    let asked = done(&mut theirs, "/v1/joins", "/v1/joins", code);
    let path = format!("/v1/joins/{}", text(&asked["id"]));
    get(&mut theirs, "/v1/joins/{id}", &path);
    wren.ok(["join", text(&invite["code"]).as_str(), "--name", "Wren"]);
    let waiting = get(&mut api, "/v1/circles/{c}/waiting", &format!("{at}/waiting"));
    assert_eq!(waiting["items"].as_array().map(Vec::len), Some(2), "{waiting}");
    for (who, verb) in [("Dana", "admit"), ("Wren", "decline")] {
        let route = format!("/v1/circles/{{c}}/waiting/{{who}}/{verb}");
        done(&mut api, &route, &format!("{at}/waiting/{who}/{verb}"), json!({}));
    }
    // An attempt of somebody who never gets an answer is given up.
    let late =
        api.ask("POST", "/v1/circles/{c}/invites", &format!("{at}/invites"), Some(json!({})));
    let again = json!({"code": late["code"], "name": "Wren the second"});
    let mut hers = Api::of(&wren);
    let asked = done(&mut hers, "/v1/joins", "/v1/joins", again);
    hers.ask("DELETE", "/v1/joins/{id}", &format!("/v1/joins/{}", text(&asked["id"])), None);
    let path = format!("{at}/invites/{}", text(&late["id"]));
    api.ask("DELETE", "/v1/circles/{c}/invites/{id}", &path, None);

    let path = format!("{at}/members/Chris/remove");
    done(&mut api, "/v1/circles/{c}/members/{who}/remove", &path, json!({"reason": "agreed"}));
    let mut bens = Api::of(&ben);
    bens.ask("DELETE", "/v1/circles/{c}", &at, None);
    done(&mut bens, "/v1/circles/{c}/wipe", &format!("{at}/wipe"), json!({}));

    for (method, path, body, kind) in [
        ("GET", "/v1/circles/~nowhere", None, (404, "no-match")),
        (
            "POST",
            "/v1/joins",
            Some(json!({"code": "HL1 0004", "name": "x"})),
            (422, "invite-damaged"),
        ),
        ("POST", "/v1/setup", Some(json!({"name": "Anna"})), (403, "already-set-up")),
        ("PATCH", "/v1/config", Some(json!({"colour": "red"})), (400, "usage")),
        ("POST", "/v1/circles/~Test/host-lost", Some(json!({})), (403, "not-allowed")),
    ] {
        let path = path.replace("~Test", &id);
        let (status, word) = api.refused(method, &path, body);
        assert_eq!((status, word.as_str()), kind, "{method} {path}");
    }

    done(&mut api, "/v1/circles", "/v1/circles", json!({"name": "Another", "relays": []}));
    let locked = done(&mut api, "/v1/lock", "/v1/lock", json!({}));
    assert_eq!(locked["state"], "locked");
    done(&mut api, "/v1/unlock", "/v1/unlock", json!({}));
    done(&mut hers, "/v1/wipe", "/v1/wipe", json!({}));
    let mut chriss = Api::of(&chris);
    done(&mut chriss, "/v1/stop", "/v1/stop", json!({}));
    circle.stop_relay();

    let met: BTreeSet<_> =
        [api, theirs, hers, bens, chriss].iter().flat_map(|api| api.met.clone()).collect();
    let document = Api::of(&anna).document;
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            // The page's own, and a stream, are met in the browser; a home is made once, and no circle
            // has lost its hosts here.
            let elsewhere = operation["x-side"] == "page"
                || path == "/v1/events"
                || method == "post" && (path == "/v1/setup" || path.ends_with("/host-lost"));
            let here = met.contains(&(method.clone(), path.clone()));
            assert!(here || elsewhere, "{method} {path} was not met");
        }
    }
}

/// U-52
#[test]
fn two_who_verify_each_other_see_the_same_six_words() {
    let (_circle, [anna, ben, chris]) = Circle::of(["Anna", "Ben", "Chris"]);
    let words =
        |home: &Home, who: &str| home.ok(["member", "verify", CIRCLE, who])["words"].clone();
    let of_ben = words(&anna, "Ben");
    assert_eq!(of_ben.as_array().map(Vec::len), Some(6));
    assert_eq!(words(&ben, "Anna"), of_ben);
    assert_ne!(words(&anna, "Chris"), of_ben);
    assert_eq!(words(&chris, "Anna"), words(&anna, "Chris"));
    let heard = texts_of_words(&of_ben);
    let same = anna.ok(["member", "verify", CIRCLE, "Ben", "--words", &heard.to_uppercase()]);
    assert_eq!(same["verified"], true);
    let other = texts_of_words(&words(&anna, "Chris"));
    let differs =
        anna.ok(["member", "verify", CIRCLE, "Chris", "--words", &other.replacen(' ', " a ", 1)]);
    assert_eq!(differs["verified"], false);
    let verified = |home: &Home| -> Vec<String> {
        let members = home.lines(["members", CIRCLE]);
        members.iter().filter(|m| m["verified"] == true).map(|m| text(&m["name"])).collect()
    };
    assert_eq!(verified(&anna), ["Ben"]);
    assert!(verified(&ben).is_empty(), "it is only hers");
    assert_eq!(anna.refused(["member", "verify", CIRCLE, "me"]), (2, "usage".to_owned()));
}

fn texts_of_words(words: &Value) -> String {
    words.as_array().expect("words").iter().map(text).collect::<Vec<_>>().join(" ")
}

/// U-53
#[test]
fn who_is_blocked_is_not_read_and_never_learns_of_it() {
    let (mut circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    assert_eq!(anna.ok(["block", CIRCLE, "Ben"])["blocked"], true);
    let heard = ben.say(CIRCLE, "meanwhile", &["--wait", "received"]);
    assert_eq!(heard["received_by"], 1, "he sees no difference");
    assert!(anna.texts(CIRCLE).is_empty());
    assert_eq!(anna.ok(["circle", "show", CIRCLE])["unread"], 0);
    assert_eq!(anna.lines(["block", "list"])[0]["name"], "Ben");
    circle.kill(&anna);
    circle.start(&anna);
    assert!(anna.texts(CIRCLE).is_empty(), "also after a restart");
    assert_eq!(anna.ok(["block", CIRCLE, "Ben", "--undo"])["blocked"], false);
    let read = anna.lines(["read", CIRCLE, "--limit", "0"]);
    assert_eq!(texts_of(&read), ["meanwhile"]);
}

/// P2, U-103
#[test]
fn what_one_says_is_told_as_waiting_until_a_relay_has_it() {
    let (mut circle, [anna, _ben]) = Circle::of(["Anna", "Ben"]);
    circle.stop_relay();
    let mut follower = anna.follow(CIRCLE);
    anna.say(CIRCLE, "good evening", &["--timeout", "0"]);
    let line = follower.until(|line| line["text"] == "good evening");
    assert_eq!(line["mark"], "waiting", "{line}");
}

/// U-183: after a lock the process holds no word of what was said.
#[test]
fn a_locked_node_holds_no_word_in_its_memory() {
    let (circle, [anna, ben]) = Circle::of(["Anna", "Ben"]);
    let word = "marigold-and-a-lighthouse";
    ben.say(CIRCLE, word, &["--wait", "received"]);
    anna.say(CIRCLE, &format!("{word}, too"), &["--wait", "relayed"]);
    assert_eq!(anna.texts(CIRCLE).len(), 2);
    // What was said is wiped as soon as it was shown; what is typed is held until it is said.
    let draft = Some(json!({"text": format!("{word}, not yet")}));
    let mut api = Api::of(&anna);
    let id = text(&anna.ok(["circle", "show", CIRCLE])["id"]);
    let path = format!("/v1/circles/{id}/draft");
    api.ask("PUT", "/v1/circles/{c}/draft", &path, draft);
    let node = circle.nodes[circle.place(&anna)].as_ref().expect("it runs").id();
    assert!(memory_holds(node, word), "an open node has it somewhere");
    assert_eq!(anna.ok(["lock"])["state"], "locked");
    assert!(!memory_holds(node, word));
}

/// Whether the memory of a process that this one started holds a word.
fn memory_holds(process: u32, word: &str) -> bool {
    use std::os::unix::fs::FileExt;
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("its maps");
    let memory = fs::File::open(format!("/proc/{process}/mem")).expect("its memory");
    maps.lines().any(|line| {
        let mut fields = line.split(' ');
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { return false };
        let Some((from, to)) = range.split_once('-') else { return false };
        let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16))
        else {
            return false;
        };
        if !rights.starts_with("rw") {
            return false;
        }
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        // Some of what is mapped cannot be read, such as guard pages.
        memory.read_exact_at(&mut bytes, from).is_ok()
            && harness::process::holds(&bytes, word.as_bytes())
    })
}
