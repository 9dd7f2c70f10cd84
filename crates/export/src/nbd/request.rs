//! Requests: what 28 bytes ask for, and whether they may.
//!
//! Pure functions. INVARIANT: a [`Command`] lies inside the export and within the limits.

use super::negotiation::Agreed;
use super::protocol::{Errno, REQUEST_MAGIC, command, command_flag};

/// Bytes of a request's header.
pub const HEADER_BYTES: usize = 28;
/// Most bytes that one read or write may move.
pub const REQUEST_BYTES_MAX: u32 = 32 * 1024 * 1024;
/// Longest payload of an oversized write that is read and thrown away, so that the connection
/// lives on; a longer one closes it.
pub const WRITE_SKIP_MAX: u32 = 2 * REQUEST_BYTES_MAX;

/// A request as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Flags of the command.
    pub flags: u16,
    /// Number of the command.
    pub code: u16,
    /// The client's name for it, given back in the reply.
    pub cookie: u64,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u32,
}

/// What is to be done, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send bytes; in one piece if so demanded.
    Read { whole: bool },
    /// Store the payload.
    Write { fua: bool },
    /// The client leaves.
    Disconnect,
    /// Make all acknowledged writes durable.
    Flush,
    /// The range is no longer needed.
    Trim { fua: bool },
    /// Store zeros.
    WriteZeroes { fua: bool, no_hole: bool },
    /// Tell what the range holds.
    BlockStatus { one: bool },
}

impl Request {
    /// Reads a header; `None` when it does not begin as one must.
    pub fn parse(header: &[u8; HEADER_BYTES]) -> Option<Self> {
        let (magic, rest) = header.split_first_chunk::<4>()?;
        let (flags, rest) = rest.split_first_chunk::<2>()?;
        let (code, rest) = rest.split_first_chunk::<2>()?;
        let (cookie, rest) = rest.split_first_chunk::<8>()?;
        let (offset, rest) = rest.split_first_chunk::<8>()?;
        let length = rest.first_chunk::<4>()?;
        (u32::from_be_bytes(*magic) == REQUEST_MAGIC).then_some(Self {
            flags: u16::from_be_bytes(*flags),
            code: u16::from_be_bytes(*code),
            cookie: u64::from_be_bytes(*cookie),
            offset: u64::from_be_bytes(*offset),
            length: u32::from_be_bytes(*length),
        })
    }

    /// How many bytes of payload follow the header.
    pub const fn payload_bytes(&self) -> u32 {
        if self.code == command::WRITE { self.length } else { 0 }
    }

    /// What it asks for, if it may.
    pub fn check(&self, size: u64, read_only: bool, agreed: Agreed) -> Result<Command, Errno> {
        let has = |flag: u16| self.flags & flag != 0;
        if self.flags & !self.flags_allowed() != 0 || (has(command_flag::DF) && !agreed.structured)
        {
            return Err(Errno::Inval);
        }
        let fua = has(command_flag::FUA);
        match self.code {
            command::READ => {
                self.inside(size, Errno::Inval)?;
                self.within_limit()?;
                Ok(Command::Read { whole: has(command_flag::DF) || !agreed.structured })
            }
            command::WRITE => {
                self.may_write(size, read_only)?;
                self.within_limit()?;
                Ok(Command::Write { fua })
            }
            command::DISC => Ok(Command::Disconnect),
            command::FLUSH => Ok(Command::Flush),
            command::TRIM => {
                self.may_write(size, read_only)?;
                Ok(Command::Trim { fua })
            }
            command::WRITE_ZEROES => {
                self.may_write(size, read_only)?;
                let no_hole = has(command_flag::NO_HOLE);
                if no_hole && has(command_flag::FAST_ZERO) {
                    // Space is kept by writing zeros, which is no faster than writing.
                    return Err(Errno::NotSup);
                }
                Ok(Command::WriteZeroes { fua, no_hole })
            }
            command::BLOCK_STATUS => {
                self.inside(size, Errno::Inval)?;
                if !agreed.allocation || self.length == 0 {
                    return Err(Errno::Inval);
                }
                Ok(Command::BlockStatus { one: has(command_flag::REQ_ONE) })
            }
            // CACHE, RESIZE and whatever comes later were not offered.
            _ => Err(Errno::Inval),
        }
    }

    const fn flags_allowed(&self) -> u16 {
        use command_flag::{DF, FAST_ZERO, FUA, NO_HOLE, REQ_ONE};
        // FUA may come with everything, so that clients need not take it off.
        FUA | match self.code {
            command::READ => DF,
            command::WRITE_ZEROES => NO_HOLE | FAST_ZERO,
            command::BLOCK_STATUS => REQ_ONE,
            _ => 0,
        }
    }

