//! A region for tests, in a temporary directory, and a client that speaks to its router.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, header},
};
use base::{Clock, Entropy, ManualClock, OsEntropy, RegionName, Timestamp};
use compute::{Fake, FakeConfig};
use control::{Config, Control, Credentials, Parts, StockImage, Storage, StorageConfig};
use ectype_server::ServerConfig;
use http_body_util::BodyExt;
use kms::FileKeyStore;
use meta::SqlStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tower::ServiceExt;

use crate::contract;

/// Version and generation as IBM's Python SDK sends them.
pub const QUERY: &str = "version=2026-10-06&generation=2";
pub const RSA: &str = include_str!("keys/rsa.pub");
pub const ED25519: &str = include_str!("keys/ed25519.pub");

/// Writes the log of the tests when `RUST_LOG` asks for it.
fn log() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

/// A region that lives as long as this.
pub struct Region {
    pub control: Arc<Control>,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    pub owner: Credentials,
    dir: TempDir,
}

/// A directory that the first start has been through, and its credentials. Every region of the
/// tests begins as a copy: the first start makes an RSA key, which takes a while.
/// It stays open, so that its database's files do not change while they are copied.
static FIRST_START: OnceCell<(TempDir, Credentials, Arc<Control>)> = OnceCell::const_new();

async fn first_start() -> &'static (TempDir, Credentials, Arc<Control>) {
    let make = || async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(clock());
        let (control, owner) = open(dir.path(), &clock).await;
        (dir, owner.unwrap(), control)
    };
    FIRST_START.get_or_init(make).await
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::parse("2026-11-24T10:00:00Z").unwrap())
}

/// Opens the region of a directory; credentials when it is its first start.
async fn open(dir: &Path, clock: &Arc<ManualClock>) -> (Arc<Control>, Option<Credentials>) {
    let at = |name: &str| dir.join(name);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let time = || Arc::clone(clock) as Arc<dyn Clock>;
    let url = format!("sqlite:{}", at("db").display());
    let store = SqlStore::open_volatile(&url, time(), Arc::clone(&entropy)).await.unwrap();
    let keys = FileKeyStore::open_or_create(&at("keys"), Arc::clone(&entropy)).unwrap();
    let keys: Arc<dyn kms::KeyStore> = Arc::new(keys);
    let config = StorageConfig {
        store_dir: at("store"),
        volumes_dir: at("volumes"),
        run_dir: at("run"),
        program: "/nowhere".into(),
    };
    let storage = Storage::open(config, Arc::clone(&keys), Arc::clone(&entropy)).unwrap();
    let fake =
        FakeConfig { root: at("guests"), start_delay: Duration::ZERO, stop_delay: Duration::ZERO };
    let parts = Parts {
        store: Arc::new(store),
        storage: Arc::new(storage),
        keys,
        hypervisor: Arc::new(Fake::new(fake, time()).unwrap()),
        clock: time(),
        entropy,
    };
    let config = Config {
        region: RegionName::parse("us-south").unwrap(),
        host: "test".to_owned(),
        powerdown_deadline: Duration::from_secs(1),
    };
    Control::open(parts, config).await.unwrap()
}

impl Region {
    /// A region without stock images.
    pub async fn new() -> Self {
        log();
        let (template, owner, _) = first_start().await;
        let dir = tempfile::tempdir().unwrap();
        copy(template.path(), dir.path());
        let clock = Arc::new(clock());
        let (control, _) = open(dir.path(), &clock).await;
        let url = "http://127.0.0.1:9000".to_owned();
        let config = ServerConfig {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..ServerConfig::new(control.region().clone(), url)
        };
        let router = ectype_server::router(Arc::clone(&control), config);
        Self { control, router, clock, owner: owner.clone(), dir }
    }

    /// A region with a stock image; the client is its owner.
    pub async fn with_stock() -> (Self, Client) {
        let region = Self::new().await;
        region.stock("ibm-ectype-1", b"first").await;
        let client = region.client().await;
        (region, client)
    }

    /// Adds a stock image of the same operating system.
    pub async fn stock(&self, name: &str, bytes: &[u8]) {
        let file = self.dir.path().join("stock.raw");
        std::fs::write(&file, bytes).unwrap();
        let stock = StockImage {
            name: name.to_owned(),
            operating_system: "debian-12-amd64".to_owned(),
            file,
        };
        assert!(self.control.stock_add(stock).await.unwrap());
    }

    /// Runs what is queued until nothing is.
    pub async fn settle(&self) {
        while self.control.jobs_drain().await.unwrap() > 0 {}
    }

    /// The owner of the first account, signed in.
    pub async fn client(&self) -> Client {
        self.sign_in(&self.owner.api_key).await
    }

