//! API keys, service IDs, trusted profiles and users, over HTTP.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::region::{Client, Region, Seen, id};

const APIKEY: &str = "urn:ibm:params:oauth:grant-type:apikey";
const ASSUME: &str = "urn:ibm:params:oauth:grant-type:assume";

impl Client {
    /// A call of a path outside the VPC API.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Seen {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn make(&self, path: &str, body: Value) -> Seen {
        self.ask(Method::POST, path, body, &[]).await
    }

    pub async fn put(&self, path: &str, body: Value, tag: &str) -> Seen {
        self.ask(Method::PUT, path, body, &[("if-match", tag)]).await
    }

    pub async fn drop_at(&self, path: &str) -> Seen {
        self.ask(Method::DELETE, path, Value::Null, &[]).await
    }

    /// A token request; `login` with client credentials.
    pub async fn grant(&self, form: &[(&str, &str)], login: bool) -> Seen {
        let form: Vec<_> = form.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut request = Request::builder().method(Method::POST).uri("/identity/token");
        if login {
            request = request.header("authorization", "Basic Yng6Yng=");
        }
        let stranger = Self { router: self.router.clone(), token: None };
        stranger.send(request.body(Body::from(form.join("&"))).unwrap()).await
    }

    pub async fn by_key(&self, key: &str) -> Seen {
        self.grant(&[("grant_type", APIKEY), ("apikey", key)], false).await
    }

    pub async fn by_refresh(&self, token: &str) -> Seen {
        self.grant(&[("grant_type", "refresh_token"), ("refresh_token", token)], true).await
    }

    fn with(&self, seen: Seen) -> Self {
        let token = text(&seen.ok(), "access_token");
        Self { router: self.router.clone(), token: Some(token) }
    }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}")).to_owned()
}

/// Status and code of an error of the identity service; checks its shape.
fn refused(seen: &Seen) -> (u16, String) {
    let error = &seen.body["errors"][0];
    assert_eq!(seen.body["status_code"], seen.status, "{seen:?}");
    assert_eq!(seen.body["context"]["transaction_id"], seen.header("x-request-id"), "{seen:?}");
    assert!(error["message_code"].as_str().unwrap().starts_with("BXNIM"), "{seen:?}");
    (seen.status, text(error, "code"))
}

/// Status and code of a refused grant.
fn not_granted(seen: &Seen) -> (u16, String) {
    (seen.status, text(&seen.body, "errorCode"))
}

