//! The region's end of the operator's socket.

use std::{fs::File, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use base::{ImageId, VolumeId};
use control::{Control, StockOf};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{Answer, Ask, LINE_BYTES_MAX, disk};
use crate::{data_dir::DataDir, serve::End};

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 16;
/// How long a caller may take to send its request.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// How often a caller is told how far long work is.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Listens until it is dropped; connections that wait for the end close then.
pub struct Listening {
    _tasks: JoinSet<()>,
}

/// Begins to listen.
pub fn listen(
    data: &DataDir,
    region: Arc<Control>,
    router: server::Router,
    end: watch::Sender<Option<End>>,
) -> anyhow::Result<Listening> {
    let (dir, path): (File, PathBuf) = data.operator_socket()?;
    // The lock of the data directory is held: a socket that lies here is nobody's.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).context("listen on the operator's socket")?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _dir = dir;
        accept(listener, region, router, end).await;
    });
    Ok(Listening { _tasks: tasks })
}

async fn accept(
    listener: UnixListener,
    region: Arc<Control>,
    router: server::Router,
    end: watch::Sender<Option<End>>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut talks = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while talks.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let (region, router, end) = (Arc::clone(&region), router.clone(), end.clone());
                talks.spawn(async move {
                    let _place = place;
                    if let Err(error) = talk(stream, &region, router, &end).await {
                        tracing::debug!(%error, "operator connection");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "operator's socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn talk(
    stream: UnixStream,
    region: &Control,
    router: server::Router,
    end: &watch::Sender<Option<End>>,
) -> anyhow::Result<()> {
    let caller = stream.peer_cred()?.uid();
    let own = rustix::process::getuid().as_raw();
    anyhow::ensure!(caller == own || caller == 0, "uid {caller} is not the operator");
    let mut stream = BufReader::new(stream);
    let begins = tokio::time::timeout(REQUEST_DEADLINE, stream.fill_buf()).await??;
    if begins.first().is_some_and(|byte| *byte != b'{') {
        server::serve_operator(stream, router).await;
        return Ok(());
    }
    let mut line = String::new();
    let mut request = (&mut stream).take(LINE_BYTES_MAX as u64);
    tokio::time::timeout(REQUEST_DEADLINE, request.read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Ask>(&line) {
        Err(error) => Answer::Refused { why: format!("not a request: {error}") },
        Ok(Ask::Stop) => {
            end.send_replace(Some(End::Stop));
            // Says nothing: the caller waits for the end of the connection.
            std::future::pending::<()>().await;
            return Ok(());
        }
        Ok(Ask::Store { command }) => {
            return crate::store::serve(stream.get_mut(), region, &command).await;
        }
        Ok(ask @ (Ask::DiskImport { .. } | Ask::DiskExport { .. } | Ask::CatalogAdd { .. })) => {
            match long(&mut stream, region, ask).await? {
                Some(done) => answer_of(done),
                None => return Ok(()),
            }
        }
        Ok(ask) => answer_of(act(region, ask).await),
    };
    say(&mut stream, &answer).await
}

fn answer_of(done: anyhow::Result<serde_json::Value>) -> Answer {
    match done {
        Ok(value) => Answer::Done { value },
        Err(error) => Answer::Refused { why: format!("{error:#}") },
    }
}

async fn say(stream: &mut BufReader<UnixStream>, answer: &Answer) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(answer)?;
    bytes.push(b'\n');
    stream.get_mut().write_all(&bytes).await?;
    Ok(())
}

/// Does long work and says how far it is; `None` when the operator has gone, which ends the work.
async fn long(
    stream: &mut BufReader<UnixStream>,
    region: &Control,
    ask: Ask,
) -> anyhow::Result<Option<anyhow::Result<serde_json::Value>>> {
    let mut begun = disk::Begun::new();
    let work = disk::act(region, ask, begun.watch.clone());
    tokio::pin!(work);
    loop {
        let mut more = [0];
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            () = tokio::time::sleep(PROGRESS_EVERY) => {
                if let Some(news) = begun.news() {
                    say(stream, &news).await?;
                }
            }
            // A request is one line: whatever comes now is the end.
            _ = stream.read(&mut more) => {
                begun.cancel();
                let _ = work.await;
                return Ok(None);
            }
        }
    }
}

/// A stock image as the operator sees it.
pub(super) fn stock(image: &model::Image) -> serde_json::Value {
    serde_json::json!({
        "id": image.head.id.as_str(),
        "name": image.head.name.as_str(),
        "operating_system": image.operating_system,
        "status": image.status.as_str(),
        "created_at": image.head.created_at.to_string(),
        "deprecation_at": image.deprecation_at.map(|at| at.to_string()),
        "obsolescence_at": image.obsolescence_at.map(|at| at.to_string()),
        "capacity_gb": image.capacity.gb_ceil(),
    })
}

async fn act(region: &Control, ask: Ask) -> anyhow::Result<serde_json::Value> {
    match ask {
        Ask::Stop
        | Ask::Store { .. }
        | Ask::DiskImport { .. }
        | Ask::DiskExport { .. }
        | Ask::CatalogAdd { .. } => {
            anyhow::bail!("handled above")
        }
        Ask::CatalogList => {
            let images = region.stock_images().await?;
            Ok(images.iter().map(stock).collect())
        }
        Ask::CatalogRetire { name, system, obsolete } => {
            let of = if system { StockOf::System(name) } else { StockOf::Name(name) };
            let changed = region.stock_retire(&of, obsolete).await?;
            Ok(changed.iter().map(stock).collect())
        }
        Ask::Status => {
            let info = region.hypervisor_info();
            Ok(serde_json::json!({
                "region": region.region().as_str(),
                "compute": info.name,
                "acceleration": format!("{:?}", info.acceleration).to_lowercase(),
                "stock_images": region.stock_names().await?,
            }))
        }
        Ask::AccountCreate { name } => {
            let made = region.account_create(&name).await?;
            Ok(serde_json::json!({
                "account_id": made.account.as_str(),
                "iam_id": made.owner.as_str(),
                "api_key": made.api_key,
            }))
        }
        Ask::ViewOpen { id, volume } => {
            let socket = if volume {
                region.volume_view_open(&VolumeId::parse(&id)?).await?
            } else {
                region.image_view_open(&ImageId::parse(&id)?).await?
            };
            Ok(serde_json::json!(format!("nbd+unix:///?socket={}", socket.display())))
        }
        Ask::Admin { command } => crate::admin::act(region, command).await,
        Ask::Keys { account, command } => crate::keys::act(region, &account, command).await,
        Ask::ViewClose { id, volume } => {
            if volume {
                region.volume_view_close(&VolumeId::parse(&id)?).await?;
            } else {
                region.image_view_close(&ImageId::parse(&id)?).await?;
            }
            Ok(serde_json::Value::Null)
        }
    }
}
