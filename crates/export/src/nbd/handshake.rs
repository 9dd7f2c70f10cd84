//! Moves the bytes of a handshake under a deadline; what they mean is `negotiation`'s affair.
//!
//! INVARIANT: a client that sends slowly, endlessly or nonsense costs one thread until
//! [`HANDSHAKE_DEADLINE`] and [`super::OPTION_BYTES_MAX`] bytes.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use base::Clock;

use super::negotiation::{Agreed, Negotiation, OPTION_BYTES_MAX, Offer, Step};
use super::protocol::{NBD_MAGIC, OPTION_MAGIC, handshake};

/// How long a client may take from connecting to its first request.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Longest data of an option that is read and thrown away so that the handshake goes on; a
/// longer one closes the connection.
pub const OPTION_SKIP_MAX: u32 = 1024 * 1024;

/// Negotiates with a client. `None` when it left or has to leave.
pub fn shake_hands(
    stream: &UnixStream,
    offer: &Offer<'_>,
    clock: &dyn Clock,
    deadline: Duration,
) -> io::Result<Option<Agreed>> {
    let mut peer = Timed { stream, clock, until: clock.monotonic() + deadline };
    let agreed = negotiate(&mut peer, offer)?;
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)?;
    Ok(agreed)
}

fn negotiate(peer: &mut Timed<'_>, offer: &Offer<'_>) -> io::Result<Option<Agreed>> {
    let mut hello = [0; 18];
    hello[..8].copy_from_slice(&NBD_MAGIC.to_be_bytes());
    hello[8..16].copy_from_slice(&OPTION_MAGIC.to_be_bytes());
    let ours = handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES;
    hello[16..].copy_from_slice(&ours.to_be_bytes());
    peer.write_all(&hello)?;

    let theirs = u32::from_be_bytes(peer.array()?);
    if theirs & !u32::from(ours) != 0 {
        return Ok(None);
    }
    let no_zeroes = theirs & u32::from(handshake::NO_ZEROES) != 0;
    let mut negotiation = Negotiation::new(no_zeroes);
    let (mut data, mut out) = (Vec::new(), Vec::new());
    loop {
        if u64::from_be_bytes(peer.array()?) != OPTION_MAGIC {
            return Ok(None);
        }
        let code = u32::from_be_bytes(peer.array()?);
        let length = u32::from_be_bytes(peer.array()?);
        out.clear();
        let step = if length <= OPTION_BYTES_MAX {
            data.resize(length as usize, 0);
            peer.read_exact(&mut data)?;
            negotiation.apply(code, &data, offer, &mut out)
        } else if length <= OPTION_SKIP_MAX {
            io::copy(&mut (&mut *peer).take(u64::from(length)), &mut io::sink())?;
            negotiation.too_long(code, &mut out)
        } else {
            Step::Close
        };
        peer.write_all(&out)?;
        match step {
            Step::Continue => {}
            Step::Transmit => return Ok(Some(negotiation.agreed())),
            Step::Close => return Ok(None),
        }
    }
}

/// A stream whose calls together end at one moment.
struct Timed<'a> {
    stream: &'a UnixStream,
    clock: &'a dyn Clock,
    until: Duration,
}

impl Timed<'_> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn left(&self) -> io::Result<Duration> {
        match self.until.saturating_sub(self.clock.monotonic()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