fn claims(client: &Client) -> Value {
    let token = client.token.as_deref().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A service ID with an API key; its body and a client of it.
async fn service_id(client: &Client, account: &str, name: &str) -> (Value, Client) {
    let body = json!({"account_id": account, "name": name, "apikey": {"name": "k"}});
    let made = client.make("/v1/serviceids/", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.ok();
    let its = client.with(client.by_key(&text(&made["apikey"], "apikey")).await);
    (made, its)
}

#[tokio::test]
async fn an_api_key_lives_from_its_making_to_its_end() {
    let region = Region::new().await;
    let (client, owner) = (region.client().await, region.owner.owner.to_string());
    let body = json!({"name": "ci", "iam_id": owner, "description": "for CI"});
    let made = client.make("/v1/apikeys", body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("etag"), made.body["entity_tag"]);
    let made = made.ok();
    let (path, value) = (format!("/v1/apikeys/{}", id(&made)), text(&made, "apikey"));
    assert!(value.len() >= 44 && made["locked"] == false && made["disabled"] == false);

    // It signs in, and that is counted.
    assert_eq!(client.by_key(&value).await.status, 200);
    assert_eq!(client.by_key(&value).await.status, 200);
    let seen = client.fetch(&path).await.ok();
    assert_eq!(seen["apikey"], "", "its text is shown once");
    assert_eq!(seen["activity"]["authn_count"], 2);
    assert!(seen["activity"]["last_authn"].is_string());

    // Changed with the tag that was seen, not with an older one.
    let tag = text(&seen, "entity_tag");
    let renamed = client.put(&path, json!({"name": "ci-2"}), &tag).await.ok();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("ci-2"), &json!("for CI")));
    let stale = client.put(&path, json!({"name": "x"}), &tag).await;
    assert_eq!(refused(&stale), (409, "conflict".to_owned()));
    assert_eq!(client.ask(Method::PUT, &path, json!({}), &[]).await.status, 400);
    assert_eq!(client.put(&path, json!({"name": "ci-3"}), "*").await.status, 200);

    // Locked: neither changed nor deleted; it still signs in.
    let lock = format!("{path}/lock");
    assert_eq!(client.make(&lock, Value::Null).await.status, 204);
    assert_eq!(refused(&client.put(&path, json!({"name": "x"}), "*").await).0, 409);
    assert_eq!(refused(&client.drop_at(&path).await).0, 409);
    assert_eq!(client.by_key(&value).await.status, 200);
    assert_eq!(client.drop_at(&lock).await.status, 204);

    // Disabled: does not sign in.
    let disable = format!("{path}/disable");
    assert_eq!(client.make(&disable, Value::Null).await.status, 204);
    assert_eq!(not_granted(&client.by_key(&value).await), (400, "BXNIM0415E".to_owned()));
    assert_eq!(client.drop_at(&disable).await.status, 204);
    assert_eq!(client.by_key(&value).await.status, 200);

    // Over from a moment on.
    let end = base::Clock::region(&*region.clock).plus(Duration::from_secs(60)).to_string();
    client.put(&path, json!({"expires_at": end}), "*").await.ok();
    assert_eq!(client.by_key(&value).await.status, 200);
    region.clock.advance(Duration::from_secs(60));
    assert_eq!(not_granted(&client.by_key(&value).await), (400, "BXNIM0415E".to_owned()));
    client.put(&path, json!({"expires_at": ""}), "*").await.ok();

    // Rotated: another text, the same key.
    let rotate = format!("/_ectype/v1/apikeys/{}/rotate", id(&made));
    let rotated = text(&client.make(&rotate, Value::Null).await.ok(), "apikey");
    assert_eq!(client.by_key(&value).await.status, 400);
    assert_eq!(client.by_key(&rotated).await.status, 200);

    let seen = client.fetch(&format!("{path}?include_history=true")).await.ok();
    let history = seen["history"].as_array().unwrap();
    assert!(history.len() >= 6, "{history:?}");
    assert_eq!(history[0]["iam_id"], owner.as_str());

    // Whose a key is.
    let details = |key: String| {
        let client = client.clone();
        async move {
            client
                .ask(Method::GET, "/v1/apikeys/details", Value::Null, &[("iam-apikey", &key)])
                .await
        }
    };
    assert_eq!(id(&details(rotated.clone()).await.ok()), id(&made));
    assert_eq!(refused(&details("wrong".to_owned()).await).0, 404);

    assert_eq!(client.drop_at(&path).await.status, 204);
    assert_eq!(refused(&client.fetch(&path).await), (404, "not_found".to_owned()));
    assert_eq!(client.by_key(&rotated).await.status, 400);
}

