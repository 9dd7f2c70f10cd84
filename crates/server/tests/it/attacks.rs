//! Attacks: the owner of another account, and a service ID that has no policy, ask for every
//! operation of the table with ids that are there and not theirs. They see nothing, change nothing,
//! and cannot tell what is there from what is not.

use std::{collections::BTreeSet, fmt::Write as _};

use axum::{
    body::Body,
    http::{Method, Request},
};
use ectype_server::{ACTIONS, actions_of};
use serde_json::{Value, json};
use wire::schema::{sample, shapes};

use crate::{
    region::{Client, QUERY, Seen, id},
    world::{Operation, World, operations},
};

/// What the victim's things are called; no answer to anybody else has it.
const NAME: &str = "victim";
const CRN_OF_A_ROLE: &str = "crn:v1:bluemix:public:iam::::role:Editor";

/// Bodies of each operation in an ordinary run.
const BODIES: usize = 3;

/// Reads that have nothing to say here, and what they answer instead.
const NOT_THERE: [(&str, u16); 2] =
    [("get_api_keys_details", 400), ("ectype_image_isolation", 404)];

/// Things that belong to the region, and so to nobody.
const OPEN: [&str; 7] = [
    "regions",
    "regions/zones",
    "volume/profiles",
    "instance/profiles",
    "operating_systems",
    "quota_definitions",
    "tags",
];

async fn ask(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    client.send(Request::builder().method(method).uri(path).body(body).unwrap()).await.ok()
}

/// The victim: an account with something of each kind.
struct Victim {
    world: World,
    /// The instance with network attachments.
    attached: String,
    account: String,
    /// The text of an API key of its owner's.
    key: String,
    /// A service ID without any policy, signed in.
    nobody: Client,
}

impl Victim {
    async fn new() -> Self {
        let mut world = World::new().await;
        let account = world.region.owner.account.to_string();
        let attached = network(&mut world).await;
        let (key, nobody) = identities(&mut world, &account).await;
        access(&mut world, &account).await;
        let aliases = [("v1/images", "images"), ("v1/instances", "instances")];
        for (alias, of) in aliases.into_iter().chain([("v1/apikeys", "apikeys")]) {
            world.ids.insert(alias, world.ids[of].clone());
        }
        let quotas = world.client.fetch("/v2/quota_definitions").await.ok();
        world.ids.insert("quota_definitions", id(&quotas["resources"][0]));
        Self { world, attached, account, key, nobody }
    }

    fn crn(&self, kind: &str, of: &str) -> String {
        format!(
            "crn:v1:bluemix:public:is:us-south:a/{}::{kind}:{}",
            self.account, self.world.ids[of]
        )
    }

    /// A path of the operation that names the victim's.
    fn path(&self, operation: &Operation) -> String {
        let kinds = operation.path.replace("{identity_type}", "user");
        let path = self.world.path(&kinds, None);
        if operation.path.contains("/network_attachments/{") {
            return path.replace(&self.world.ids["instances"], &self.attached);
        }
        path
    }

    /// What the operation is asked with: the account of lists, and version and generation.
    fn query(&self, operation: &Operation) -> String {
        let mut query = if operation.path.starts_with("/v1/") && !self.is_platform(operation) {
            QUERY.to_owned()
        } else {
            String::new()
        };
        let kind = if operation.name == "create_tag" { "access" } else { "user" };
        if operation.name == "action_on_key" {
            query.push_str("&action=wrap");
        }
        for (name, value) in [("account_id", self.account.as_str()), ("tag_type", kind)] {
            if operation.parameters.iter().any(|p| p == name) {
                write!(query, "&{name}={value}").unwrap();
            }
        }
        query.trim_start_matches('&').to_owned()
    }

    fn is_platform(&self, operation: &Operation) -> bool {
        let families = ["/v1/apikeys", "/v1/serviceids", "/v1/profiles", "/v1/policies"];
        families.iter().any(|family| operation.path.starts_with(family))
    }

    /// Bodies of the operation that name the victim's.
    fn bodies(&self, operation: &Operation) -> Vec<Value> {
        let Some(schema) = &operation.body else { return vec![Value::Null] };
        if let Some(body) = self.chosen(&operation.name) {
            return vec![body];
        }
        let samples = sample::all(&shapes(), schema);
        // A deep run takes them all.
        let deep = std::env::var_os("ECTYPE_SEEDS").is_some();
        let step = if deep { 1 } else { samples.len().div_ceil(BODIES).max(1) };
        samples
            .into_iter()
            .step_by(step)
            .map(|body| self.named("", self.world.grounded("", body)))
            .collect()
    }

