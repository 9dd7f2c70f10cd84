//! How often: requests of a credential, and failures to sign in.

use std::num::NonZeroU32;

use axum::{
    body::Body,
    http::{Method, Request},
};
use ectype_server::{Peer, SIGN_IN_FAILURES_MAX, ServerConfig};

use crate::region::{Client, Region, Seen};

fn at(address: &str, request: axum::http::request::Builder, body: String) -> Request<Body> {
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(Peer(address.parse().unwrap()));
    request
}

async fn regions(client: &Client, address: &str) -> Seen {
    let path = format!("/v1/regions?{}", crate::region::QUERY);
    client.send(at(address, Request::builder().uri(path), String::new())).await
}

async fn sign_in(client: &Client, address: &str, key: &str) -> Seen {
    let form = format!("grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey={key}");
    let request = Request::builder().method(Method::POST).uri("/identity/token");
    client.send(at(address, request, form)).await
}

#[tokio::test]
async fn a_credential_that_asks_too_often_is_told_when_to_come_again() {
    let region = Region::new().await;
    let config = ServerConfig {
        clock: region.clock.clone(),
        requests_per_second: NonZeroU32::new(2),
        ..ServerConfig::new(region.control.region().clone(), "http://127.0.0.1:9000".to_owned())
    };
    let router = ectype_server::router(region.control.clone(), config);
    let client = Client { router: router.clone(), ..region.client().await };
    for at in 0..4 {
        assert_eq!(regions(&client, "10.0.0.1:1").await.status, 200, "{at}");
    }
    let seen = regions(&client, "10.0.0.9:1").await;
    assert_eq!(seen.refused(), (429, "rate_limit_exceeded"), "the address does not matter");
    assert_eq!(seen.header("retry-after"), "1");
    // Another credential, and the operator, are not held up.
    let other = region.control.account_create("other").await.unwrap();
    let other = Client { router: router.clone(), ..region.sign_in(&other.api_key).await };
    assert_eq!(regions(&other, "10.0.0.1:1").await.status, 200);
    assert_eq!(client.get("regions").await.status, 200);
    region.clock.advance(std::time::Duration::from_millis(500));
    assert_eq!(regions(&client, "10.0.0.1:1").await.status, 200);
}

#[tokio::test]
async fn an_address_that_fails_to_sign_in_too_often_waits() {
    let region = Region::new().await;
    let client = region.stranger();
    let key = region.owner.api_key.clone();
    for at in 0..SIGN_IN_FAILURES_MAX {
        let seen = sign_in(&client, "10.0.0.1:1", "wrong").await;
        assert_eq!((seen.status, &seen.body["errorCode"]), (400, &"BXNIM0415E".into()), "{at}");
    }
    let seen = sign_in(&client, "10.0.0.1:1", &key).await;
    assert_eq!((seen.status, &seen.body["errorCode"]), (429, &"BXNIM0429E".into()));
    let wait: u64 = seen.header("retry-after").parse().unwrap();
    assert_eq!(sign_in(&client, "10.0.0.2:1", &key).await.status, 200);
    region.clock.advance(std::time::Duration::from_secs(wait));
    assert_eq!(sign_in(&client, "10.0.0.1:1", &key).await.status, 200);
}
