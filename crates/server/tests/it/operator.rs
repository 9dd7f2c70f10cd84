//! What only the operator may: through its socket, and by no token.

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::region::{Region, id, image};

/// Asks as the operator's socket does.
async fn operator(region: &Region, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let served = tokio::spawn(ectype_server::serve_operator(server, region.router.clone()));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} /_ectype/v1/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \
         {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    served.await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errors"][0]["code"].as_str().unwrap_or_default())
}

/// An account's owner is not the operator, and the operator needs no token.
#[tokio::test]
async fn the_operators_paths_open_to_no_token() {
    let region = Region::new().await;
    let client = region.client().await;
    for (method, path) in [
        (Method::GET, "clock"),
        (Method::POST, "clock"),
        (Method::GET, "faults"),
        (Method::POST, "faults"),
        (Method::DELETE, "faults"),
        (Method::DELETE, "faults/call-1"),
    ] {
        for who in [&client, &region.stranger()] {
            let request = axum::http::Request::builder()
                .method(method.clone())
                .uri(format!("/_ectype/v1/{path}"))
                .body(axum::body::Body::empty())
                .unwrap();
            assert_eq!(who.send(request).await.refused(), (403, "not_authorized"), "{path}");
        }
    }
    let (status, clock) = operator(&region, "GET", "clock", Value::Null).await;
    assert_eq!((status, &clock["virtual"]), (200, &json!(false)));
    assert_eq!(clock["region_time"], clock["wall_time"]);
    let moved = operator(&region, "POST", "clock", json!({"action": "freeze"})).await;
    assert_eq!(code(&moved), (409, "invalid_state"), "it follows the machine's time");
    let wrong = operator(&region, "POST", "clock", json!({"action": "back"})).await;
    assert_eq!(code(&wrong), (400, "validation_enum"));
}

/// B9: the next calls of an operation fail as they are told, without an effect, and only those.
#[tokio::test]
async fn calls_fail_as_they_are_told() {
    let region = Region::new().await;
    let client = region.client().await;
    let plan = async |body: Value| operator(&region, "POST", "faults", body).await;
    let unknown = json!({"type": "answer", "operation": "no_such", "status": 500});
    assert_eq!(code(&plan(unknown).await), (400, "validation_enum"));
    let own = json!({"type": "answer", "operation": "ectype_faults", "status": 500});
    assert_eq!(code(&plan(own).await), (400, "validation_enum"));

    let busy = json!({"type": "answer", "operation": "create_vpc", "status": 429,
        "retry_after": 7, "count": 2});
    let (status, made) = plan(busy).await;
    assert_eq!((status, &made["id"], &made["remaining"]), (201, &json!("call-1"), &json!(2)));
    for _ in 0..2 {
        let seen = client.post("vpcs", json!({"name": "a"})).await;
        assert_eq!(seen.refused(), (429, "rate_limit_exceeded"));
        assert_eq!(seen.header("retry-after"), "7");
    }
    assert_eq!(client.get("vpcs").await.ok()["total_count"], 0, "nothing was made");
    client.post("vpcs", json!({"name": "a"})).await.ok();

    for (status, name) in [(500, "internal_error"), (503, "backend_service_unavailable")] {
        plan(json!({"type": "answer", "operation": "*", "status": status})).await;
        assert_eq!(client.get("vpcs").await.refused(), (status, name));
        assert_eq!(client.get("vpcs").await.status, 200);
    }
    let delay = json!({"type": "delay", "operation": "list_vpcs", "delay_ms": 1, "count": 3});
    plan(delay).await;
    assert_eq!(client.get("vpcs").await.status, 200);
    let (_, listed) = operator(&region, "GET", "faults", Value::Null).await;
    let fault = &listed["faults"][0];
    assert_eq!((&fault["type"], &fault["remaining"]), (&json!("delay"), &json!(2)));
    let path = format!("faults/{}", fault["id"].as_str().unwrap());
    assert_eq!(operator(&region, "DELETE", &path, Value::Null).await.0, 204);
    let again = operator(&region, "DELETE", &path, Value::Null).await;
    assert_eq!(code(&again), (404, "not_found"));
}

