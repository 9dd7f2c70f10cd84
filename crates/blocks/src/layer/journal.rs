//! The map journal: what changed in the map since the last checkpoint, one record per flush.
//!
//! It refuses to know the data file. Its invariant: a record is synced before the next is
//! written, so only the last may be torn; a broken record with a later one behind it is damage,
//! not a torn tail.
//!
//! File `g<generation>.map.journal`. Header, 512 bytes:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTMAPJ1` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | zero |
//! | 16 | 8 | sequence of the checkpoint that it follows; 0 for none |
//! | 24 | 32 | identity: BLAKE3 of volume id and generation |
//! | 56 | 424 | zero |
//! | 480 | 32 | BLAKE3 of bytes 0..480 |
//!
//! Then records, each starting at a multiple of 512 and zero-padded to one:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `EJR1` |
//! | 4 | 4 | number of runs, 1..=65536 |
//! | 8 | 8 | sequence, higher than the record before; checkpoints take numbers too |
//! | 16 | 8 | sequence of the durable record or checkpoint before it: the one it builds on |
//! | 24 | 16 each | run: first block (8), blocks (4), state (1: 1 present, 2 zero), zero (3) |
//! | .. | 32 | BLAKE3 of the identity and all before it |
//!
//! Next to read: `checkpoint`.

use crate::Error;
use crate::layer::disk::Named;
use crate::layer::fields::{
    FORMAT, Reader, SEQUENCE_END, SUM_BYTES, check_format, checked, close_with_sum, corrupt,
};
use crate::layer::map::{Run, State};

const MAGIC: [u8; 8] = *b"ECTMAPJ1";
const RECORD_MAGIC: [u8; 4] = *b"EJR1";
const RECORD_HEAD: usize = 24;
const RUN_BYTES: usize = 16;
/// Alignment of records: the unit in which a disk tears.
const SECTOR: usize = 512;
pub(super) const JOURNAL_HEADER: usize = SECTOR;
/// Most runs in one record; a flush with more writes a checkpoint instead.
pub(super) const RUNS_MAX: usize = 65_536;
/// How far behind a broken record a later one is looked for: two of the largest.
const GAP_SCAN: usize = 2 * (RECORD_HEAD + RUNS_MAX * RUN_BYTES + SECTOR);
/// Largest journal that is read; a checkpoint cuts it long before.
pub(super) const JOURNAL_MAX: u64 = 1 << 30;

/// What a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    /// The checkpoint it follows.
    pub(super) follows: u64,
    /// Records after that checkpoint, in order.
    pub(super) records: Vec<(u64, Vec<Run>)>,
    /// Where the next record goes.
    pub(super) end: u64,
}

fn encode_header(identity: &[u8; SUM_BYTES], follows: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&follows.to_le_bytes());
    out.extend_from_slice(identity);
    close_with_sum(&mut out, JOURNAL_HEADER);
    out
}

fn record_sum(identity: &[u8; SUM_BYTES], body: &[u8]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(identity).update(body);
    *hasher.finalize().as_bytes()
}

fn encode_record(
    identity: &[u8; SUM_BYTES],
    sequence: u64,
    previous: u64,
    runs: &[Run],
) -> Vec<u8> {
    let exact = RECORD_HEAD + runs.len() * RUN_BYTES + SUM_BYTES;
    let mut out = Vec::with_capacity(exact.next_multiple_of(SECTOR));
    out.extend_from_slice(&RECORD_MAGIC);
    out.extend_from_slice(&(runs.len() as u32).to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&previous.to_le_bytes());
    for run in runs {
        out.extend_from_slice(&run.first.to_le_bytes());
        out.extend_from_slice(&run.blocks.to_le_bytes());
        out.extend_from_slice(&[run.state as u8, 0, 0, 0]);
    }
    let sum = record_sum(identity, &out);
    out.extend_from_slice(&sum);
    out.resize(exact.next_multiple_of(SECTOR), 0);
    out
}

/// A record whose checksum holds.
struct Record {
    sequence: u64,
    previous: u64,
    /// `None` when a run is outside the device or of no known state.
    runs: Option<Vec<Run>>,
    /// Padded length in the file.
    length: usize,
}

