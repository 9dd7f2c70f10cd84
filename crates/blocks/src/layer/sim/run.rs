//! The simulated run folder: maps that outlive a simulated process.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::layer::disk::{RunDir, SharedMap};

struct SimMap(Vec<AtomicU64>);

fn zeroed(bytes: u64) -> Arc<SimMap> {
    Arc::new(SimMap((0..bytes / 8).map(|_| AtomicU64::new(0)).collect()))
}

impl SharedMap for SimMap {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }

    fn reserve(&self, _offset: u64, _length: u64) -> io::Result<()> {
        Ok(())
    }
}

/// A run folder of one boot. Clones are the same folder; a new one is a new boot.
#[derive(Clone)]
pub struct SimRun {
    boot: u64,
    maps: Arc<Mutex<BTreeMap<String, Arc<SimMap>>>>,
}

impl SimRun {
    /// The empty run folder of boot number `boot`.
    #[must_use]
    pub fn new(boot: u64) -> Self {
        Self { boot, maps: Arc::default() }
    }

    /// How many maps there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.maps.lock().len()
    }

    /// Changes a word of a map, as a broken program would.
    pub fn damage(&self, name: &str, word: usize, value: u64) {
        if let Some(map) = self.maps.lock().get(name) {
            map.0[word].store(value, Ordering::SeqCst);
        }
    }
}

impl RunDir for SimRun {
    fn name(&self) -> String {
        "sim run".to_owned()
    }

    fn boot_id(&self) -> io::Result<[u8; 16]> {
        Ok(u128::from(self.boot).to_le_bytes())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SharedMap>> {
        let map = zeroed(bytes);
        self.maps.lock().insert(name.to_owned(), Arc::clone(&map));
        Ok(map)
    }

    fn open(&self, name: &str, bytes: u64) -> io::Result<Option<Arc<dyn SharedMap>>> {
        let mut maps = self.maps.lock();
        let Some(found) = maps.get(name).cloned() else { return Ok(None) };
        if found.0.len() as u64 * 8 >= bytes {
            return Ok(Some(found));
        }
        let larger = zeroed(bytes);
        for (to, from) in larger.0.iter().zip(&found.0) {
            to.store(from.load(Ordering::SeqCst), Ordering::SeqCst);
        }
        maps.insert(name.to_owned(), Arc::clone(&larger));
        Ok(Some(larger))
    }

    fn anonymous(&self, bytes: u64) -> io::Result<Arc<dyn SharedMap>> {
        Ok(zeroed(bytes))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.maps.lock().remove(name);
        Ok(())
    }
}