#[tokio::test]
async fn lists_of_keys_have_pages_and_filters() {
    let region = Region::new().await;
    let client = region.client().await;
    let (owner, account) = (region.owner.owner.to_string(), region.owner.account.to_string());
    for n in 0..4 {
        let body = json!({"name": format!("k{n}"), "iam_id": owner});
        client.make("/v1/apikeys", body).await.ok();
        region.clock.advance(Duration::from_secs(1));
    }
    let (made, _) = service_id(&client, &account, "robot").await;
    let count = |body: &Value| body["apikeys"].as_array().unwrap().len();
    let own = client.fetch("/v1/apikeys").await.ok();
    assert_eq!((count(&own), &own["offset"], &own["limit"]), (5, &json!(0), &json!(20)));
    assert!(own.get("next").is_none());
    let all = client.fetch("/v1/apikeys?scope=account").await.ok();
    assert_eq!(count(&all), 6);
    let of_services = client.fetch("/v1/apikeys?scope=account&type=serviceid").await.ok();
    assert_eq!(count(&of_services), 1);
    let of_one = format!("/v1/apikeys?iam_id={}&account_id={account}", text(&made, "iam_id"));
    assert_eq!(count(&client.fetch(&of_one).await.ok()), 1);
    assert_eq!(count(&client.fetch("/v1/apikeys?account_id=other").await.ok()), 0);

    let (mut next, mut seen) = ("/v1/apikeys?pagesize=2".to_owned(), Vec::new());
    loop {
        let page = client.fetch(&next).await.ok();
        seen.extend(page["apikeys"].as_array().unwrap().iter().map(id));
        let Some(link) = page["next"].as_str() else { break };
        assert!(link.starts_with("http://127.0.0.1:9000/v1/apikeys?pagesize=2&"), "{link}");
        next = link.trim_start_matches("http://127.0.0.1:9000").to_owned();
    }
    let want: Vec<_> = own["apikeys"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(seen, want);
    assert_eq!(refused(&client.fetch("/v1/apikeys?pagesize=0").await).0, 400);
}

#[tokio::test]
async fn a_chosen_key_is_long_and_nobody_elses() {
    let region = Region::new().await;
    let client = region.client().await;
    let make = |value: &str| {
        let body = json!({"name": "k", "iam_id": region.owner.owner.as_str(), "apikey": value});
        let client = client.clone();
        async move { client.make("/v1/apikeys", body).await }
    };
    let chosen = "c".repeat(32);
    assert_eq!(make(&chosen).await.status, 201);
    assert_eq!(client.by_key(&chosen).await.status, 200);
    assert_eq!(refused(&make(&chosen).await).0, 400);
    assert_eq!(refused(&make(&chosen[1..]).await).0, 400);
    let stored = json!({"name": "k", "iam_id": region.owner.owner.as_str(), "store_value": true});
    assert_eq!(refused(&client.make("/v1/apikeys", stored).await).1, "not_implemented");
}

/// S12: whoever is not the owner has no access until a policy gives some; own keys are one's own.
#[tokio::test]
async fn a_service_id_signs_in_and_may_do_nothing_but_its_own_keys() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let (made, robot) = service_id(&client, &account, "robot").await;
    let iam_id = text(&made, "iam_id");
    assert_eq!(iam_id, format!("iam-{}", id(&made)));
    let claims = claims(&robot);
    assert_eq!(claims["iam_id"], iam_id.as_str());
    assert_eq!(
        (&claims["sub_type"], &claims["account"]["bss"]),
        (&json!("ServiceId"), &json!(account))
    );

    for path in ["images", "instances", "volumes", "vpcs", "keys"] {
        assert_eq!(robot.get(path).await.refused(), (403, "not_authorized"), "{path}");
    }
    assert_eq!(robot.post("vpcs", json!({})).await.refused().0, 403);
    let body = json!({"account_id": account, "name": "another"});
    assert_eq!(refused(&robot.make("/v1/serviceids/", body).await).0, 403);
    assert_eq!(refused(&robot.fetch("/v1/apikeys?scope=account").await).0, 403);
    let owners = json!({"name": "k", "iam_id": region.owner.owner.as_str()});
    assert_eq!(refused(&robot.make("/v1/apikeys", owners).await).0, 403);

    let own = robot.make("/v1/apikeys", json!({"name": "mine", "iam_id": iam_id})).await.ok();
    assert_eq!(robot.by_key(&text(&own, "apikey")).await.status, 200);
    let list = robot.fetch("/v1/apikeys").await.ok();
    assert_eq!(list["apikeys"].as_array().unwrap().len(), 2);
    assert_eq!(robot.drop_at(&format!("/v1/apikeys/{}", id(&own))).await.status, 204);
}

