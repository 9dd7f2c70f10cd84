//! Close sums and the changes of state of a whole layer: grow, freeze, thaw, close.
//!
//! It refuses to know requests. Its invariant: the clean flag is set only when every region's
//! sum is durable and nothing can write any more.
//!
//! Next to read: `recover`.

use std::sync::atomic::Ordering;

use parking_lot::RwLockWriteGuard;

use crate::layer::disk::{named, sync_dir};
use crate::layer::engine::{Core, Geometry, Mode};
use crate::layer::live::LiveMap;
use crate::layer::map::RegionSet;
use crate::layer::recover::{go_live, refuse_rollback};
use crate::layer::spec::{VolumeStats, check_capacity};
use crate::{BLOCK_SIZE, Error};

impl Core {
    /// Brings up to `limit` sums up to date; returns how many are left.
    pub(super) fn make_sums(&self, geometry: &Geometry, limit: u64) -> Result<u64, Error> {
        let map = &geometry.map;
        for region in map.list(RegionSet::Stale, limit) {
            let _alone = self.stripe(region).write();
            if map.present_mask(region) != 0 {
                let sum = self.region_sum(map, region)?;
                self.sums.write(region, &sum)?;
            }
            map.take_out(RegionSet::Stale, region);
        }
        Ok(map.stale_count())
    }

    pub(super) fn maintain(&self, regions: u64) -> Result<u64, Error> {
        let geometry = self.geometry.read();
        if geometry.mode != Mode::Open {
            return Ok(0);
        }
        self.make_sums(&geometry, regions)
    }

    /// Drains the requests under way and lets no more through.
    fn stop(&self, mode: Mode) -> Result<(), Error> {
        let mut geometry = self.geometry.write();
        self.check_writable(geometry.mode)?;
        geometry.mode = mode;
        Ok(())
    }

    /// Everything durable, sums included, and the header saying so.
    fn settle(&self, frozen: bool) -> Result<(), Error> {
        self.flush_last()?;
        let geometry = self.geometry.read();
        self.make_sums(&geometry, u64::MAX)?;
        self.or_poison(&geometry, self.sums.sync())?;
        let map_sequence = self.log.lock().durable;
        self.change_header(&geometry, |header| {
            header.clean = true;
            header.frozen = frozen;
            header.map_sequence = map_sequence;
        })?;
        self.or_poison(&geometry, sync_dir(self.host.dir.as_ref()))
    }

    fn change_header(
        &self,
        geometry: &Geometry,
        change: impl FnOnce(&mut crate::layer::header::Header),
    ) -> Result<(), Error> {
        match self.header.lock().change(change) {
            Err(Error::NoSpace { doing }) => Err(Error::NoSpace { doing }),
            other => self.or_poison(geometry, other),
        }
    }

    pub(super) fn close(&self) -> Result<(), Error> {
        match self.geometry.read().mode {
            // A frozen layer is clean already.
            Mode::Closed | Mode::Frozen => return Ok(()),
            Mode::Open => {}
        }
        self.stop(Mode::Closed)?;
        self.settle(false)?;
        // Not needed any more; the header no longer asks for it.
        drop(self.host.run.remove(&self.live_name()));
        Ok(())
    }

    /// `check` compares what was not read since the last clean close; else a reader of the frozen
    /// layer does.
    pub(super) fn freeze(&self, check: bool) -> Result<(), Error> {
        self.stop(Mode::Frozen)?;
        let checked = if check { self.verify_all() } else { Ok(()) };
        let done = checked.and_then(|()| self.settle(true));
        if done.is_err() {
            // The volume stays usable: a capture that cannot begin harms nobody.
            self.geometry.write().mode = Mode::Open;
        }
        done
    }

    /// Compares every region that was not looked at since the last clean close.
    pub(super) fn verify_all(&self) -> Result<(), Error> {
        let geometry = self.geometry.read();
        for region in geometry.map.list(RegionSet::Unverified, u64::MAX) {
            let _shared = self.stripe(region).read();
            self.verify(&geometry.map, region)?;
        }
        Ok(())
    }

    /// Takes writes again after a freeze.
    pub(super) fn thaw(&self) -> Result<(), Error> {
        let mut geometry = self.geometry.write();
        if geometry.mode != Mode::Frozen {
            return Err(Error::Invalid { what: "the layer is not frozen".to_owned() });
        }
        self.check_poison()?;
        refuse_rollback(&self.host, self.generation)?;
        let mut header = self.header.lock();
        let capacity = geometry.capacity;
        let map = go_live(&self.host, &mut header, &geometry.map, capacity)?;
        drop(header);
        map.put_all_present_in(RegionSet::Unverified);
        map.settle();
        geometry.map = map;
        geometry.mode = Mode::Open;
        Ok(())
    }

    /// Grows; the new tail is past the overlap, so it reads as zeros.
    pub(super) fn grow(&self, capacity: u64) -> Result<(), Error> {
        check_capacity(capacity)?;
        let mut geometry = self.geometry.write();
        self.check_writable(geometry.mode)?;
        if capacity < geometry.capacity {
            let what = format!("a volume of {} bytes cannot shrink", geometry.capacity);
            return Err(Error::Invalid { what });
        }
        if capacity == geometry.capacity {
            return Ok(());
        }
        let dir = self.host.dir.as_ref();
        self.data.set_capacity(dir, capacity.next_multiple_of(BLOCK_SIZE))?;
        let live = LiveMap::larger(self.host.run.as_ref(), &self.live_name(), capacity)
            .map_err(|source| named("extend", "live map", source))?;
        self.change_header(&geometry, |header| header.capacity = capacity)?;
        self.enlarge(&mut geometry, live, capacity);
        Ok(())
    }

    fn enlarge(&self, geometry: &mut RwLockWriteGuard<'_, Geometry>, live: LiveMap, capacity: u64) {
        geometry.map.grow(std::sync::Arc::new(live), capacity);
        geometry.capacity = capacity;
        self.data_dirty.store(true, Ordering::Release);
    }

    pub(super) fn stats(&self) -> Result<VolumeStats, Error> {
        let geometry = self.geometry.read();
        let (present, zero) = geometry.map.counts();
        Ok(VolumeStats {
            dirty_bytes: (present + zero) * BLOCK_SIZE,
            zero_bytes: zero * BLOCK_SIZE,
            allocated_bytes: self.data.allocated()?,
            map_bytes: geometry.map.memory(),
            stale_sums: geometry.map.stale_count(),
        })
    }
}
