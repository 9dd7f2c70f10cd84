//! `ectype fault`: failures on demand, for those who test against a region.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{cli::JsonArgs, data_dir::DataDir, operator::http};

const PATH: &str = "/_ectype/v1/faults";

/// Commands about faults.
#[derive(Subcommand)]
pub enum FaultCommand {
    /// The next calls of an operation are answered 429, 500 or 503, or delayed. Prints its id.
    Call(CallArgs),
    /// An image has this status until the fault is taken back. Prints its id.
    Image {
        /// Id of the image.
        id: String,
        /// The status, such as unusable.
        status: String,
        /// The reason that is shown, such as `encryption_key_deleted`.
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        region: JsonArgs,
    },
    /// A volume has this status until the fault is taken back. Prints its id.
    Volume {
        /// Id of the volume.
        id: String,
        /// The status, such as failed.
        status: String,
        #[command(flatten)]
        region: JsonArgs,
    },
    /// List the faults that are planned or in force.
    List(JsonArgs),
    /// Take a fault back.
    Revoke {
        /// Its id; all faults when none.
        id: Option<String>,
        #[command(flatten)]
        region: JsonArgs,
    },
}

/// What becomes of calls.
#[derive(Args)]
pub struct CallArgs {
    /// Name of the operation, such as `create_image`; `*` for any.
    operation: String,
    /// Answer with this status: 429, 500 or 503.
    #[arg(long, required_unless_present = "delay_ms", conflicts_with = "delay_ms")]
    status: Option<u16>,
    /// With 429, the seconds of Retry-After.
    #[arg(long, value_name = "SECONDS", requires = "status")]
    retry_after: Option<u32>,
    /// Answer so many milliseconds later.
    #[arg(long, value_name = "MILLISECONDS")]
    delay_ms: Option<u64>,
    /// For so many calls.
    #[arg(long, default_value_t = 1)]
    count: u32,
    #[command(flatten)]
    region: JsonArgs,
}

/// Runs a command.
pub fn run(command: FaultCommand) -> anyhow::Result<()> {
    match command {
        FaultCommand::Call(args) => {
            let mut body = Map::new();
            body.insert("operation".to_owned(), json!(args.operation));
            body.insert("count".to_owned(), json!(args.count));
            match args.delay_ms {
                Some(ms) => {
                    body.insert("type".to_owned(), json!("delay"));
                    body.insert("delay_ms".to_owned(), json!(ms));
                }
                None => {
                    body.insert("type".to_owned(), json!("answer"));
                    body.insert("status".to_owned(), json!(args.status));
                    if let Some(seconds) = args.retry_after {
                        body.insert("retry_after".to_owned(), json!(seconds));
                    }
                }
            }
            add(args.region, &Value::Object(body))
        }
        FaultCommand::Image { id, status, reason, region } => {
            let mut body = json!({"type": "image_status", "id": id, "status": status});
            if let Some(reason) = reason {
                body["status_reason"] = json!(reason);
            }
            add(region, &body)
        }
        FaultCommand::Volume { id, status, region } => {
            add(region, &json!({"type": "volume_status", "id": id, "status": status}))
        }
        FaultCommand::List(args) => list(args),
        FaultCommand::Revoke { id, region } => {
            let path = id.map_or_else(|| PATH.to_owned(), |id| format!("{PATH}/{id}"));
            http::call(&DataDir::find(region.data.data)?, "DELETE", &path, None).map(drop)
        }
    }
}

fn add(args: JsonArgs, body: &Value) -> anyhow::Result<()> {
    let made = http::call(&DataDir::find(args.data.data)?, "POST", PATH, Some(body))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&made)?);
    } else {
        println!("{}", made["id"].as_str().unwrap_or_default());
    }
    Ok(())
}

fn list(args: JsonArgs) -> anyhow::Result<()> {
    let seen = http::call(&DataDir::find(args.data.data)?, "GET", PATH, None)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&seen)?);
        return Ok(());
    }
    for fault in seen["faults"].as_array().into_iter().flatten() {
        let text = |name: &str| match &fault[name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let what = if fault["operation"].is_null() { "status_reason" } else { "operation" };
        println!(
            "{:<40} {:<14} {:<20} {:<24} {}",
            text("id"),
            text("type"),
            text("status"),
            text(what),
            text("remaining")
        );
    }
    Ok(())
}