/// The record that starts at the front of `bytes`; `None` when it is torn or no record.
fn decode_record(identity: &[u8; SUM_BYTES], bytes: &[u8], blocks: u64) -> Option<Record> {
    let mut fields = Reader(bytes);
    if fields.bytes() != Some(RECORD_MAGIC) {
        return None;
    }
    let count = fields.u32()? as usize;
    let sequence = fields.u64()?;
    let previous = fields.u64()?;
    if count == 0 || count > RUNS_MAX {
        return None;
    }
    let body = RECORD_HEAD + count * RUN_BYTES;
    let sum = bytes.get(body..body + SUM_BYTES)?;
    if record_sum(identity, &bytes[..body]) != sum {
        return None;
    }
    let runs = decode_runs(&mut fields, count, blocks).filter(|_| sequence < SEQUENCE_END);
    Some(Record { sequence, previous, runs, length: (body + SUM_BYTES).next_multiple_of(SECTOR) })
}

fn decode_runs(fields: &mut Reader<'_>, count: usize, blocks: u64) -> Option<Vec<Run>> {
    let mut runs = Vec::with_capacity(count);
    for _ in 0..count {
        let first = fields.u64()?;
        let length = fields.u32()?;
        let state = State::from_bits(u64::from(fields.u8()?))?;
        fields.bytes::<3>()?;
        let end = first.checked_add(u64::from(length))?;
        if length == 0 || end > blocks || state == State::Absent {
            return None;
        }
        runs.push(Run { first, blocks: length, state });
    }
    Some(runs)
}

impl Journal {
    /// Reads a journal of a device of `blocks` blocks, given the newest checkpoint's sequence.
    pub(super) fn parse(
        name: &str,
        bytes: &[u8],
        identity: &[u8; SUM_BYTES],
        blocks: u64,
        checkpoint: u64,
    ) -> Result<Self, Error> {
        let broken = |why| Err(corrupt("map journal", name, why));
        let Some(header) = bytes.get(..JOURNAL_HEADER) else {
            return broken("its header is cut short");
        };
        let mut fields = Reader(header);
        if fields.bytes() != Some(MAGIC) {
            return broken("its header has another magic");
        }
        check_format(name, fields.u32().unwrap_or(0))?;
        if checked(header).is_none() {
            return broken("its header's checksum does not match");
        }
        fields.u32();
        let follows = fields.u64().unwrap_or(0);
        if fields.bytes().as_ref() != Some(identity) {
            return broken("it belongs to another layer");
        }
        if follows > checkpoint {
            return broken("the checkpoint that it follows is damaged");
        }
        let mut journal = Self { follows, records: Vec::new(), end: JOURNAL_HEADER as u64 };
        let last = journal.take_records(name, bytes, identity, blocks, checkpoint)?;
        journal.refuse_a_gap(name, bytes, identity, blocks, last)?;
        Ok(journal)
    }

    fn take_records(
        &mut self,
        name: &str,
        bytes: &[u8],
        identity: &[u8; SUM_BYTES],
        blocks: u64,
        checkpoint: u64,
    ) -> Result<u64, Error> {
        let mut before: Option<u64> = None;
        let mut at = JOURNAL_HEADER;
        while at < bytes.len() {
            let Some(record) = decode_record(identity, &bytes[at..], blocks) else { break };
            let sequence = record.sequence;
            if before.is_some_and(|previous| sequence <= previous) {
                // What was there before the journal was cut, where the cut was lost.
                break;
            }
            if record.previous > before.unwrap_or(0).max(checkpoint) {
                return Err(corrupt("map journal", name, "what a record builds on is gone"));
            }
            let Some(runs) = record.runs else {
                return Err(corrupt("map journal", name, "a record is not about this device"));
            };
            before = Some(sequence);
            at += record.length;
            self.end = at as u64;
            // What the checkpoint already holds: a crash came before the journal was cut.
            if sequence > checkpoint {
                self.records.push((sequence, runs));
            }
        }
        Ok(before.map_or(checkpoint, |b| b.max(checkpoint)))
    }

    /// A record newer than the last good one, behind a broken one: that one had been synced.
    fn refuse_a_gap(
        &self,
        name: &str,
        bytes: &[u8],
        identity: &[u8; SUM_BYTES],
        blocks: u64,
        last: u64,
    ) -> Result<(), Error> {
        let mut at = self.end as usize;
        let stop = bytes.len().min(at + GAP_SCAN);
        while at < stop {
            let found = decode_record(identity, &bytes[at..], blocks);
            if found.is_some_and(|record| record.sequence > last) {
                return Err(corrupt("map journal", name, "a record inside it is damaged"));
            }
            at += SECTOR;
        }
        Ok(())
    }

    pub(super) fn last_sequence(&self, checkpoint: u64) -> u64 {
        self.records.last().map_or(checkpoint, |(sequence, _)| *sequence)
    }
}

/// The journal as it is written.
pub(super) struct JournalFile {
    file: Named,
    identity: [u8; SUM_BYTES],
    end: u64,
}