    /// Bodies whose words must fit each other.
    fn chosen(&self, operation: &str) -> Option<Value> {
        let ids = &self.world.ids;
        let subject = |key: &str| json!({key: "iam_id", "value": ids["groups/members"]});
        let resource = |key: &str| {
            json!([
            {key: "accountId", "value": self.account}, {key: "serviceName", "value": "is"}])
        };
        let operator = |mut value: Value| {
            for leaf in value.as_array_mut().unwrap() {
                leaf["operator"] = json!("stringEquals");
            }
            value
        };
        let roles = json!([{"role_id": CRN_OF_A_ROLE}]);
        Some(match operation {
            "create_policy" | "replace_policy" => json!({
                "type": "access", "roles": roles,
                "subjects": [{"attributes": [subject("name")]}],
                "resources": [{"attributes": resource("name")}],
            }),
            "create_v2_policy" | "replace_v2_policy" => json!({
                "type": "access", "control": {"grant": {"roles": roles}},
                "subject": {"attributes": operator(json!([subject("key")]))},
                "resource": {"attributes": operator(resource("key"))},
            }),
            "create_role" | "replace_role" => {
                let mut body = json!({"display_name": "x", "actions": ["is.image.image.read"]});
                if operation == "create_role" {
                    body["name"] = json!("Stolen");
                    body["account_id"] = json!(self.account);
                    body["service_name"] = json!("is");
                }
                body
            }
            "add_access_group_rule" | "replace_access_group_rule" => json!({
                "expiration": 1, "realm_name": "https://idp.example",
                "conditions": [{"claim": "a", "operator": "EQUALS", "value": "b"}],
            }),
            "set_profile_identity" => json!({"type": "user", "identifier": ids["accounts/users"]}),
            "attach_tag" | "detach_tag" => json!({
                "tag_names": ["mine"], "resources": [{"resource_id": self.crn("image", "images")}],
            }),
            "create_resource_instance" => json!({
                "name": "x", "resource_group": ids["resource_groups"],
                "resource_plan_id": "tiered-pricing", "target": "us-south",
            }),
            "search" => json!({"query": format!("name:{NAME}*"), "fields": ["*"]}),
            _ => return None,
        })
    }

