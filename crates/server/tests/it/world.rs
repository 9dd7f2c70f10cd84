//! A region with something of each kind in it, and requests that name what is there.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::{Map, Value, json};

use crate::region::{Client, RSA, Region, Seen, id, stopped, subnet};

/// An operation as the document has it.
pub struct Operation {
    pub name: String,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub parameters: Vec<String>,
}

/// All of them but the operator's.
pub fn operations() -> Vec<Operation> {
    let document = ectype_server::openapi::document();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, entry) in methods.as_object().unwrap() {
            if entry.get("x-ectype-operator").is_some() {
                continue;
            }
            let body = &entry["requestBody"]["content"]["application/json"]["schema"];
            let parameters = entry["parameters"].as_array().unwrap().iter();
            let query = parameters.filter(|p| p["in"] == "query").map(|p| p["name"].as_str());
            all.push(Operation {
                name: entry["operationId"].as_str().unwrap().to_owned(),
                method: method.to_ascii_uppercase().parse().unwrap(),
                path: path.clone(),
                body: (!body.is_null()).then(|| body.clone()),
                parameters: query.map(|name| name.unwrap().to_owned()).collect(),
            });
        }
    }
    all
}

/// Something of each kind, to be named by requests.
pub struct World {
    pub region: Region,
    pub client: Client,
    /// By the words of the path that come before it.
    pub ids: BTreeMap<&'static str, String>,
}

impl World {
    pub async fn new() -> Self {
        let (region, client) = Region::with_stock().await;
        let (instance, volume) = stopped(&region, &client).await;
        let image = client.post("images", json!({"source_volume": {"id": volume}})).await.ok();
        region.settle().await;
        let subnet = subnet(&client).await;
        let net = client.get(&format!("subnets/{subnet}")).await.ok();
        let made = async |path: &str, body: Value| id(&client.post(path, body).await.ok());
        let (vpc, acl) = (id(&net["vpc"]), id(&net["network_acl"]));
        let template = json!({"image": {"id": id(&image)}, "zone": {"name": "us-south-1"},
            "profile": {"name": "bx2-2x8"},
            "primary_network_interface": {"subnet": {"id": subnet}}});
        let data = json!({"capacity": 10, "profile": {"name": "general-purpose"},
            "zone": {"name": "us-south-1"}});
        let group = made("security_groups", json!({"vpc": {"id": vpc}})).await;
        let rule = json!({"direction": "inbound", "protocol": "tcp"});
        let rule = made(&format!("security_groups/{group}/rules"), rule).await;
        let rules = client.get(&format!("network_acls/{acl}/rules")).await.ok();
        let prefixes = client.get(&format!("vpcs/{vpc}/address_prefixes")).await.ok();
        let action = json!({"type": "stop"});
        let instance_id = id(&instance);
        let ids = BTreeMap::from([
            ("images", id(&image)),
            ("volumes", made("volumes", data).await),
            ("instance/templates", made("instance/templates", template).await),
            ("keys", made("keys", json!({"public_key": RSA})).await),
            ("security_groups", group),
            ("security_groups/rules", rule),
            ("network_acls/rules", id(&rules["rules"][0])),
            ("network_acls", acl),
            ("vpcs/address_prefixes", id(&prefixes["address_prefixes"][0])),
            ("vpcs/routing_tables", id(&net["routing_table"])),
            ("floating_ips", made("floating_ips", json!({"zone": {"name": "us-south-1"}})).await),
            ("vpcs", vpc),
            (
                "subnets/reserved_ips",
                made(&format!("subnets/{subnet}/reserved_ips"), json!({})).await,
            ),
            ("subnets", subnet),
            ("instances/actions", made(&format!("instances/{instance_id}/actions"), action).await),
            ("instances/volume_attachments", id(&instance["boot_volume_attachment"])),
            ("instances/network_interfaces", id(&instance["primary_network_interface"])),
            ("instances", instance_id),
            ("boot", volume),
            ("resource_groups", id(&net["resource_group"])),
            ("regions", "us-south".to_owned()),
            ("regions/zones", "us-south-1".to_owned()),
            ("volume/profiles", "general-purpose".to_owned()),
            ("instance/profiles", "bx2-2x8".to_owned()),
            ("operating_systems", "debian-12-amd64".to_owned()),
            ("tags", "env:dev".to_owned()),
        ]);
        region.settle().await;
        let mut world = Self { region, client, ids };
        world.key_protect().await;
        world
    }

