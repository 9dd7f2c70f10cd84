//! A disk in pieces of one size, without those that are zeros.

use std::ops::ControlFlow;

use crate::{DiskFile, Error, Progress, Ranges};

/// Who is told how far it is, and may end it.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// What a writer goes through.
pub(crate) struct Granules<'a> {
    source: &'a dyn DiskFile,
    granule: u64,
}

impl<'a> Granules<'a> {
    pub(crate) const fn of(source: &'a dyn DiskFile, granule: u64) -> Self {
        Self { source, granule }
    }

    /// Calls `put` with index and bytes of each piece that is not all zeros, ascending. The last
    /// one is filled up with zeros.
    pub(crate) fn each(
        &self,
        watch: Watch<'_>,
        mut put: impl FnMut(u64, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let size = self.source.size();
        let mut buffer = vec![0; self.granule as usize];
        let mut progress = Progress { position: 0, size, data_bytes: 0 };
        let mut next = 0;
        for range in Ranges::of(self.source) {
            let range = range?;
            let first = next.max(range.start / self.granule);
            next = next.max(range.end.div_ceil(self.granule));
            for index in first..next {
                let at = index * self.granule;
                let length = self.granule.min(size - at) as usize;
                self.source.read_at(at, &mut buffer[..length])?;
                buffer[length..].fill(0);
                if !is_zero(&buffer) {
                    put(index, &buffer)?;
                    progress.data_bytes += length as u64;
                }
                progress.position = at + length as u64;
                if watch(progress).is_break() {
                    return Err(Error::Stopped);
                }
            }
        }
        progress.position = size;
        match watch(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped),
        }
    }
}

/// All bytes are zeros.
fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| *word == [0; 16]) && rest.iter().all(|byte| *byte == 0)
}
