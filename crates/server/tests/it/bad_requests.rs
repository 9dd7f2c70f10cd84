//! Generated bad requests: whatever is asked, the region answers with a refusal in IBM's shape or
//! does all of it. It never answers 500, and a refusal changes nothing.
//!
//! Bodies are what the OpenAPI document allows with a thing changed, picked by seed; `ECTYPE_SEEDS`
//! says how many in all (`./check deep` asks for many), `ECTYPE_SEED` where they begin. A failure
//! names the seed of its run.

use axum::http::Method;
use base::SeededEntropy;
use serde_json::Value;
use wire::schema::{Shapes, mutate, sample, shapes};

use crate::{
    region::{QUERY, Seen},
    world::{Operation, World, operations},
};

/// Bad bodies of each operation in an ordinary run.
const BODIES: usize = 8;
/// Bodies of an operation for each seed asked for: thousands in a deep run.
const SEEDS_PER_BODY: usize = 8;
/// Refusals between two looks at what there is.
const LOOK_EVERY: usize = 8;

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Whatever is picked, it is picked by the seed.
struct Picks {
    entropy: SeededEntropy,
    seed: u64,
}

impl Picks {
    fn new() -> Self {
        let seed = environment("ECTYPE_SEED").unwrap_or(1);
        Self { entropy: SeededEntropy::new(seed), seed }
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.entropy.next_u64() % bound.max(1) as u64).unwrap()
    }

    fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

impl World {
    /// All that a refusal could have changed.
    async fn look(&self) -> Vec<String> {
        let (vpc, subnet, group) =
            (&self.ids["vpcs"], &self.ids["subnets"], &self.ids["security_groups"]);
        let acl = &self.ids["network_acls"];
        let mut seen = Vec::new();
        for path in [
            "images?limit=100",
            "volumes?limit=100",
            "instances?limit=100",
            "instance/templates?limit=100",
            "keys?limit=100",
            "vpcs?limit=100",
            "subnets?limit=100",
            "security_groups?limit=100",
            "network_acls?limit=100",
            "floating_ips?limit=100",
            "public_gateways?limit=100",
            &format!("vpcs/{vpc}/address_prefixes"),
            &format!("vpcs/{vpc}/routing_tables"),
            &format!("subnets/{subnet}/reserved_ips?limit=100"),
            &format!("security_groups/{group}/rules"),
            &format!("network_acls/{acl}/rules"),
        ] {
            seen.push(self.client.get(path).await.text);
        }
        for path in ["/v2/resource_groups", "/v3/tags", "/v3/tags?tag_type=access"] {
            seen.push(self.client.fetch(path).await.text);
        }
        seen
    }

    /// Takes away what a request made that turned out to be good.
    async fn clear(&self, operation: &Operation, path: &str, seen: &Seen) {
        self.region.settle().await;
        let made = seen.body["id"].as_str().filter(|_| seen.status == 201);
        if let Some(made) = made.filter(|_| operation.method == Method::POST) {
            self.send(&Method::DELETE, &format!("{path}/{made}"), QUERY, Vec::new()).await;
            self.region.settle().await;
        }
    }
}

/// Fails when an answer is none that a bad request may have.
fn judge(seen: &Seen, about: &str) {
    assert!(seen.status < 500 || seen.status == 501, "{about}: {seen:?}");
    if seen.status >= 400 {
        assert!(!seen.body.is_null(), "{about}: a refusal without JSON: {seen:?}");
    }
}

/// Bytes that are no JSON, or none that any operation takes.
fn broken(body: &[u8], picks: &Picks) -> Vec<u8> {
    let text = String::from_utf8_lossy(body).into_owned();
    match picks.below(12) {
        0 => body[..picks.below(body.len())].to_vec(),
        1 => [body, b",".as_slice()].concat(),
        2 => [b"\xef\xbb\xbf".as_slice(), body].concat(),
        3 => text.replacen('"', "'", 1).into_bytes(),
        4 => [b"[".as_slice(), body, b"]".as_slice()].concat(),
        5 => b"null".to_vec(),
        6 => format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        7 => format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)).into_bytes(),
        8 => text.replacen(':', ":NaN,\"x\":", 1).into_bytes(),
        9 => [b"\xff\xfe".as_slice(), body].concat(),
        10 => text.replacen(':', ":1e999,\"x\":", 1).into_bytes(),
        _ => {
            let mut bytes = body.to_vec();
            let at = picks.below(bytes.len());
            bytes[at] ^= 1 << picks.below(8);
            bytes
        }
    }
}

