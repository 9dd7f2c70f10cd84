//! What a client and the server agree on before the first request: a pure state machine.
//!
//! It refuses to know sockets and devices. INVARIANT: the bytes it emits for one option are
//! bounded by constants and the export's names, never by a number that the client sent.
//!
//! Next to read: `handshake`, which moves the bytes.

use super::protocol::{info, option, option_reply, transmission};
use super::{protocol::OPTION_REPLY_MAGIC, request::REQUEST_BYTES_MAX};

/// Longest data of an option that is looked at, in bytes.
pub const OPTION_BYTES_MAX: u32 = 16 * 1024;
/// Longest name of an export, in bytes; the protocol's own limit.
pub const NAME_BYTES_MAX: usize = 4096;
/// Most options in one handshake.
pub const OPTIONS_MAX: u32 = 64;

/// Smallest unit of I/O that is told to clients, in bytes.
const BLOCK_MIN: u32 = 1;
/// Unit of I/O that costs no read-modify-write, in bytes.
const BLOCK_PREFERRED: u32 = 4096;
/// Number of the one metadata context there is.
pub const ALLOCATION_CONTEXT: u32 = 1;
const ALLOCATION: &[u8] = b"base:allocation";

/// What the server has to offer.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Name of the export.
    pub name: &'a str,
    /// A sentence about it.
    pub description: &'a str,
    /// Size in bytes.
    pub size: u64,
    /// Whether clients may only read.
    pub read_only: bool,
}

/// What was agreed on so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The client understands structured replies.
    pub structured: bool,
    /// The client may ask for `base:allocation`.
    pub allocation: bool,
}

/// What comes after an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the reply and read the next option.
    Continue,
    /// Send the reply; requests follow.
    Transmit,
    /// Send the reply, if any, and close.
    Close,
}

/// The state of one handshake.
#[derive(Debug)]
pub struct Negotiation {
    agreed: Agreed,
    no_zeroes: bool,
    options: u32,
}

impl Negotiation {
    /// Begins, knowing whether the client wants the 124 zero bytes left out.
    pub fn new(no_zeroes: bool) -> Self {
        Self { agreed: Agreed::default(), no_zeroes, options: 0 }
    }

    /// What was agreed on.
    pub const fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Answers an option whose data was too long to be looked at.
    pub fn too_long(&mut self, code: u32, out: &mut Vec<u8>) -> Step {
        self.options += 1;
        if code == option::EXPORT_NAME || self.options > OPTIONS_MAX {
            return Step::Close;
        }
        push_reply(out, code, option_reply::ERR_TOO_BIG, b"option data is too long");
        Step::Continue
    }

    /// Answers one option; the reply is appended to `out`.
    pub fn apply(&mut self, code: u32, data: &[u8], offer: &Offer<'_>, out: &mut Vec<u8>) -> Step {
        self.options += 1;
        if self.options > OPTIONS_MAX {
            return Step::Close;
        }
        match code {
            option::EXPORT_NAME => self.export_name(data, offer, out),
            option::ABORT => {
                push_reply(out, code, option_reply::ACK, b"");
                Step::Close
            }
            option::LIST => list(code, data, offer, out),
            option::INFO | option::GO => self.info(code, data, offer, out),
            option::STRUCTURED_REPLY => {
                if data.is_empty() {
                    self.agreed.structured = true;
                    push_reply(out, code, option_reply::ACK, b"");
                } else {
                    push_reply(out, code, option_reply::ERR_INVALID, b"takes no data");
                }
                Step::Continue
            }
            option::LIST_META_CONTEXT | option::SET_META_CONTEXT => {
                self.meta_context(code, data, offer, out)
            }
            _ => {
                push_reply(out, code, option_reply::ERR_UNSUP, b"");
                Step::Continue
            }
        }
    }

    /// Flags of the export for this client.
    pub fn flags(&self, offer: &Offer<'_>) -> u16 {
        // A flush covers the device, so clients may use several connections.
        let mut flags = transmission::HAS_FLAGS
            | transmission::SEND_FLUSH
            | transmission::SEND_FUA
            | transmission::CAN_MULTI_CONN;
        if offer.read_only {
            flags |= transmission::READ_ONLY;
        } else {
            flags |= transmission::SEND_TRIM
                | transmission::SEND_WRITE_ZEROES
                | transmission::SEND_FAST_ZERO;
        }
        if self.agreed.structured {
            flags |= transmission::SEND_DF;
        }
        flags
    }

    fn export_name(&self, data: &[u8], offer: &Offer<'_>, out: &mut Vec<u8>) -> Step {
        if !is_ours(data, offer) {
            return Step::Close;
        }
        out.extend_from_slice(&offer.size.to_be_bytes());
        out.extend_from_slice(&self.flags(offer).to_be_bytes());
        if !self.no_zeroes {
            out.extend_from_slice(&[0; 124]);
        }
        Step::Transmit
    }

    fn info(&self, code: u32, data: &[u8], offer: &Offer<'_>, out: &mut Vec<u8>) -> Step {
        let Some(asked) = InfoRequest::parse(data) else {
            push_reply(out, code, option_reply::ERR_INVALID, b"malformed information request");
            return Step::Continue;
        };
        if !is_ours(asked.name, offer) {
            push_reply(out, code, option_reply::ERR_UNKNOWN, b"no such export");
            return Step::Continue;
        }
        let mut export = Vec::with_capacity(12);
        export.extend_from_slice(&info::EXPORT.to_be_bytes());
        export.extend_from_slice(&offer.size.to_be_bytes());
        export.extend_from_slice(&self.flags(offer).to_be_bytes());
        push_reply(out, code, option_reply::INFO, &export);
        if asked.wants(info::NAME) {
            push_text_info(out, code, info::NAME, offer.name);
        }
        if asked.wants(info::DESCRIPTION) && !offer.description.is_empty() {
            push_text_info(out, code, info::DESCRIPTION, offer.description);
        }
        if asked.wants(info::BLOCK_SIZE) {
            let mut sizes = Vec::with_capacity(14);
            sizes.extend_from_slice(&info::BLOCK_SIZE.to_be_bytes());
            for size in [BLOCK_MIN, BLOCK_PREFERRED, REQUEST_BYTES_MAX] {
                sizes.extend_from_slice(&size.to_be_bytes());
            }
            push_reply(out, code, option_reply::INFO, &sizes);
        }
        push_reply(out, code, option_reply::ACK, b"");
        if code == option::GO { Step::Transmit } else { Step::Continue }
    }