/// S12: identities belong to the account as a whole. Whoever may do everything in a resource group
/// sees none of them; who has a role of the identity service does what the role holds; and nobody
/// but the owner gets the text of another user's key.
#[tokio::test]
async fn identities_are_for_those_with_a_role_on_the_identity_service() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let (made, robot) = service_id(&client, &account, "robot").await;
    let iam_id = text(&made, "iam_id");
    let groups = client.fetch("/v2/resource_groups").await.ok();
    let group = id(&groups["resources"][0]);
    let give = async |role: &str, name: &str, value: &str| {
        let made = client.make(
            "/v1/policies",
            json!({
                "type": "access",
                "subjects": [{"attributes": [{"name": "iam_id", "value": iam_id}]}],
                "roles": [{"role_id": format!("crn:v1:bluemix:public:iam::::role:{role}")}],
                "resources": [{"attributes": [
                    {"name": "accountId", "value": account}, {"name": name, "value": value}]}],
            }),
        );
        assert_eq!(made.await.status, 201, "{role}");
    };
    let users = format!("/v2/accounts/{account}/users");
    let keys = "/v1/apikeys?scope=account";
    let status = async |path: &str| robot.fetch(path).await.status;
    let another = json!({"account_id": account, "name": "another"});

    give("Administrator", "resourceGroupId", &group).await;
    for path in ["/v1/serviceids/", "/v1/profiles", keys, &users] {
        assert_eq!(status(path).await, 403, "{path}");
    }
    give("Viewer", "serviceName", "iam-identity").await;
    for (path, wanted) in [("/v1/serviceids/", 200), ("/v1/profiles", 200), (keys, 403)] {
        assert_eq!(status(path).await, wanted, "{path}");
    }
    assert_eq!(status(&users).await, 403);
    assert_eq!(robot.make("/v1/serviceids/", another.clone()).await.status, 403);
    give("Operator", "serviceName", "iam-identity").await;
    assert_eq!(status(keys).await, 200);
    let other = robot.make("/v1/serviceids/", another.clone()).await;
    assert_eq!(other.status, 201);
    let key = json!({"name": "k", "iam_id": text(&other.ok(), "iam_id")});
    assert_eq!(robot.make("/v1/apikeys", key).await.status, 201);
    assert_eq!(robot.make("/v1/profiles", another).await.status, 403);
    let owners = json!({"name": "k", "iam_id": region.owner.owner.as_str()});
    assert_eq!(robot.make("/v1/apikeys", owners.clone()).await.status, 403);
    let its = client.make("/v1/apikeys", owners).await.ok();
    let rotate = format!("/_ectype/v1/apikeys/{}/rotate", id(&its));
    assert_eq!(robot.make(&rotate, Value::Null).await.status, 403);
    give("Editor", "serviceName", "user-management").await;
    assert_eq!(status(&users).await, 200);

    // Whoever goes takes the policies along.
    let policies = format!("/v1/policies?account_id={account}&iam_id={iam_id}");
    let count = async || client.fetch(&policies).await.ok()["policies"].as_array().unwrap().len();
    assert_eq!(count().await, 4);
    let gone = client.drop_at(&format!("/v1/serviceids/{}", id(&made))).await;
    assert_eq!(gone.status, 204);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_service_id_is_changed_locked_and_gone_at_once() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let (made, robot) = service_id(&client, &account, "robot").await;
    let path = format!("/v1/serviceids/{}", id(&made));
    assert_eq!(robot.fetch(&path).await.status, 200, "it may see itself");
    let tag = text(&made, "entity_tag");
    let changed = client.put(&path, json!({"description": "does things"}), &tag).await.ok();
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("robot"), &json!("does things"))
    );
    assert_eq!(refused(&client.put(&path, json!({}), &tag).await).0, 409);
    let locked = client.make(&format!("{path}/lock"), Value::Null).await.ok();
    assert_eq!(locked["locked"], true);
    assert_eq!(refused(&client.drop_at(&path).await).0, 409);
    client.drop_at(&format!("{path}/lock")).await.ok();
    let list = client.fetch(&format!("/v1/serviceids/?account_id={account}&name=robot")).await.ok();
    let bare = client.fetch(&format!("/v1/serviceids?account_id={account}&name=robot")).await.ok();
    assert_eq!(list["serviceids"], bare["serviceids"], "the slash at the end may be left out");
    assert_eq!(list["serviceids"].as_array().unwrap().len(), 1);
    assert_eq!(client.drop_at(&path).await.status, 204);
    assert_eq!(robot.get("regions").await.refused(), (401, "token_invalid"), "its token ended");
    let key = text(&made["apikey"], "apikey");
    assert_eq!(not_granted(&client.by_key(&key).await), (400, "BXNIM0415E".to_owned()));
}