    /// A sample, with the victim's ids where a text is one.
    fn named(&self, field: &str, value: Value) -> Value {
        let ids = &self.world.ids;
        match value {
            Value::Object(map) => map
                .into_iter()
                .map(|(k, v)| {
                    let v = self.named(&k, v);
                    (k, v)
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|v| self.named(field, v)).collect(),
            Value::String(text) => json!(match field {
                "account_id" => &self.account,
                "iam_id" | "members" => &ids["groups/members"],
                "groups" => &ids["groups"],
                "operator" if text == "text" => "EQUALS",
                _ => &text,
            }),
            other => other,
        }
    }

    /// Every text that the victim alone may see.
    fn secrets(&self) -> BTreeSet<&str> {
        let own = self.world.ids.iter().filter(|(key, _)| !OPEN.contains(key));
        own.map(|(_, id)| id.as_str()).chain([self.attached.as_str(), NAME]).collect()
    }

    /// All that the victim sees by reads and lists; each of them is answered.
    async fn look(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for operation in operations().iter().filter(|o| actions_of(&o.name).is_some()) {
            if operation.method != Method::GET {
                continue;
            }
            let (path, query) = (self.path(operation), self.query(operation));
            let answer = self.world.send(&Method::GET, &path, &query, Vec::new()).await;
            let wanted = NOT_THERE.iter().find(|(name, _)| *name == operation.name);
            let wanted = wanted.map_or(200, |(_, status)| *status);
            assert_eq!(answer.status, wanted, "{} {path}: {answer:?}", operation.name);
            let text = if wanted == 200 { answer.text } else { String::new() };
            seen.push(format!("{} {text}", operation.name));
        }
        seen
    }
}

/// Interfaces, gateways and addresses; the id of an instance with network attachments.
async fn network(world: &mut World) -> String {
    let client = world.client.clone();
    let made = async |path: &str, body: Value| client.post(path, body).await.ok();
    let (subnet, instance) = (world.ids["subnets"].clone(), world.ids["instances"].clone());
    let nic = world.ids["instances/network_interfaces"].clone();
    let vni = json!({"name": "victim-vni", "subnet": {"id": subnet}});
    let vni = made("virtual_network_interfaces", vni).await;
    let group = world.ids["security_groups"].clone();
    let bound = format!("security_groups/{group}/targets/{}", id(&vni));
    client.call(Method::PUT, &bound, "").await.ok();
    let image = json!(crate::region::stock_image(&client).await);
    let other = made(
        "instances",
        json!({"name": "victim-attached", "image": {"id": image}, "zone": {"name": "us-south-1"},
            "profile": {"name": "bx2-2x8"}, "primary_network_attachment": {
                "virtual_network_interface": {"name": "victim-first", "subnet": {"id": subnet}}}}),
    )
    .await;
    world.region.settle().await;
    let zone = json!({"name": "us-south-1"});
    let vpc = world.ids["vpcs"].clone();
    let gateway = json!({"name": "victim-gateway", "zone": zone, "vpc": {"id": vpc}});
    let gateway = id(&made("public_gateways", gateway).await);
    let of_subnet = format!("subnets/{subnet}/public_gateway");
    let body = json!({"id": gateway}).to_string();
    client.call(Method::PUT, &of_subnet, &body).await.ok();
    let floating = json!({"name": "victim-address", "target": {"id": nic}});
    let floating = id(&made("floating_ips", floating).await);
    let seen = client.get(&format!("instances/{instance}/network_interfaces/{nic}")).await.ok();
    let attached = id(&other);
    for (key, value) in [
        ("virtual_network_interfaces", id(&vni)),
        ("virtual_network_interfaces/ips", id(&vni["primary_ip"])),
        ("security_groups/targets", id(&vni)),
        ("public_gateways", gateway),
        ("instances/network_interfaces/floating_ips", floating),
        ("instances/network_interfaces/ips", id(&seen["primary_ip"])),
        ("instances/network_attachments", id(&other["primary_network_attachment"])),
    ] {
        world.ids.insert(key, value);
    }
    world.region.settle().await;
    attached
}

/// Identities: an API key of the owner's, and one signed in that may do nothing.
async fn identities(world: &mut World, account: &str) -> (String, Client) {
    let client = world.client.clone();
    let made = async |path: &str, body: Value| ask(&client, Method::POST, path, body).await;
    let robot = json!({"account_id": account, "name": "victim-robot", "apikey": {"name": "k"}});
    let robot = made("/v1/serviceids/", robot).await;
    let nobody = json!({"account_id": account, "name": "nobody", "apikey": {"name": "k"}});
    let nobody = made("/v1/serviceids/", nobody).await;
    let owner = world.region.owner.owner.to_string();
    let key = made("/v1/apikeys", json!({"name": "victim-key", "iam_id": owner})).await;
    let profile = json!({"account_id": account, "name": "victim-profile"});
    let profile = id(&made("/v1/profiles", profile).await);
    let path = format!("/v1/profiles/{profile}");
    let rule = json!({"type": "Profile-SAML", "realm_name": "victim", "conditions": [
        {"claim": "a", "operator": "EQUALS", "value": "b"}]});
    let rule = id(&made(&format!("{path}/rules"), rule).await);
    let crn = format!("crn:v1:bluemix:public:is:us-south:a/{account}::instance:0717_1");
    let link = json!({"cr_type": "VSI", "name": "victim", "link": {"crn": crn}});
    let link = id(&made(&format!("{path}/links"), link).await);
    let users = format!("/v2/accounts/{account}/users");
    let user = json!({"users": [{"email": "victim@example.com", "account_role": "Member"}]});
    let user = id(&made(&users, user).await["resources"][0]);
    let identity = json!({"type": "user", "identifier": user});
    made(&format!("{path}/identities/user"), identity).await;
    for (key, value) in [
        ("serviceids", id(&robot)),
        ("groups/members", robot["iam_id"].as_str().unwrap().to_owned()),
        ("apikeys", id(&key)),
        ("profiles", profile),
        ("profiles/rules", rule),
        ("profiles/links", link),
        ("profiles/identities/user", user.clone()),
        ("accounts", account.to_owned()),
        ("accounts/users", user),
    ] {
        world.ids.insert(key, value);
    }
    let text = |key: &Value| key["apikey"].as_str().unwrap().to_owned();
    (text(&key), world.region.sign_in(&text(&nobody["apikey"])).await)
}

/// Policies, roles, groups, and a tag.
async fn access(world: &mut World, account: &str) {
    let client = world.client.clone();
    let made = async |path: &str, body: Value| ask(&client, Method::POST, path, body).await;
    let robot = world.ids["groups/members"].clone();
    let policy = json!({
        "type": "access", "description": "victim", "roles": [{"role_id": CRN_OF_A_ROLE}],
        "subjects": [{"attributes": [{"name": "iam_id", "value": robot}]}],
        "resources": [{"attributes": [
            {"name": "accountId", "value": account}, {"name": "serviceName", "value": "is"},
            {"name": "resourceType", "value": "image"}]}],
    });
    let policy = id(&made("/v1/policies", policy).await);
    let role = json!({"name": "Victims", "display_name": "victim-role", "account_id": account,
        "service_name": "is", "actions": ["is.image.image.read"]});
    let role = id(&made("/v2/roles", role).await);
    let groups = format!("/v2/groups?account_id={account}");
    let group = id(&made(&groups, json!({"name": "victim-team"})).await);
    let members = json!({"members": [{"iam_id": robot, "type": "service"}]});
    ask(&client, Method::PUT, &format!("/v2/groups/{group}/members"), members).await;
    let rule = json!({"name": "victim", "expiration": 1, "realm_name": "https://idp.example",
        "conditions": [{"claim": "a", "operator": "EQUALS", "value": "b"}]});
    let rule = id(&made(&format!("/v2/groups/{group}/rules"), rule).await);
    let image =
        format!("crn:v1:bluemix:public:is:us-south:a/{account}::image:{}", world.ids["images"]);
    let tag = json!({"tag_names": ["victim:tag"], "resources": [{"resource_id": image}]});
    made("/v3/tags/attach?tag_type=user", tag).await;
    for (key, value) in [
        ("policies", policy),
        ("roles", role),
        ("groups", group),
        ("groups/rules", rule),
        ("groups/_allgroups/members", robot),
        ("tags", "victim:tag".to_owned()),
    ] {
        world.ids.insert(key, value);
    }
}

/// An id of the same form that nothing has.
fn ghost(id: &str) -> String {
    let at = id.len().saturating_sub(8);
    let turned = id[at..].chars().map(|c| match c {
        '9' => '0',
        'f' => 'a',
        '0'..='8' | 'a'..='e' => char::from(c as u8 + 1),
        other => other,
    });
    format!("{}{}", &id[..at], turned.collect::<String>())
}

/// A request as it is sent.
#[derive(Clone)]
struct Sent {
    method: Method,
    path: String,
    body: String,
    etag: String,
    /// The header in which a key is asked about.
    key: String,
    /// The header in which Key Protect is told the instance.
    instance: String,
}

impl Sent {
    async fn by(&self, client: &Client) -> Seen {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        if !self.etag.is_empty() {
            request = request.header("if-match", &self.etag);
        }
        if self.path.ends_with("/apikeys/details") {
            request = request.header("iam-apikey", &self.key);
        }
        if self.path.starts_with("/api/v2/") {
            request = request.header("bluemix-instance", &self.instance);
        }
        client.send(request.body(Body::from(self.body.clone())).unwrap()).await
    }