    /// An instance of Key Protect with a key that has an alias.
    async fn key_protect(&mut self) {
        let made = async |world: &Self, path: &str, body: Value| {
            let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            world.send(&Method::POST, path, "", body).await.ok()
        };
        let instance = json!({"name": "victim-keys", "resource_group": self.ids["resource_groups"],
            "resource_plan_id": "tiered-pricing", "target": "us-south"});
        let instance = made(self, "/v2/resource_instances", instance).await;
        let guid = instance["guid"].as_str().unwrap().to_owned();
        self.ids.insert("resource_instances", guid);
        let key = json!({"resources": [{"name": "victim-key", "extractable": false}]});
        let key = id(&made(self, "/api/v2/keys", key).await["resources"][0]);
        made(self, &format!("/api/v2/keys/{key}/aliases/victim-alias"), Value::Null).await;
        made(self, "/api/v2/key_rings/victim-ring", Value::Null).await;
        self.ids.insert("v2/keys", key);
        self.ids.insert("v2/keys/aliases", "victim-alias".to_owned());
        self.ids.insert("v2/key_rings", "victim-ring".to_owned());
    }

    /// The path with something that is there for each parameter, or with `bad` for the last.
    pub fn path(&self, template: &str, bad: Option<&str>) -> String {
        let parts: Vec<&str> = template.split('/').skip(2).collect();
        let words: Vec<&str> = parts.iter().filter(|p| !p.starts_with('{')).copied().collect();
        let mut out = String::from(&template[..template.len() - parts.join("/").len() - 1]);
        let last = parts.iter().rposition(|p| p.starts_with('{'));
        let mut seen = 0;
        for (at, part) in parts.iter().enumerate() {
            out.push('/');
            if !part.starts_with('{') {
                seen += 1;
                out.push_str(part);
            } else if let Some(bad) = bad.filter(|_| Some(at) == last) {
                out.push_str(bad);
            } else {
                let found = self.ids.get(words[..seen].join("/").as_str());
                out.push_str(found.map_or("r006-nothing", String::as_str));
            }
        }
        out
    }

    /// The sample, naming what is there.
    pub fn grounded(&self, field: &str, value: Value) -> Value {
        let named = match field {
            "image" => "images",
            "volume" => "volumes",
            "source_volume" => "boot",
            "source_template" => "instance/templates",
            "vpc" => "vpcs",
            "subnet" => "subnets",
            "network_acl" | "source_network_acl" => "network_acls",
            "routing_table" => "vpcs/routing_tables",
            "security_groups" | "remote" => "security_groups",
            "keys" => "keys",
            "before" => "network_acls/rules",
            "resource_group" => "resource_groups",
            _ => "",
        };
        match value {
            Value::Object(map) if ["id", "crn", "href"].iter().any(|k| map.contains_key(*k)) => {
                match self.ids.get(named) {
                    Some(id) => json!({ "id": id }),
                    None => Value::Object(map),
                }
            }
            Value::Object(map) => {
                let each = map.into_iter().map(|(k, v)| {
                    let v = self.grounded(&k, v);
                    (k, v)
                });
                Value::Object(each.collect::<Map<_, _>>())
            }
            Value::Array(items) => items.into_iter().map(|v| self.grounded(field, v)).collect(),
            other => other,
        }
    }

    pub async fn send(&self, method: &Method, path: &str, query: &str, body: Vec<u8>) -> Seen {
        let glue = if query.is_empty() { "" } else { "?" };
        let mut request =
            Request::builder().method(method.clone()).uri(format!("{path}{glue}{query}"));
        if let Some(instance) = self.ids.get("resource_instances") {
            request = request.header("bluemix-instance", instance);
        }
        self.client.send(request.body(Body::from(body)).unwrap()).await
    }
}