impl JournalFile {
    pub(super) const fn new(file: Named, identity: [u8; SUM_BYTES], end: u64) -> Self {
        Self { file, identity, end }
    }

    /// Makes it empty, following the checkpoint `follows`, and syncs it.
    pub(super) fn restart(&mut self, follows: u64) -> Result<(), Error> {
        self.file.write_all(0, &encode_header(&self.identity, follows))?;
        self.file.set_len(JOURNAL_HEADER as u64)?;
        self.end = JOURNAL_HEADER as u64;
        self.file.sync()
    }

    /// Writes a record behind the last one; the caller syncs.
    pub(super) fn append(
        &mut self,
        sequence: u64,
        previous: u64,
        runs: &[Run],
    ) -> Result<u64, Error> {
        let record = encode_record(&self.identity, sequence, previous, runs);
        self.file.write_all(self.end, &record)?;
        Ok(record.len() as u64)
    }

    /// Syncs what `append` wrote and counts it in.
    pub(super) fn commit(&mut self, length: u64) -> Result<(), Error> {
        self.file.sync()?;
        self.end += length;
        Ok(())
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.end - JOURNAL_HEADER as u64
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ID: [u8; 32] = [3; 32];

    fn run(first: u64, blocks: u32, state: State) -> Run {
        Run { first, blocks, state }
    }

    /// A journal of three records after checkpoint 4.
    pub(crate) fn sample(identity: &[u8; 32]) -> Vec<u8> {
        let mut bytes = encode_header(identity, 4);
        bytes.extend(encode_record(identity, 5, 4, &[run(0, 2, State::Present)]));
        let many: Vec<Run> = (0..40).map(|i| run(i * 2, 1, State::Zero)).collect();
        bytes.extend(encode_record(identity, 6, 5, &many));
        bytes.extend(encode_record(identity, 7, 6, &[run(9, 1, State::Present)]));
        bytes
    }

    fn parse(bytes: &[u8], checkpoint: u64) -> Result<Journal, Error> {
        Journal::parse("j", bytes, &ID, 100, checkpoint)
    }

    #[test]
    fn a_torn_tail_is_dropped_and_a_torn_middle_is_damage() {
        let good = sample(&ID);
        assert_eq!(parse(&good, 4).unwrap().records.len(), 3);
        let last = good.len() - SECTOR;
        for cut in [last, last + 1, last + 63] {
            let journal = parse(&good[..cut], 4).unwrap();
            assert_eq!((journal.records.len(), journal.end), (2, last as u64));
        }
        let mut torn = good.clone();
        torn[last + 20] ^= 1;
        assert_eq!(parse(&torn, 4).unwrap().records.len(), 2);
        torn = good;
        torn[SECTOR + 20] ^= 1;
        assert!(matches!(parse(&torn, 4), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn records_that_a_checkpoint_holds_are_skipped_and_missing_ones_are_damage() {
        let good = sample(&ID);
        assert_eq!(parse(&good, 6).unwrap().records.len(), 1);
        assert_eq!(parse(&good, 7).unwrap().records.len(), 0);
        assert!(matches!(parse(&good, 3), Err(Error::Corrupt { .. })));
        assert!(matches!(Journal::parse("j", &good, &[4; 32], 100, 4), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn runs_outside_the_device_or_of_no_known_state_are_refused() {
        let mut bytes = encode_header(&ID, 0);
        bytes.extend(encode_record(&ID, 1, 0, &[run(99, 1, State::Zero)]));
        assert_eq!(parse(&bytes, 0).unwrap().records.len(), 1);
        assert!(matches!(Journal::parse("j", &bytes, &ID, 99, 0), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn a_record_holds_runs_up_to_the_limit() {
        let runs = vec![run(1, 1, State::Zero); RUNS_MAX];
        let mut bytes = encode_header(&ID, 0);
        bytes.extend(encode_record(&ID, 1, 0, &runs));
        assert_eq!(parse(&bytes, 0).unwrap().records[0].1.len(), RUNS_MAX);
        let over = vec![run(1, 1, State::Zero); RUNS_MAX + 1];
        let mut bytes = encode_header(&ID, 0);
        bytes.extend(encode_record(&ID, 1, 0, &over));
        assert!(parse(&bytes, 0).unwrap().records.is_empty());
    }

    /// Invariant 26.
    #[test]
    fn an_unknown_journal_version_refuses() {
        let mut bytes = sample(&ID);
        bytes[8] = 9;
        assert!(matches!(parse(&bytes, 4), Err(Error::UnknownFormat { found: 9, .. })));
    }
}