    /// Whoever has this API key, signed in.
    pub async fn sign_in(&self, api_key: &str) -> Client {
        let token = self.control.token_by_api_key(api_key).await.ok().unwrap().access_token;
        Client { router: self.router.clone(), token: Some(token) }
    }

    /// Someone without token.
    pub fn stranger(&self) -> Client {
        Client { router: self.router.clone(), token: None }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Seen {
    /// Status and code of an error; also checks its shape.
    pub fn refused(&self) -> (u16, &str) {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(errors.len(), 1, "{self:?}");
        assert_eq!(self.body["trace"], self.header("x-request-id"), "{self:?}");
        assert!(errors[0]["message"].as_str().unwrap().len() > 10, "{self:?}");
        (self.status, errors[0]["code"].as_str().unwrap())
    }

    /// Name of the target of an error.
    pub fn target(&self) -> &str {
        self.body["errors"][0]["target"]["name"].as_str().unwrap_or_default()
    }

    /// The body of a call that went well.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }
}

/// A client of the router.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub token: Option<String>,
}

impl Client {
    pub async fn send(&self, mut request: Request<Body>) -> Seen {
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().entry(header::AUTHORIZATION).or_insert(value);
        }
        let host = "127.0.0.1:9000".parse().unwrap();
        request.headers_mut().entry(header::HOST).or_insert(host);
        let (asked, request) = noted(request).await;
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let seen = Seen {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        contract::hold(&asked, seen.status, seen.header("content-type"), &seen.body);
        seen
    }

    /// Any call of the VPC API.
    pub async fn call(&self, method: Method, path: &str, body: &str) -> Seen {
        self.call_with(method, path, body, &[]).await
    }

    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Seen {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut request = Request::builder().method(method).uri(format!("/v1/{path}{join}{QUERY}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.call(Method::GET, path, "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Seen {
        self.call(Method::POST, path, &body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Seen {
        self.call(Method::PATCH, path, &body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Seen {
        self.call(Method::DELETE, path, "").await
    }

    /// `GET` of a path outside the VPC API.
    pub async fn fetch(&self, path: &str) -> Seen {
        self.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
    }
}

/// A request, and what the contract must know of it.
async fn noted(request: Request<Body>) -> (contract::Asked, Request<Body>) {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let asked = contract::Asked {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: bytes.to_vec(),
    };
    (asked, Request::from_parts(parts, Body::from(bytes)))
}

/// Id of a body.
pub fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// A VPC with a subnet in the first zone; the subnet's id.
pub async fn subnet(client: &Client) -> String {
    let vpc = client.post("vpcs", json!({})).await.ok();
    let body = json!({"vpc": {"id": vpc["id"]}, "zone": {"name": "us-south-1"},
        "total_ipv4_address_count": 16});
    id(&client.post("subnets", body).await.ok())
}

/// The available stock image.
pub async fn stock_image(client: &Client) -> String {
    let list = client.get("images?visibility=public&status=available").await.ok();
    id(&list["images"][0])
}

/// A prototype of an instance of `image` in `subnet`.
pub fn prototype(image: &str, subnet: &str) -> Value {
    json!({
        "image": {"id": image},
        "zone": {"name": "us-south-1"},
        "profile": {"name": "bx2-2x8"},
        "primary_network_interface": {"subnet": {"id": subnet}},
    })
}

/// A running instance of the stock image.
pub async fn running(region: &Region, client: &Client) -> Value {
    let (image, subnet) = (stock_image(client).await, subnet(client).await);
    let made = client.post("instances", prototype(&image, &subnet)).await.ok();
    region.settle().await;
    let seen = client.get(&format!("instances/{}", id(&made))).await.ok();
    assert_eq!(seen["status"], "running", "{}", seen["status_reasons"]);
    seen
}

/// A stopped instance of the stock image, and its boot volume.
pub async fn stopped(region: &Region, client: &Client) -> (Value, String) {
    let made = running(region, client).await;
    let path = format!("instances/{}", id(&made));
    client.post(&format!("{path}/actions"), json!({"type": "stop"})).await.ok();
    region.settle().await;
    let seen = client.get(&path).await.ok();
    assert_eq!(seen["status"], "stopped");
    let volume = id(&seen["boot_volume_attachment"]["volume"]);
    (seen, volume)
}

/// An available image of a stopped instance's boot volume.
pub async fn image(region: &Region, client: &Client, name: &str) -> Value {
    let (_, volume) = stopped(region, client).await;
    let body = json!({"name": name, "source_volume": {"id": volume}});
    let made = client.post("images", body).await.ok();
    region.settle().await;
    let seen = client.get(&format!("images/{}", id(&made))).await.ok();
    assert_eq!(seen["status"], "available");
    seen
}