#[tokio::test]
async fn a_trusted_profile_is_taken_on_by_whom_it_names() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let (made, robot) = service_id(&client, &account, "robot").await;
    let (_, other) = service_id(&client, &account, "other").await;
    let body = json!({"account_id": account, "name": "builders"});
    let profile = client.make("/v1/profiles", body.clone()).await.ok();
    assert_eq!(refused(&client.make("/v1/profiles", body).await).0, 400, "names are unique");
    let path = format!("/v1/profiles/{}", id(&profile));
    let identity = json!({"type": "serviceid", "identifier": id(&made)});
    let added = client.make(&format!("{path}/identities/serviceid"), identity).await.ok();
    assert_eq!(added["iam_id"], made["iam_id"]);

    let take = |who: &Client, more: Vec<(&'static str, String)>| {
        let (who, token) = (who.clone(), who.token.clone().unwrap());
        async move {
            let mut form = vec![("grant_type", ASSUME), ("access_token", token.as_str())];
            form.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
            who.grant(&form, false).await
        }
    };
    let crn = text(&profile, "crn");
    for named in [
        vec![("profile_id", id(&profile))],
        vec![("profile_crn", crn.replace(':', "%3A").replace('/', "%2F"))],
        vec![("profile_name", "builders".to_owned()), ("account", account.clone())],
    ] {
        let seen = take(&robot, named.clone()).await;
        assert_eq!(seen.body["refresh_token"], "not_supported", "{named:?}");
        let taken = robot.with(seen);
        let claims = claims(&taken);
        assert_eq!(
            (&claims["iam_id"], &claims["sub_type"]),
            (&profile["iam_id"], &json!("Profile"))
        );
        assert_eq!(claims["authn"]["iam_id"], made["iam_id"]);
        assert_eq!(
            taken.get("images").await.refused().0,
            403,
            "a profile has no access of its own"
        );
        // One profile does not lead to another.
        assert_eq!(take(&taken, named).await.status, 400);
    }
    for who in [&other, &client] {
        let seen = take(who, vec![("profile_id", id(&profile))]).await;
        assert_eq!(not_granted(&seen), (400, "BXNIM0404E".to_owned()));
    }
    let none = take(&robot, vec![("profile_id", "Profile-none".to_owned())]).await;
    assert_eq!(not_granted(&none), (400, "BXNIM0404E".to_owned()), "told apart from no one's");

    // A profile's token ends with whoever took it on.
    let taken = robot.with(take(&robot, vec![("profile_id", id(&profile))]).await);
    assert_eq!(client.drop_at(&format!("/v1/serviceids/{}", id(&made))).await.status, 204);
    assert_eq!(taken.get("regions").await.refused(), (401, "token_invalid"));
}