/// A bad body: what is changed, and the bytes.
fn bad_body(shapes: &Shapes, schema: &Value, good: &Value, picks: &Picks) -> (String, Vec<u8>) {
    let change = |body: &Value| mutate::one_mutant(shapes, schema, body, |n| picks.below(n));
    let mutant = change(good).unwrap();
    let bytes = mutant.body.to_string().into_bytes();
    if picks.below(6) == 0 {
        return ("broken JSON".to_owned(), broken(&bytes, picks));
    }
    // Now and then a second change, of what is still in the shape of the document.
    if let Some(second) = (picks.below(4) == 0).then(|| change(&mutant.body)).flatten() {
        let what = format!("{}, {}", mutant.what, second.what);
        return (what, second.body.to_string().into_bytes());
    }
    (mutant.what, bytes)
}

/// Bodies of every operation, with a thing or two changed.
#[tokio::test]
async fn a_bad_body_is_refused_and_changes_nothing() {
    let (shapes, picks, world) = (shapes(), Picks::new(), World::new().await);
    let count = environment("ECTYPE_SEEDS").map_or(0, |n| usize::try_from(n).unwrap());
    let count = BODIES.max(count / SEEDS_PER_BODY);
    for operation in operations() {
        let Some(schema) = &operation.body else { continue };
        let samples = sample::all(&shapes, schema);
        let query = if operation.path.starts_with("/v1/") { QUERY } else { "" };
        let path = world.path(&operation.path, None);
        let mut before = world.look().await;
        let mut since = Vec::new();
        for turn in 0..count {
            let good = world.grounded("", picks.one(&samples).clone());
            let (what, bytes) = bad_body(&shapes, schema, &good, &picks);
            let about = format!("seed {}, {} number {turn}: {what}", picks.seed, operation.name);
            let seen = world.send(&operation.method, &path, query, bytes).await;
            judge(&seen, &about);
            let good = seen.status < 400;
            if !good {
                since.push(about);
            }
            if good || since.len() == LOOK_EVERY || turn + 1 == count {
                if good {
                    world.clear(&operation, &path, &seen).await;
                }
                let now = world.look().await;
                if !good {
                    assert_eq!(before, now, "one of these refusals changed something: {since:#?}");
                }
                before = now;
                since.clear();
            }
        }
    }
}

const HOSTILE: [&str; 16] = [
    "",
    "%20",
    "0",
    "-1",
    "1.5",
    "99999999999999999999",
    "null",
    "not:null",
    "true",
    "a%00b",
    "%F0%9F%92%A5",
    "%ff",
    "%",
    "..%2F..%2Fetc",
    "'%20OR%201=1--",
    "%E2%80%AE,%2C,,",
];

/// Every parameter of every query, and every id of a path, with values that nobody expects.
#[tokio::test]
async fn a_bad_parameter_or_path_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let before = world.look().await;
    let long = "a".repeat(600);
    for operation in operations() {
        let vpc = operation.path.starts_with("/v1/");
        for bad in HOSTILE.iter().copied().chain([long.as_str()]) {
            let about = format!("{} with {bad:?}", operation.name);
            if operation.path.contains('{') && !bad.is_empty() {
                let path = world.path(&operation.path, Some(bad));
                let query = if vpc { QUERY } else { "" };
                let seen = world.send(&operation.method, &path, query, b"{}".to_vec()).await;
                if operation.method == Method::HEAD {
                    // Its answers have no body, whatever they say.
                    assert!(seen.status < 500 || seen.status == 501, "{about}: {seen:?}");
                    continue;
                }
                judge(&seen, &about);
            }
            // What a good path would really change is not asked with a good path.
            if operation.method != Method::GET {
                continue;
            }
            let path = world.path(&operation.path, None);
            for parameter in operation.parameters.iter().map(String::as_str).chain(["x"]) {
                let mut query = format!("{parameter}={bad}");
                if vpc && !["version", "generation"].contains(&parameter) {
                    query = format!("{QUERY}&{query}");
                }
                let seen = world.send(&Method::GET, &path, &query, Vec::new()).await;
                judge(&seen, &format!("{about} as {parameter}"));
            }
        }
    }
    assert_eq!(before, world.look().await);
}