/// B9: an image has the status that it is told, with its reason, until that is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_has_the_status_that_is_forced() {
    let (region, client) = Region::with_stock().await;
    let made = image(&region, &client, "golden").await;
    let path = format!("images/{}", id(&made));
    let force = json!({"type": "image_status", "id": id(&made), "status": "unusable",
        "status_reason": "encryption_key_deleted"});
    let (status, fault) = operator(&region, "POST", "faults", force.clone()).await;
    assert_eq!((status, &fault["status_before"]), (201, &json!("available")));
    let again = operator(&region, "POST", "faults", force).await;
    assert_eq!(code(&again), (409, "invalid_state"));
    let seen = client.get(&path).await.ok();
    assert_eq!((&seen["status"], &seen["zones"]), (&json!("unusable"), &json!([])));
    assert_eq!(seen["status_reasons"][0]["code"], "encryption_key_deleted");
    let subnet = crate::region::subnet(&client).await;
    let refused = client.post("instances", crate::region::prototype(&id(&made), &subnet)).await;
    assert_eq!(refused.refused(), (409, "image_not_provisionable"));
    let volume = made["source_volume"]["id"].as_str().unwrap();
    let force = json!({"type": "volume_status", "id": volume, "status": "failed"});
    assert_eq!(operator(&region, "POST", "faults", force).await.0, 201);
    let seen = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!(seen["status"], "failed");
    let refused = client.post("images", json!({"source_volume": {"id": volume}})).await;
    assert_eq!(refused.refused(), (409, "image_source_volume_not_available"));
    let unknown = json!({"type": "image_status", "id": "r006-nothing", "status": "failed"});
    let unknown = operator(&region, "POST", "faults", unknown).await;
    assert_eq!(code(&unknown), (400, "bad_field"));
    assert_eq!(operator(&region, "DELETE", "faults", Value::Null).await.0, 204);
    assert_eq!(client.get(&path).await.ok()["status"], "available");
    let seen = client.get(&format!("volumes/{volume}")).await.ok();
    assert_eq!(seen["status"], "available");
}

/// Clients decide by the same tables as the region.
#[tokio::test(flavor = "multi_thread")]
async fn tables_and_lineage_are_served() {
    let (region, client) = Region::with_stock().await;
    let tables = client.fetch("/_ectype/v1/transitions").await.ok();
    assert_eq!(tables["images"].as_array().unwrap().len(), model::IMAGE_TRANSITIONS.len());
    let deprecate = json!({"from": "available", "on": "deprecate", "to": "deprecated",
        "when": ["deprecation_at_unset", "obsolescence_at_has_not_come"]});
    assert!(tables["images"].as_array().unwrap().contains(&deprecate));
    let stop = json!({"status": "running", "action": "stop", "course": "now", "force": false});
    assert!(tables["instances"].as_array().unwrap().contains(&stop));
    let made = image(&region, &client, "golden").await;
    let line = format!("/_ectype/v1/images/{}/lineage", id(&made));
    let line = client.fetch(&line).await.ok();
    assert_eq!(line["ancestors"][0]["name"], "ibm-ectype-1");
    assert_eq!(line["ancestors"][0]["deleted"], false);
    assert_eq!(line["instances"]["total_count"], 0);
    let stock = format!("/_ectype/v1/images/{}/lineage", id(&line["ancestors"][0]));
    let stock = client.fetch(&stock).await.ok();
    assert_eq!(stock["images"]["items"][0]["id"], id(&made));
    assert_eq!(stock["volumes"]["total_count"], 1);
    assert_eq!(client.fetch("/_ectype/v1/images/r006-x/lineage").await.status, 404);
}
