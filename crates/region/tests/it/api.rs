//! A client of the region's API: only what these tests need of HTTP.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use base::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::process::{Home, Server};

/// How long a resource may take to get where it should.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A signed-in client.
pub struct Api {
    address: String,
    token: String,
}

/// An instance and its boot volume.
pub struct Vm {
    pub id: String,
    pub volume: String,
}

/// Sends a request and reads the whole answer: status and body.
pub fn http(address: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    answer(stream)
}

/// Reads an answer to its end.
pub fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Asks until it is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::new();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.monotonic() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

impl Api {
    /// Signs in at a running server with what `ectype env` says.
    pub fn of(home: &Home, server: &Server) -> Self {
        let env: Value = serde_json::from_str(&home.said(&["env", "--json"])).unwrap();
        let address = server.url().trim_start_matches("http://").to_owned();
        let key = env["IBMCLOUD_API_KEY"].as_str().unwrap();
        let form = format!("grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey={key}");
        let head = "POST /identity/token HTTP/1.1\r\ncontent-type: \
                    application/x-www-form-urlencoded";
        let (status, body) = http(&address, head, &form);
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        Self { address, token: body["access_token"].as_str().unwrap().to_owned() }
    }

    /// Calls the VPC API, or an extension.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let glue = if path.contains('?') { '&' } else { '?' };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path}{glue}version=2025-12-09&generation=2 HTTP/1.1\r\nauthorization: \
             Bearer {}\r\ncontent-type: application/json",
            self.token
        );
        let (status, body) = http(&self.address, &head, &body);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("POST", path, body);
        assert!(matches!(status, 201 | 202), "{path}: {status} {answer}");
        answer
    }

    /// Waits for a status.
    pub fn wait(&self, path: &str, status: &str) -> Value {
        until(&format!("{path} to be {status}"), || {
            let seen = self.get(path);
            assert!(seen["status"] != "failed" || status == "failed", "{path}: {seen}");
            (seen["status"] == status).then_some(seen)
        })
    }

    /// The region's stock image.
    pub fn stock(&self) -> String {
        let images = self.get("/v1/images?visibility=public");
        images["images"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A subnet in a VPC of its own.
    pub fn subnet(&self) -> String {
        let vpc = self.post("/v1/vpcs", &json!({}));
        let subnet = self.post(
            "/v1/subnets",
            &json!({
                "vpc": {"id": vpc["id"]}, "zone": {"name": "us-south-1"},
                "total_ipv4_address_count": 16
            }),
        );
        subnet["id"].as_str().unwrap().to_owned()
    }

    /// A running instance.
    pub fn boot(&self, subnet: &str, image: &str, user_data: &str) -> Vm {
        self.boot_with(subnet, image, user_data, &[])
    }

    /// A running instance with SSH keys, by id.
    pub fn boot_with(&self, subnet: &str, image: &str, user_data: &str, keys: &[Value]) -> Vm {
        let keys: Vec<Value> = keys.iter().map(|id| json!({ "id": id })).collect();
        let made = self.post(
            "/v1/instances",
            &json!({
                "zone": {"name": "us-south-1"}, "profile": {"name": "cx2-2x4"},
                "image": {"id": image}, "user_data": user_data, "keys": keys,
                "primary_network_interface": {"subnet": {"id": subnet}}
            }),
        );
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let vm = Vm {
            id: text(&made["id"]),
            volume: text(&made["boot_volume_attachment"]["volume"]["id"]),
        };
        self.wait(&format!("/v1/instances/{}", vm.id), "running");
        vm
    }

    /// Stops an instance as its owner would.
    pub fn stop(&self, vm: &Vm) {
        self.post(&format!("/v1/instances/{}/actions", vm.id), &json!({"type": "stop"}));
        self.wait(&format!("/v1/instances/{}", vm.id), "stopped");
    }

    /// Begins an image of a boot volume; its id.
    pub fn capture(&self, vm: &Vm) -> String {
        let image = self.post("/v1/images", &json!({"source_volume": {"id": vm.volume}}));
        image["id"].as_str().unwrap().to_owned()
    }
}
