//! The chunk store's objects on a disk that fills up, fails, or loses an answer.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, local::LocalFileSystem, path::Path,
};
use tokio::sync::watch;

/// What goes wrong at puts, counted from the moment it was ordered.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Each put from the `n`th on finds the disk full.
    FullFrom(u64),
    /// The `n`th put fails and stores nothing.
    Once(u64),
    /// The `n`th put stores the object, and the answer is lost.
    AnswerLost(u64),
    /// The `n`th put waits until something else is ordered.
    Hold(u64),
}

/// Objects in a folder.
#[derive(Clone, Debug)]
pub struct Objects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: LocalFileSystem,
    fault: watch::Sender<Option<Fault>>,
    puts: AtomicU64,
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects that fail to order")
    }
}

impl Objects {
    /// Over the objects of a chunk store that is there.
    pub fn over(folder: &std::path::Path) -> Self {
        let folder = LocalFileSystem::new_with_prefix(folder).unwrap();
        Self(Arc::new(Inner { folder, fault: watch::channel(None).0, puts: AtomicU64::new(0) }))
    }

    /// Orders a fault; none heals.
    pub fn order(&self, fault: Option<Fault>) {
        self.0.puts.store(0, Ordering::SeqCst);
        self.0.fault.send_replace(fault);
    }

    /// Waits until more than `at` puts were tried since the last order.
    pub async fn reached(&self, at: u64) {
        while self.puts() <= at {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Puts since the last order.
    pub fn puts(&self) -> u64 {
        self.0.puts.load(Ordering::SeqCst)
    }
}

fn failed(kind: io::ErrorKind) -> object_store::Error {
    object_store::Error::Generic { store: "ordered", source: Box::new(io::Error::from(kind)) }
}

#[async_trait::async_trait]
impl ObjectStore for Objects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> object_store::Result<PutResult> {
        let number = self.0.puts.fetch_add(1, Ordering::SeqCst);
        let fault = *self.0.fault.borrow();
        match fault {
            Some(Fault::FullFrom(at)) if number >= at => {
                return Err(failed(io::ErrorKind::StorageFull));
            }
            Some(Fault::Hold(at)) if number == at => {
                let mut orders = self.0.fault.subscribe();
                let held = |order: &Option<Fault>| matches!(order, Some(Fault::Hold(_)));
                let _ = orders.wait_for(|order| !held(order)).await;
            }
            Some(Fault::Once(at)) if number == at => return Err(failed(io::ErrorKind::Other)),
            _ => {}
        }
        let put = self.0.folder.put_opts(location, payload, opts).await?;
        match fault {
            Some(Fault::AnswerLost(at)) if number == at => Err(failed(io::ErrorKind::TimedOut)),
            _ => Ok(put),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.0.folder.put_multipart_opts(location, opts).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: GetOptions,
    ) -> object_store::Result<GetResult> {
        self.0.folder.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.0.folder.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.0.folder.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.0.folder.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.0.folder.copy_opts(from, to, options).await
    }
}