#[tokio::test]
async fn a_profiles_rules_links_and_identities_are_kept() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let body = json!({"account_id": account, "name": "p"});
    let path = format!("/v1/profiles/{}", id(&client.make("/v1/profiles", body).await.ok()));
    let rule = json!({"type": "Profile-SAML", "realm_name": "r", "expiration": 600,
        "conditions": [{"claim": "group", "operator": "EQUALS", "value": "\"a\""}]});
    let made = client.make(&format!("{path}/rules"), rule.clone()).await;
    assert_eq!(made.status, 201);
    let made = made.ok();
    assert_eq!((&made["expiration"], &made["realm_name"]), (&json!(600), &json!("r")));
    let one = format!("{path}/rules/{}", id(&made));
    let tag = text(&made, "entity_tag");
    let mut next = rule.clone();
    next["expiration"] = 700.into();
    assert_eq!(client.put(&one, next.clone(), &tag).await.ok()["expiration"], 700);
    assert_eq!(refused(&client.put(&one, next, &tag).await).0, 409);
    assert_eq!(
        client.fetch(&format!("{path}/rules")).await.ok()["rules"].as_array().unwrap().len(),
        1
    );
    assert_eq!(client.drop_at(&one).await.status, 204);
    assert_eq!(refused(&client.fetch(&one).await).0, 404);

    let crn = format!("crn:v1:bluemix:public:is:us-south:a/{account}::instance:0717_x");
    let link = json!({"cr_type": "VSI", "link": {"crn": crn, "namespace": "n"}});
    let made = client.make(&format!("{path}/links"), link).await.ok();
    assert_eq!(made["link"]["namespace"], "n");
    let one = format!("{path}/links/{}", id(&made));
    assert_eq!(client.fetch(&one).await.ok()["cr_type"], "VSI");
    assert_eq!(client.drop_at(&one).await.status, 204);

    let all = format!("{path}/identities");
    let tag = text(&client.fetch(&all).await.ok(), "entity_tag");
    let identities = json!({"identities": [{"type": "user", "identifier": "IBMid-1"}]});
    let seen = client.put(&all, identities.clone(), &tag).await.ok();
    assert_eq!(seen["identities"][0]["iam_id"], "IBMid-1");
    assert_eq!(refused(&client.put(&all, identities, &tag).await).0, 409);
    assert_eq!(client.fetch(&format!("{all}/user/IBMid-1")).await.status, 200);
    assert_eq!(client.drop_at(&format!("{all}/user/IBMid-1")).await.status, 204);
    assert_eq!(client.drop_at(&format!("{all}/user/IBMid-1")).await.status, 404);
    assert_eq!(client.drop_at(&path).await.status, 204);
}

#[tokio::test]
async fn users_are_invited_listed_changed_and_removed() {
    let region = Region::new().await;
    let client = region.client().await;
    let path = format!("/v2/accounts/{}/users", region.owner.account);
    let seen = client.make(&path, json!({"users": [{"email": "jane@example.com"}]})).await;
    assert_eq!(seen.status, 202);
    let jane = text(&seen.ok()["resources"][0], "id");
    let list = client.fetch(&path).await.ok();
    assert_eq!(list["total_results"], 2);
    let found = client.fetch(&format!("{path}?search=email%3Ajane@example.com")).await.ok();
    assert_eq!(
        (&found["total_results"], &found["resources"][0]["iam_id"]),
        (&json!(1), &json!(jane))
    );
    let twice = client.make(&path, json!({"users": [{"email": "jane@example.com"}]})).await;
    assert_eq!(twice.refused().0, 400);
    let one = format!("{path}/{jane}");
    let change = json!({"firstname": "Jane", "lastname": "Doe"});
    assert_eq!(client.ask(Method::PATCH, &one, change, &[]).await.status, 204);
    let seen = client.fetch(&one).await.ok();
    assert_eq!((&seen["firstname"], &seen["lastname"]), (&json!("Jane"), &json!("Doe")));
    assert_eq!(client.drop_at(&one).await.status, 204);
    assert_eq!(client.fetch(&one).await.refused().0, 404);
    let owner = format!("{path}/{}", region.owner.owner);
    assert_eq!(client.drop_at(&owner).await.refused(), (409, "invalid_state"));
    for bad in [json!({}), json!({"users": [{"email": "x"}]}), json!({"users": "x"})] {
        assert_eq!(client.make(&path, bad).await.status, 400);
    }
}

