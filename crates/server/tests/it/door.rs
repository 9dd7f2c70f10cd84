//! What is checked before any use case: route, sizes, token, version, generation, body.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::json;

use crate::region::{QUERY, Region};

#[tokio::test]
async fn a_token_is_needed_and_must_be_good() {
    let region = Region::new().await;
    let stranger = region.stranger();
    assert_eq!(stranger.get("images").await.refused(), (401, "token_missing"));
    for header in ["Basic YTpi", "Bearer", "Bearer "] {
        let headers = [("authorization", header)];
        let seen = stranger.call_with(Method::GET, "images", "", &headers).await;
        assert_eq!(seen.refused(), (401, "token_missing"), "{header}");
    }
    let good = region.client().await.token.unwrap();
    let (head, _) = good.rsplit_once('.').unwrap();
    for token in ["x", "a.b.c", &format!("{head}.AAAA"), &good[1..]] {
        let value = format!("Bearer {token}");
        let headers = [("authorization", value.as_str())];
        let seen = stranger.call_with(Method::GET, "images", "", &headers).await;
        assert_eq!(seen.refused(), (401, "token_invalid"), "{token}");
    }
    let value = format!("bearer {good}");
    let headers = [("authorization", value.as_str())];
    assert_eq!(stranger.call_with(Method::GET, "images", "", &headers).await.status, 200);
}

#[tokio::test]
async fn a_token_ends() {
    let region = Region::new().await;
    let client = region.client().await;
    region.clock.advance(Duration::from_secs(3_599));
    assert_eq!(client.get("images").await.status, 200);
    region.clock.advance(Duration::from_secs(1));
    assert_eq!(client.get("images").await.refused(), (401, "token_invalid"));
}

#[tokio::test]
async fn version_and_generation_are_needed() {
    let region = Region::new().await;
    let client = region.client().await;
    for (query, code) in [
        ("generation=2", "missing_version"),
        ("version=&generation=2", "missing_version"),
        ("version=now&generation=2", "invalid_version"),
        ("version=2018-12-31&generation=2", "invalid_version_range"),
        ("version=2026-11-25&generation=2", "version_not_supported"),
        ("version=2026-11-24", "missing_generation_parameter"),
        ("version=2026-11-24&generation=1", "invalid_generation_parameter"),
    ] {
        let seen = client.fetch(&format!("/v1/images?{query}")).await;
        assert_eq!(seen.refused(), (400, code), "{query}");
    }
    for version in ["2019-01-01", "2026-11-24"] {
        let path = format!("/v1/images?version={version}&generation=2");
        assert_eq!(client.fetch(&path).await.status, 200, "{version}");
    }
}

#[tokio::test]
async fn checks_come_in_their_fixed_order() {
    let region = Region::new().await;
    let (stranger, client) = (region.stranger(), region.client().await);
    assert_eq!(stranger.fetch("/v1/nothing").await.refused(), (404, "invalid_route"));
    assert_eq!(stranger.fetch("/v1/images").await.refused(), (401, "token_missing"));
    let post = Request::builder().method(Method::POST).uri("/v1/images");
    let seen = client.send(post.body(Body::from("{")).unwrap()).await;
    assert_eq!(seen.refused(), (400, "missing_version"));
    assert_eq!(client.call(Method::POST, "images", "{").await.refused(), (400, "bad_request"));
}

#[tokio::test]
async fn paths_are_unknown_known_or_have_another_method() {
    let region = Region::new().await;
    let client = region.client().await;
    for path in ["/", "/v1", "/v1/image", "/v1/images/", "/v3/images", "/v1/images/a/b/c"] {
        assert_eq!(client.fetch(path).await.refused(), (404, "invalid_route"), "{path}");
    }
    for path in [
        "snapshots",
        "instance_groups",
        "images/x/export_jobs",
        "virtual_network_interfaces/x/floating_ips",
        "endpoint_gateways",
        "load_balancers",
        "vpn_gateways",
    ] {
        assert_eq!(client.get(path).await.refused(), (501, "not_implemented"), "{path}");
    }
    let seen = client.call(Method::PUT, "images", "").await;
    assert_eq!(seen.refused(), (405, "method_not_allowed"));
    let seen = client.call(Method::DELETE, "regions", "").await;
    assert_eq!(seen.refused(), (405, "method_not_allowed"));
}

#[tokio::test]
async fn a_body_is_json_whatever_its_type_says() {
    let region = Region::new().await;
    let client = region.client().await;
    for content_type in [
        "application/json",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ] {
        let headers = [("content-type", content_type)];
        let seen = client.call_with(Method::POST, "vpcs", "{}", &headers).await;
        assert_eq!(seen.status, 201, "{content_type}");
    }
    for body in ["", "[]", "null", "\"x\"", "{\"name\":", "name=x", "{}{}"] {
        let seen = client.call(Method::POST, "vpcs", body).await;
        assert_eq!(seen.refused(), (400, "bad_request"), "{body}");
    }
}

