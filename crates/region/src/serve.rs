//! `ectype serve`: wires the ports, answers, and ends without losing anything.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use anyhow::Context;
use control::{Control, Credentials};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{
    catalog,
    data_dir::{self, DataDir, StoredCredentials},
    operator,
    settings::{GuestsOnExit, LogFormat, ServeArgs, Settings},
    standing, tls, wiring,
};

/// How long requests and jobs under way may take when the server ends.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// Threads of the runtime; the block engine has its own.
const RUNTIME_THREADS: usize = 4;

/// Why the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A signal: guests are treated as the settings say.
    Signal,
    /// `ectype stop`: guests end too.
    Stop,
}

/// Runs a region until it is told to end.
pub fn serve(args: ServeArgs) -> anyhow::Result<()> {
    export::protect_memory().context("protect the keys in memory")?;
    let settings = Settings::read(args)?;
    log_init(&settings)?;
    let data = DataDir::make(&settings.data)?;
    // Until the process ends, not only until this returns: a capture that was cut off writes in
    // its thread until then, and nobody else may use the directory meanwhile.
    std::mem::forget(data.lock()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .enable_all()
        .build()?;
    let served = runtime.block_on(run(settings, data));
    // Captures that were cut off go on in threads until their next chunk.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

fn log_init(settings: &Settings) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log)
        .with_context(|| format!("--log {}", settings.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    set.map_err(|error| anyhow::anyhow!("logging: {error}"))
}

async fn run(settings: Settings, data: DataDir) -> anyhow::Result<()> {
    // From the first moment on: whoever sees the ready line may send one.
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let standing = standing::of(&data)?;
    standing::check_credentials(&data, standing, &settings.region)?;
    let tls = tls::open(&settings.door.tls, &data, settings.listen)?;
    if settings.door.insecure {
        tracing::warn!(
            "--insecure-http: tokens and API keys cross the network to {} in the clear",
            settings.listen
        );
    }
    let wiring::Opened { region, credentials, database } =
        wiring::open(&settings, &data, standing).await?;
    let served =
        serve_region(&settings, &data, region, credentials, tls, (terminate, interrupt)).await;
    if tokio::time::timeout(DRAIN_DEADLINE, database.close()).await.is_err() {
        tracing::warn!("the database was not closed in time; the next start repairs it");
    }
    // Whoever waits for `ectype stop` waits for the end of this connection.
    drop(served?);
    let _ = std::fs::remove_file(data.path("endpoint"));
    let _ = std::fs::remove_file(data.path("operator.sock"));
    if let Err(error) = data.run_dir_remove() {
        tracing::warn!("{error:#}");
    }
    Ok(())
}

/// Serves an open region until it is told to end; what is returned keeps the operator's
/// connections.
async fn serve_region(
    settings: &Settings,
    data: &DataDir,
    region: Arc<Control>,
    credentials: Option<Credentials>,
    tls: Option<server::Tls>,
    (mut terminate, mut interrupt): (Signal, Signal),
) -> anyhow::Result<operator::server::Listening> {
    if let Some(credentials) = credentials {
        keep_credentials(settings, data, &credentials)?;
    }
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("listen on {}", settings.listen))?;
    let url = settings.door.url(listener.local_addr()?);
    let resumed = region.jobs_take_over().await.context("take over jobs")?;
    if resumed > 0 {
        tracing::info!(jobs = resumed, "jobs of the last run are resumed");
    }
    let adopted = region.adopt().await.context("adopt guests")?;
    if adopted > 0 {
        tracing::info!(guests = adopted, "guests adopted");
    }
    let real_guests = region.hypervisor_info().needs_export;
    catalog::ensure(&region, real_guests, data.root()).await?;

    let (end, mut ended) = watch::channel(None::<End>);
    let config = door(settings, &region, &url);
    let router = server::router(Arc::clone(&region), config);
    let operator =
        operator::server::listen(data, Arc::clone(&region), router.clone(), end.clone())?;
    let workers = region.work();
    let mut stop_seen = end.subscribe();
    let answering = tokio::spawn(server::serve(listener, tls, router, async move {
        // The sender lives until this function returns.
        let _ = stop_seen.wait_for(Option::is_some).await;
    }));
    announce(settings, data, &url)?;

    let why = tokio::select! {
        _ = terminate.recv() => End::Signal,
        _ = interrupt.recv() => End::Signal,
        told = ended.wait_for(Option::is_some) => told.map(|e| *e)?.unwrap_or(End::Signal),
    };
    tracing::info!(?why, "ending");
    end.send_replace(Some(why));
    if tokio::time::timeout(DRAIN_DEADLINE, answering).await.is_err() {
        tracing::warn!("requests were cut off");
    }
    workers.stop(DRAIN_DEADLINE).await;
    if why == End::Stop || settings.guests_on_exit == GuestsOnExit::Stop {
        let guests = region.guests_stop().await.context("stop guests")?;
        tracing::info!(guests, "guests stopped");
    }
    Ok(operator)
}

/// What the server is told of its door.
fn door(settings: &Settings, region: &Control, url: &str) -> server::ServerConfig {
    let own = matches!(settings.door.tls, tls::TlsChoice::Files { .. });
    server::ServerConfig {
        public_url: settings.door.public_url.clone(),
        requests_per_second: settings.door.requests_per_second,
        strict_transport: own,
        ..server::ServerConfig::new(region.region().clone(), url.to_owned())
    }
}

/// The API key goes to a file of its owner, and to the terminal if a person looks on.
fn keep_credentials(
    settings: &Settings,
    data: &DataDir,
    credentials: &Credentials,
) -> anyhow::Result<()> {
    let stored = StoredCredentials {
        account_id: credentials.account.to_string(),
        iam_id: credentials.owner.to_string(),
        api_key: credentials.api_key.clone(),
        region: settings.region.to_string(),
    };
    data.write("credentials.json", &serde_json::to_vec_pretty(&stored)?)?;
    if std::io::stdout().is_terminal() {
        println!("account {}", stored.account_id);
        println!(
            "API key {} (kept in {})",
            stored.api_key,
            data.path("credentials.json").display()
        );
    }
    Ok(())
}

fn announce(settings: &Settings, data: &DataDir, url: &str) -> anyhow::Result<()> {
    data.write("endpoint", url.as_bytes())?;
    println!("ectype: region {} is ready at {url}", settings.region);
    if let Some(file) = &settings.ready_file {
        data_dir::write_atomic(file, url.as_bytes())?;
    }
    Ok(())
}