    /// Whether one names something that the other does not.
    fn names_another(&self, other: &Self) -> bool {
        self.path != other.path || self.body != other.body || self.path.ends_with("details")
    }

    fn names(&self, id: &str) -> bool {
        self.path.contains(id) || self.body.contains(id) || self.instance.contains(id)
    }

    fn with(&self, pairs: &[(String, String)]) -> Self {
        let turn = |text: &str| pairs.iter().fold(text.to_owned(), |t, (a, b)| t.replace(a, b));
        let (path, body, key) = (turn(&self.path), turn(&self.body), ghost(&self.key));
        Self { path, body, key, ..self.clone() }
    }
}

/// What an answer says, without what is new in every answer.
fn said(seen: &Seen, pairs: &[(String, String)]) -> (u16, String) {
    let mut body = seen.body.clone();
    if let Some(map) = body.as_object_mut() {
        map.remove("trace");
        map.remove("context");
        map.remove("transaction_id");
    }
    let text = pairs.iter().fold(body.to_string(), |text, (a, b)| text.replace(b, a));
    (seen.status, text)
}

/// Who attacks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attacker {
    /// The owner of another account.
    Stranger,
    /// A service ID of the victim's account, without a policy.
    Nobody,
}

/// What is wrong with the answers to a request of the victim's ids, if anything is.
fn judge(who: Attacker, operation: &str, sent: &Sent, seen: &Seen, victim: &Victim) -> Vec<String> {
    let mut wrong = Vec::new();
    for secret in victim.secrets() {
        if seen.text.contains(secret) && !sent.names(secret.trim_start_matches("iam-")) {
            wrong.push(format!("shows {secret}"));
        }
    }
    let own = victim.secrets();
    let names_one = sent.path.split(['/', '?']).any(|part| own.contains(part));
    let code = seen.body["errors"][0]["code"].as_str().unwrap_or_default();
    let kms = sent.path.starts_with("/api/v2/");
    let message = seen.body["errors"][0]["message"].as_str().unwrap_or_default();
    // What another spelling names is looked for before leave is: it is of the caller's account.
    let spelled = ["names no ", "not visible to you"].iter().any(|words| message.contains(words));
    if seen.status == 400 && code == "bad_field" && spelled {
        return wrong;
    }
    match who {
        Attacker::Nobody => {
            let row = actions_of(operation).unwrap();
            let asks = row.needs.iter().chain(row.also).any(|a| seen.text.contains(a.as_str()));
            let (status, word) =
                if kms { (401, "UNAUTHORIZED_ERR") } else { (403, "not_authorized") };
            if seen.status == status && seen.body.is_object() {
                if !seen.text.contains(word) || !asks {
                    wrong.push(format!("a denial that names none of its actions: {message}"));
                }
            } else if !(row.needs.is_empty() || seen.status == status) {
                wrong.push(format!("is not denied: {} {code} {message}", seen.status));
            }
        }
        Attacker::Stranger if names_one && !matches!(seen.status, 403 | 404 | 207) => {
            wrong.push(format!("is not refused: {} {code} {message}", seen.status));
        }
        Attacker::Stranger => {}
    }
    wrong
}