#[tokio::test]
async fn a_body_at_its_limit() {
    let region = Region::new().await;
    let client = region.client().await;
    let body = |len: usize| {
        let mut text = String::from("{\"name\":1}");
        text.extend(std::iter::repeat_n(' ', len - text.len()));
        text
    };
    let fits = client.call(Method::POST, "vpcs", &body(ectype_server::BODY_BYTES_MAX)).await;
    assert_eq!(fits.refused(), (400, "validation_invalid_field_type"));
    let over = client.call(Method::POST, "vpcs", &body(ectype_server::BODY_BYTES_MAX + 1)).await;
    assert_eq!(over.refused(), (413, "request_too_large"));
}

#[tokio::test]
async fn paths_and_headers_at_their_limits() {
    let region = Region::new().await;
    let client = region.client().await;
    let path = |len: usize| format!("/v1/{}", "a".repeat(len - "/v1/".len()));
    let fits = client.fetch(&path(ectype_server::URI_BYTES_MAX)).await;
    assert_eq!(fits.refused(), (404, "invalid_route"));
    let over = client.fetch(&path(ectype_server::URI_BYTES_MAX + 1)).await;
    assert_eq!(over.refused(), (414, "uri_too_long"));
    let long = "a".repeat(ectype_server::HEADER_BYTES_MAX);
    let seen = client.call_with(Method::GET, "images", "", &[("x-long", &long)]).await;
    assert_eq!(seen.refused(), (431, "request_header_fields_too_large"));
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_is_not_cached() {
    let region = Region::new().await;
    let client = region.client().await;
    let headers = [("x-request-id", "my-id.1")];
    for path in ["regions", "nothing", "images/x"] {
        let seen = client.call_with(Method::GET, path, "", &headers).await;
        assert_eq!(seen.header("x-request-id"), "my-id.1");
        assert_eq!(seen.header("x-correlation-id"), "my-id.1");
        assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
        assert!(seen.header("cache-control").contains("no-store"));
    }
    let minted = client.get("regions").await;
    assert_eq!(minted.header("x-request-id").len(), 36);
    let evil = [("x-request-id", "a b{}")];
    let seen = client.call_with(Method::GET, "regions", "", &evil).await;
    assert_eq!(seen.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn hrefs_begin_with_the_address_that_the_client_used() {
    let region = Region::new().await;
    let client = region.client().await;
    let host = [("host", "region.example:8443")];
    let seen = client.call_with(Method::GET, "regions", "", &host).await.ok();
    let first = &seen["regions"][0];
    assert_eq!(first["href"], "http://region.example:8443/v1/regions/us-south");
    assert_eq!(first["endpoint"], "http://region.example:8443");
    let evil = [("host", "evil/../")];
    let seen = client.call_with(Method::GET, "regions", "", &evil).await;
    assert!(!seen.text.contains("evil"), "{}", seen.text);
}

#[tokio::test]
async fn regions_zones_and_systems_are_there() {
    let region = Region::new().await;
    let client = region.client().await;
    assert_eq!(client.get("regions/us-south").await.ok()["status"], "available");
    assert_eq!(client.get("regions/eu-de").await.refused(), (404, "not_found"));
    let zones = client.get("regions/us-south/zones").await.ok();
    assert_eq!(zones["zones"].as_array().unwrap().len(), 3);
    let zone = client.get("regions/us-south/zones/us-south-2").await.ok();
    assert_eq!(zone["region"]["name"], "us-south");
    assert_eq!(client.get("regions/us-south/zones/x").await.refused(), (404, "not_found"));
    let os = client.get("operating_systems/debian-12-amd64").await.ok();
    assert_eq!(os["user_data_format"], "cloud_init");
    assert_eq!(client.get("operating_systems/dos").await.refused(), (404, "not_found"));
    assert_eq!(client.get("volume/profiles/custom").await.ok()["family"], "custom");
    let old = format!("/v1/instance/profiles?{}", QUERY.replace("2026-10-06", "2026-04-06"));
    let old = client.fetch(&old).await.ok();
    assert!(old.get("limit").is_none());
    assert!(old["profiles"][0].get("supported_vcpu_count").is_some());
}

#[tokio::test]
async fn health_and_figures_are_open_and_name_no_one() {
    let region = Region::new().await;
    let stranger = region.stranger();
    assert_eq!(stranger.fetch("/healthz").await.ok(), json!({"status": "ok"}));
    region.client().await.get("images").await.ok();
    let metrics = stranger.fetch("/metrics").await;
    assert_eq!(metrics.status, 200);
    let counted = "ectype_requests_total{operation=\"list_images\",status=\"2xx\"} 1";
    assert!(metrics.text.contains(counted), "{}", metrics.text);
    assert!(!metrics.text.contains(region.owner.account.as_str()));
}
