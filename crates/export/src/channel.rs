//! The socket pair between supervisor and engine: first the configuration with two file
//! descriptors, then lines.
//!
//! INVARIANT: what is received is bounded by [`CONFIG_BYTES_MAX`] before memory is taken.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use zeroize::Zeroizing;

use crate::config::CONFIG_BYTES_MAX;
use crate::error::Error;

const NAME: &str = "the engine's channel";

/// What an engine starts with.
pub struct Orders {
    /// The configuration's wire form.
    pub config: Zeroizing<Vec<u8>>,
    /// The listening socket.
    pub listener: OwnedFd,
    /// The lock that says that this export has a process.
    pub lock: OwnedFd,
}

/// Sends a configuration, the listening socket and the lock.
pub fn send(
    mut stream: &UnixStream,
    config: &[u8],
    listener: BorrowedFd<'_>,
    lock: BorrowedFd<'_>,
) -> Result<(), Error> {
    let too_long = |_| Error::Config { what: "is too long".to_owned() };
    let length = u32::try_from(config.len()).map_err(too_long)?.to_be_bytes();
    let fds = [listener, lock];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    let sent = sendmsg(stream, &[IoSlice::new(&length)], &mut ancillary, SendFlags::NOSIGNAL)
        .map_err(|fault| Error::io("write to", NAME)(fault.into()))?;
    if sent != length.len() {
        return Err(Error::Protocol { what: "a configuration was not taken" });
    }
    stream.write_all(config).map_err(Error::io("write to", NAME))
}

/// Receives what [`send`] sent.
pub fn receive(mut stream: &UnixStream) -> Result<Orders, Error> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut length)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )
    .map_err(|fault| Error::io("read from", NAME)(fault.into()))?;
    let mut fds = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let (Some(listener), Some(lock), None) = (fds.next(), fds.next(), fds.next()) else {
        return Err(Error::Protocol { what: "no listening socket came with the configuration" });
    };
    let length = u32::from_be_bytes(length) as usize;
    if received.bytes != 4 || length > CONFIG_BYTES_MAX {
        return Err(Error::Protocol { what: "a configuration of a wrong length" });
    }
    let mut config = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut config).map_err(Error::io("read from", NAME))?;
    Ok(Orders { config, listener, lock })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_configuration_arrives_with_its_descriptors() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (gift, kept) = UnixStream::pair().unwrap();
        send(&ours, b"config", gift.as_fd(), gift.as_fd()).unwrap();
        let orders = receive(&theirs).unwrap();
        assert_eq!(*orders.config, b"config");
        UnixStream::from(orders.listener).write_all(b"x").unwrap();
        drop(gift);
        let mut byte = [0];
        (&kept).read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    }

    #[test]
    fn a_configuration_that_is_too_long_or_comes_alone_is_refused() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        send(&ours, &vec![b' '; CONFIG_BYTES_MAX + 1], ours.as_fd(), ours.as_fd()).unwrap();
        assert!(receive(&theirs).is_err());
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[0, 0, 0, 1, b'x']).unwrap();
        assert!(receive(&theirs).is_err());
    }
}