    fn meta_context(
        &mut self,
        code: u32,
        data: &[u8],
        offer: &Offer<'_>,
        out: &mut Vec<u8>,
    ) -> Step {
        let set = code == option::SET_META_CONTEXT;
        if set {
            // A new choice replaces the old one, also when it fails.
            self.agreed.allocation = false;
        }
        let Some(asked) = ContextRequest::parse(data) else {
            push_reply(out, code, option_reply::ERR_INVALID, b"malformed context request");
            return Step::Continue;
        };
        if set && !self.agreed.structured {
            push_reply(out, code, option_reply::ERR_INVALID, b"structured replies come first");
            return Step::Continue;
        }
        if !is_ours(asked.name, offer) {
            push_reply(out, code, option_reply::ERR_UNKNOWN, b"no such export");
            return Step::Continue;
        }
        let chosen = if set {
            asked.queries().any(|query| query == ALLOCATION)
        } else {
            asked.count == 0 || asked.queries().any(|q| q == ALLOCATION || q == b"base:")
        };
        if chosen {
            let mut context = Vec::with_capacity(4 + ALLOCATION.len());
            // The number means nothing in a list.
            let id = if set { ALLOCATION_CONTEXT } else { 0 };
            context.extend_from_slice(&id.to_be_bytes());
            context.extend_from_slice(ALLOCATION);
            push_reply(out, code, option_reply::META_CONTEXT, &context);
        }
        self.agreed.allocation |= set && chosen;
        push_reply(out, code, option_reply::ACK, b"");
        Step::Continue
    }
}

fn is_ours(name: &[u8], offer: &Offer<'_>) -> bool {
    name.is_empty() || name == offer.name.as_bytes()
}

fn list(code: u32, data: &[u8], offer: &Offer<'_>, out: &mut Vec<u8>) -> Step {
    if data.is_empty() {
        let mut entry = Vec::with_capacity(4 + offer.name.len() + offer.description.len());
        entry.extend_from_slice(&length32(offer.name.as_bytes()));
        entry.extend_from_slice(offer.name.as_bytes());
        entry.extend_from_slice(offer.description.as_bytes());
        push_reply(out, code, option_reply::SERVER, &entry);
        push_reply(out, code, option_reply::ACK, b"");
    } else {
        push_reply(out, code, option_reply::ERR_INVALID, b"takes no data");
    }
    Step::Continue
}

fn push_text_info(out: &mut Vec<u8>, code: u32, kind: u16, text: &str) {
    let mut payload = Vec::with_capacity(2 + text.len());
    payload.extend_from_slice(&kind.to_be_bytes());
    payload.extend_from_slice(text.as_bytes());
    push_reply(out, code, option_reply::INFO, &payload);
}

fn push_reply(out: &mut Vec<u8>, code: u32, kind: u32, payload: &[u8]) {
    out.extend_from_slice(&OPTION_REPLY_MAGIC.to_be_bytes());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&length32(payload));
    out.extend_from_slice(payload);
}

/// INVARIANT: what is sent is a few names long, far below 4 GiB.
fn length32(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// Data of `INFO` and `GO`.
#[derive(Debug, PartialEq, Eq)]
struct InfoRequest<'a> {
    name: &'a [u8],
    kinds: &'a [u8],
}

impl<'a> InfoRequest<'a> {
    fn parse(data: &'a [u8]) -> Option<Self> {
        let (name, rest) = take_string(data)?;
        let (count, kinds) = rest.split_first_chunk::<2>()?;
        (kinds.len() == usize::from(u16::from_be_bytes(*count)) * 2).then_some(Self { name, kinds })
    }

    fn wants(&self, kind: u16) -> bool {
        self.kinds.chunks_exact(2).any(|pair| pair == kind.to_be_bytes())
    }
}

/// Data of `LIST_META_CONTEXT` and `SET_META_CONTEXT`.
#[derive(Debug, PartialEq, Eq)]
struct ContextRequest<'a> {
    name: &'a [u8],
    count: u32,
    queries: &'a [u8],
}

impl<'a> ContextRequest<'a> {
    fn parse(data: &'a [u8]) -> Option<Self> {
        let (name, rest) = take_string(data)?;
        let (count, queries) = rest.split_first_chunk::<4>()?;
        let parsed = Self { name, count: u32::from_be_bytes(*count), queries };
        // Each query takes bytes of the data, so a false count ends this loop early.
        let mut rest = queries;
        for _ in 0..parsed.count {
            rest = take_string(rest)?.1;
        }
        rest.is_empty().then_some(parsed)
    }

    fn queries(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.queries;
        std::iter::from_fn(move || {
            let (query, after) = take_string(rest)?;
            rest = after;
            Some(query)
        })
    }
}

/// A 32-bit length and as many bytes, no longer than a name may be.
fn take_string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if length > NAME_BYTES_MAX { None } else { rest.split_at_checked(length) }
}

#[cfg(test)]
#[path = "negotiation_tests.rs"]
mod tests;