    fn inside(&self, size: u64, outside: Errno) -> Result<(), Errno> {
        match self.offset.checked_add(u64::from(self.length)) {
            Some(end) if end <= size => Ok(()),
            _ => Err(outside),
        }
    }

    fn may_write(&self, size: u64, read_only: bool) -> Result<(), Errno> {
        if read_only { Err(Errno::Perm) } else { self.inside(size, Errno::NoSpace) }
    }

    const fn within_limit(&self) -> Result<(), Errno> {
        if self.length > REQUEST_BYTES_MAX { Err(Errno::Inval) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 1 << 30;
    const ALL: Agreed = Agreed { structured: true, allocation: true };

    fn request(code: u16, flags: u16, offset: u64, length: u32) -> Request {
        Request { flags, code, cookie: 7, offset, length }
    }

    fn check(code: u16, flags: u16, offset: u64, length: u32) -> Result<Command, Errno> {
        request(code, flags, offset, length).check(SIZE, false, ALL)
    }

    #[test]
    fn a_header_is_read_and_a_wrong_magic_is_not() {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&REQUEST_MAGIC.to_be_bytes());
        header[7] = 1;
        header[15] = 9;
        header[23] = 2;
        header[27] = 4;
        let parsed = Request::parse(&header).unwrap();
        assert_eq!(parsed, Request { flags: 0, code: 1, cookie: 9, offset: 2, length: 4 });
        assert_eq!(parsed.payload_bytes(), 4);
        header[0] ^= 1;
        assert_eq!(Request::parse(&header), None);
    }

    #[test]
    fn ranges_end_with_the_export() {
        assert!(check(command::READ, 0, SIZE - 4, 4).is_ok());
        assert_eq!(check(command::READ, 0, SIZE - 3, 4), Err(Errno::Inval));
        assert_eq!(check(command::READ, 0, u64::MAX, 4), Err(Errno::Inval));
        assert!(check(command::WRITE, 0, SIZE - 4, 4).is_ok());
        assert_eq!(check(command::WRITE, 0, SIZE, 1), Err(Errno::NoSpace));
        assert_eq!(check(command::TRIM, 0, u64::MAX, 1), Err(Errno::NoSpace));
        assert_eq!(check(command::WRITE_ZEROES, 0, SIZE, 1), Err(Errno::NoSpace));
        assert_eq!(check(command::BLOCK_STATUS, 0, SIZE, 1), Err(Errno::Inval));
    }

    #[test]
    fn a_request_may_be_as_long_as_the_limit_and_no_longer() {
        for code in [command::READ, command::WRITE] {
            assert!(check(code, 0, 0, REQUEST_BYTES_MAX).is_ok());
            assert_eq!(check(code, 0, 0, REQUEST_BYTES_MAX + 1), Err(Errno::Inval));
        }
        assert!(check(command::TRIM, 0, 0, 1 << 30).is_ok(), "moves no bytes: not limited");
    }

    #[test]
    fn a_read_only_export_takes_no_writes_but_flushes() {
        for code in [command::WRITE, command::TRIM, command::WRITE_ZEROES] {
            assert_eq!(request(code, 0, 0, 1).check(SIZE, true, ALL), Err(Errno::Perm));
        }
        assert_eq!(request(command::FLUSH, 0, 0, 0).check(SIZE, true, ALL), Ok(Command::Flush));
    }

    #[test]
    fn zeroing_that_cannot_be_fast_says_so() {
        let fast = command_flag::FAST_ZERO;
        let plain = Ok(Command::WriteZeroes { fua: false, no_hole: false });
        assert_eq!(check(command::WRITE_ZEROES, fast, 0, 4096), plain);
        let kept = command_flag::NO_HOLE;
        assert_eq!(check(command::WRITE_ZEROES, fast | kept, 0, 4096), Err(Errno::NotSup));
        let slow = Ok(Command::WriteZeroes { fua: false, no_hole: true });
        assert_eq!(check(command::WRITE_ZEROES, kept, 0, 4096), slow);
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        assert_eq!(check(5, 0, 0, 1), Err(Errno::Inval), "CACHE");
        assert_eq!(check(8, 0, 0, 1), Err(Errno::Inval), "RESIZE");
        assert_eq!(check(command::WRITE, 1 << 5, 0, 1), Err(Errno::Inval), "PAYLOAD_LEN");
        assert_eq!(check(command::BLOCK_STATUS, 0, 0, 0), Err(Errno::Inval));
        let plain = Agreed::default();
        let df = request(command::READ, command_flag::DF, 0, 1);
        assert_eq!(df.check(SIZE, false, plain), Err(Errno::Inval));
        let status = request(command::BLOCK_STATUS, 0, 0, 1);
        assert_eq!(status.check(SIZE, false, plain), Err(Errno::Inval));
    }
}