/// Each operation of the table with the victim's ids, and with ids of the same form that nothing
/// has; how many operations that were, and all that was wrong.
async fn attack(who: Attacker, client: &Client, victim: &Victim) -> (usize, Vec<String>) {
    // A service ID knows its account, and that there are others.
    let known = |id: &&str| who == Attacker::Nobody && *id == victim.account;
    let secrets = victim.secrets().into_iter().filter(|id| !known(id));
    let pairs: Vec<(String, String)> = secrets.map(|id| (id.to_owned(), ghost(id))).collect();
    let (mut count, mut wrong) = (0, Vec::new());
    for operation in operations().iter().filter(|o| actions_of(&o.name).is_some()) {
        count += 1;
        let (path, query) = (victim.path(operation), victim.query(operation));
        let glue = if query.is_empty() { "" } else { "?" };
        let etag = victim.world.send(&Method::GET, &path, &query, Vec::new()).await;
        let etag = match etag.header("etag") {
            "" => etag.body["entity_tag"].as_str().unwrap_or_default().to_owned(),
            etag => etag.to_owned(),
        };
        for body in victim.bodies(operation) {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let path = format!("{path}{glue}{query}");
            let (method, key) = (operation.method.clone(), victim.key.clone());
            let (etag, instance) = (etag.clone(), victim.world.ids["resource_instances"].clone());
            let sent = Sent { method, path, body, key, etag, instance };
            let seen = sent.by(client).await;
            let mut found = judge(who, &operation.name, &sent, &seen, victim);
            let other = sent.with(&pairs);
            // What one makes of one's own is made once.
            if sent.names_another(&other) {
                let unknown = other.by(client).await;
                let (a, b) = (said(&seen, &[]), said(&unknown, &pairs));
                let alike = if seen.status == 201 { a.0 == b.0 } else { a == b };
                if !alike {
                    found.push(format!("tells what is there: {a:?}, and of nothing {b:?}"));
                }
            }
            let about = format!("{} {} {}", operation.name, sent.path, sent.body);
            wrong.extend(found.into_iter().map(|what| format!("{about}\n    {what}")));
        }
    }
    victim.world.region.settle().await;
    (count, wrong)
}

async fn attacked_by(who: Attacker) {
    let victim = Victim::new().await;
    let region = &victim.world.region;
    let other = region.control.account_create("other").await.unwrap();
    let client = match who {
        Attacker::Stranger => region.sign_in(&other.api_key).await,
        Attacker::Nobody => victim.nobody.clone(),
    };
    let before = victim.look().await;
    let (count, wrong) = attack(who, &client, &victim).await;
    assert_eq!(count, ACTIONS.len(), "every operation of the table was asked for");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (before, after) in before.iter().zip(victim.look().await) {
        assert_eq!(before, &after);
    }
}

/// S7, S12: an account is closed to the owner of another one, whatever ids are known there.
#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_owner_sees_and_changes_nothing_by_any_operation() {
    attacked_by(Attacker::Stranger).await;
}

/// S12: without a policy nothing is allowed, and what is there and what is not look alike.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_id_without_a_policy_is_denied_every_operation() {
    attacked_by(Attacker::Nobody).await;
}
