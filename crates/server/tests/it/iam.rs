//! Sign-in over HTTP.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::region::{Client, Region, Seen};

const GRANT: &str = "urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey";

async fn token(client: &Client, path: &str, form: &str, basic: Option<&str>) -> Seen {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        request = request.header("authorization", format!("Basic {basic}"));
    }
    client.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_api_key_gives_a_token_at_both_paths_with_and_without_client() {
    let region = Region::new().await;
    let stranger = region.stranger();
    let form =
        format!("grant_type={GRANT}&response_type=cloud_iam&apikey={}", region.owner.api_key);
    for path in ["/identity/token", "/oidc/token", "/identity/token?account=x"] {
        for basic in [None, Some("Yng6Yng=")] {
            let seen = token(&stranger, path, &form, basic).await.ok();
            assert_eq!(seen["token_type"], "Bearer");
            assert_eq!(seen["expires_in"], 3_600);
            assert_eq!(seen["scope"], "ibm openid");
            let wall = base::Clock::wall(&*region.clock).seconds();
            assert_eq!(seen["expiration"], wall + 3_600);
            assert_eq!(seen["refresh_token"] == "not_supported", basic.is_none());
            let access = seen["access_token"].as_str().unwrap();
            let claims = claims(access);
            assert_eq!(claims["account"]["bss"], region.owner.account.as_str());
            for claim in ["id", "iam_id", "iss", "iat", "exp", "sub", "email"] {
                assert!(!claims[claim].is_null(), "{claim}");
            }
            let client = Client { token: Some(access.to_owned()), ..stranger.clone() };
            assert_eq!(client.get("regions").await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_token() {
    let region = Region::new().await;
    let stranger = region.stranger();
    let form = format!("grant_type={GRANT}&apikey={}", region.owner.api_key);
    let first = token(&stranger, "/identity/token", &form, Some("Yng6Yng=")).await.ok();
    region.clock.advance(Duration::from_secs(4_000));
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let next = token(&stranger, "/identity/token", &form, Some("Yng6Yng=")).await.ok();
    let access = next["access_token"].as_str().unwrap().to_owned();
    let client = Client { token: Some(access.clone()), ..stranger.clone() };
    assert_eq!(client.get("regions").await.status, 200);
    let client = Client { token: Some(refresh.to_owned()), ..stranger.clone() };
    assert_eq!(client.get("regions").await.refused(), (401, "token_invalid"));
    let form = format!("grant_type=refresh_token&refresh_token={access}");
    let wrong = token(&stranger, "/identity/token", &form, None).await;
    assert_eq!((wrong.status, &wrong.body["errorCode"]), (400, &"BXNIM0408E".into()));
    region.clock.advance(Duration::from_secs(72 * 3_600));
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(token(&stranger, "/identity/token", &form, None).await.status, 400);
}

#[tokio::test]
async fn sign_in_that_fails_has_iams_shape() {
    let region = Region::new().await;
    let stranger = region.stranger();
    for (form, basic, status, code) in [
        (format!("grant_type={GRANT}&apikey=wrong"), None, 400, "BXNIM0415E"),
        (format!("grant_type={GRANT}"), None, 400, "BXNIM0109E"),
        (String::new(), None, 400, "BXNIM0109E"),
        ("grant_type=password&username=a&password=b".to_owned(), None, 400, "BXNIM0119E"),
        (format!("grant_type={GRANT}&apikey=x"), Some("eDp4"), 401, "BXNIM0106E"),
    ] {
        let seen = token(&stranger, "/identity/token", &form, basic).await;
        assert_eq!((seen.status, seen.body["errorCode"].as_str()), (status, Some(code)), "{form}");
        assert!(seen.body["errorMessage"].is_string());
        assert_eq!(seen.body["context"]["requestId"], seen.header("transaction-id"));
    }
}

#[tokio::test]
async fn keys_and_discovery_are_public() {
    let region = Region::new().await;
    let stranger = region.stranger();
    let keys = stranger.fetch("/identity/keys").await.ok();
    let token = region.client().await.token.unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["alg"], "RS256");
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
    assert!(keys["keys"][0].get("use").is_none());
    let found = stranger.fetch("/identity/.well-known/openid-configuration").await.ok();
    assert_eq!(found["token_endpoint"], "http://127.0.0.1:9000/identity/token");
    assert_eq!(found["issuer"], "https://iam.cloud.ibm.com/identity");
}