/// S7: with valid ids of another account nothing is seen, nothing is changed.
#[tokio::test]
async fn identities_of_another_account_are_not_there() {
    let region = Region::new().await;
    let (client, account) = (region.client().await, region.owner.account.to_string());
    let other = region.control.account_create("other").await.unwrap();
    let attacker = region.sign_in(&other.api_key).await;
    let (made, _) = service_id(&client, &account, "robot").await;
    let body = json!({"account_id": account, "name": "p"});
    let profile = client.make("/v1/profiles", body).await.ok();
    let service_path = format!("/v1/serviceids/{}", id(&made));
    let profile_path = format!("/v1/profiles/{}", id(&profile));
    let paths = [
        service_path.clone(),
        profile_path.clone(),
        format!("{profile_path}/rules"),
        format!("{profile_path}/identities"),
        format!("/v1/apikeys/{}", id(&made["apikey"])),
        format!("/v2/accounts/{account}/users"),
        format!("/v2/accounts/{account}/users/{}", region.owner.owner),
        format!("/v2/accounts/{}/users/{}", other.account, region.owner.owner),
    ];
    for path in &paths {
        assert_eq!(attacker.fetch(path).await.status, 404, "{path}");
        assert_eq!(attacker.drop_at(path).await.status.min(405) / 100, 4, "{path}");
    }
    for path in [&paths[0], &paths[1], &paths[4]] {
        assert_eq!(attacker.put(path, json!({"name": "mine"}), "*").await.status, 404, "{path}");
        assert_eq!(attacker.drop_at(path).await.status, 404, "{path}");
        for switch in ["lock", "disable"] {
            let seen = attacker.make(&format!("{path}/{switch}"), Value::Null).await;
            assert_eq!(seen.status, 404, "{path}/{switch}");
        }
    }
    let identity = json!({"type": "user", "identifier": other.owner.as_str()});
    let seen = attacker.make(&format!("{profile_path}/identities/user"), identity).await;
    assert_eq!(seen.status, 404);
    let body = json!({"account_id": account, "name": "x"});
    assert_eq!(refused(&attacker.make("/v1/serviceids/", body).await).0, 403);
    let key = json!({"name": "k", "iam_id": text(&made, "iam_id")});
    assert_eq!(refused(&attacker.make("/v1/apikeys", key).await).0, 404);
    let key = text(&made["apikey"], "apikey");
    let seen = attacker
        .ask(Method::GET, "/v1/apikeys/details", Value::Null, &[("iam-apikey", &key)])
        .await;
    assert_eq!(refused(&seen).0, 404);
    assert_eq!(client.fetch(&service_path).await.ok()["entity_tag"], made["entity_tag"]);
    assert_eq!(client.fetch(&profile_path).await.ok()["entity_tag"], profile["entity_tag"]);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_second_use_ends_the_session() {
    let region = Region::new().await;
    let client = region.client().await;
    let form = [("grant_type", APIKEY), ("apikey", region.owner.api_key.as_str())];
    let first = text(&client.grant(&form, true).await.ok(), "refresh_token");
    let second = client.by_refresh(&first).await.ok();
    let session = |body: &Value| {
        let client = Client { token: Some(text(body, "access_token")), ..client.clone() };
        text(&claims(&client), "session_id")
    };
    let third = client.by_refresh(&text(&second, "refresh_token")).await.ok();
    assert_eq!(session(&second), session(&third));
    assert_eq!(not_granted(&client.by_refresh(&first).await), (400, "BXNIM0439E".to_owned()));
    let newest = text(&third, "refresh_token");
    assert_eq!(not_granted(&client.by_refresh(&newest).await), (400, "BXNIM0439E".to_owned()));
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_with_a_sign_out() {
    let region = Region::new().await;
    let client = region.client().await;
    let body = json!({"name": "k", "iam_id": region.owner.owner.as_str()});
    let key = client.make("/v1/apikeys", body).await.ok();
    let value = text(&key, "apikey");
    let login = || async {
        let form = [("grant_type", APIKEY), ("apikey", value.as_str())];
        client.grant(&form, true).await.ok()
    };
    let refresh = text(&login().await, "refresh_token");
    client.make(&format!("/v1/apikeys/{}/disable", id(&key)), Value::Null).await;
    assert_eq!(not_granted(&client.by_refresh(&refresh).await), (400, "BXNIM0439E".to_owned()));
    client.drop_at(&format!("/v1/apikeys/{}/disable", id(&key))).await;

    let before = login().await;
    let old = Client { token: Some(text(&before, "access_token")), ..client.clone() };
    assert_eq!(old.get("regions").await.status, 200);
    assert_eq!(region.control.account_sign_out(&region.owner.account, None).await.unwrap(), 1);
    assert_eq!(old.get("regions").await.refused(), (401, "token_invalid"));
    let refresh = text(&before, "refresh_token");
    assert_eq!(not_granted(&client.by_refresh(&refresh).await), (400, "BXNIM0439E".to_owned()));
    // Keys sign in again; time goes on by less than a second.
    region.clock.advance(Duration::from_millis(1));
    let again = client.with(client.by_key(&value).await);
    assert_eq!(again.get("regions").await.status, 200);
}

#[tokio::test]
async fn token_keys_are_rotated_and_old_tokens_live_on() {
    let region = Region::new().await;
    let before = region.client().await;
    let stranger = region.stranger();
    // The newest key is the first: they are not made at the same time.
    region.clock.advance(Duration::from_millis(1));
    let kid = region.control.token_key_rotate().await.unwrap();
    let keys = stranger.fetch("/identity/keys").await.ok();
    let kids: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|k| text(k, "kid")).collect();
    assert_eq!((kids.len(), &kids[0]), (2, &kid));
    assert_eq!(before.get("regions").await.status, 200);
    assert_eq!(region.client().await.get("regions").await.status, 200);
    // Once no token of it can live, the old key is nothing.
    region.clock.advance(Duration::from_secs(100 * 3_600));
    region.control.token_key_rotate().await.unwrap();
    let keys = stranger.fetch("/identity/keys").await.ok();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    assert!(!keys.to_string().contains(&kids[1]));
}

#[tokio::test]
async fn forged_tokens_are_nothing() {
    let region = Region::new().await;
    let stranger = region.stranger();
    let good = region.client().await.token.unwrap();
    let parts: Vec<_> = good.split('.').collect();
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["exp"] = 9_999_999_999_i64.into();
    let later = encode(claims.clone());
    let none = encode(json!({"alg": "none", "typ": "JWT", "kid": header["kid"]}));
    let hmac = encode(json!({"alg": "HS256", "typ": "JWT", "kid": header["kid"]}));
    let unknown = encode(json!({"alg": "RS256", "typ": "JWT", "kid": "other"}));
    for (what, token) in [
        ("another claim", format!("{}.{later}.{}", parts[0], parts[2])),
        ("no signature", format!("{none}.{}.", parts[1])),
        ("alg none with one", format!("{none}.{}.{}", parts[1], parts[2])),
        ("another algorithm", format!("{hmac}.{}.{}", parts[1], parts[2])),
        ("an unknown key", format!("{unknown}.{}.{}", parts[1], parts[2])),
        ("no claims", format!("{}..{}", parts[0], parts[2])),
        ("too long", "a".repeat(20_000)),
    ] {
        let client = Client { token: Some(token), ..stranger.clone() };
        assert_eq!(client.get("regions").await.refused(), (401, "token_invalid"), "{what}");
    }
}

#[tokio::test]
async fn grants_that_are_not_served_or_not_whole_are_refused_in_iams_words() {
    let region = Region::new().await;
    let client = region.stranger();
    let key = region.owner.api_key.clone();
    for (form, code) in [
        (vec![("grant_type", APIKEY), ("apikey", &*key), ("response_type", "uaa")], "BXNIM0106E"),
        (vec![("grant_type", "password"), ("username", "a"), ("password", "b")], "BXNIM0119E"),
        (vec![("grant_type", "urn:ibm:params:oauth:grant-type:cr-token")], "BXNIM0119E"),
        (vec![("grant_type", "urn:ibm:params:oauth:grant-type:passcode")], "BXNIM0119E"),
        (vec![("grant_type", ASSUME), ("access_token", "x")], "BXNIM0109E"),
        (vec![("grant_type", ASSUME), ("access_token", "x"), ("profile_id", "p")], "BXNIM0407E"),
        (vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "BXNIM0408E"),
    ] {
        let seen = client.grant(&form, false).await;
        assert_eq!(not_granted(&seen), (400, code.to_owned()), "{form:?}");
    }
    let scoped = [("grant_type", APIKEY), ("apikey", &*key), ("scope", "ibm openid iam")];
    assert_eq!(client.grant(&scoped, false).await.ok()["scope"], "ibm openid");
}
