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
mod tests {
    use super::*;

    const OFFER: Offer<'_> =
        Offer { name: "vol", description: "a disk", size: 1 << 30, read_only: false };

    fn string(text: &[u8]) -> Vec<u8> {
        let mut out = length32(text).to_vec();
        out.extend_from_slice(text);
        out
    }

    fn go(name: &[u8], kinds: &[u16]) -> Vec<u8> {
        let mut data = string(name);
        data.extend_from_slice(&u16::try_from(kinds.len()).unwrap().to_be_bytes());
        kinds.iter().for_each(|kind| data.extend_from_slice(&kind.to_be_bytes()));
        data
    }

    fn context(name: &[u8], queries: &[&[u8]]) -> Vec<u8> {
        let mut data = string(name);
        data.extend_from_slice(&u32::try_from(queries.len()).unwrap().to_be_bytes());
        queries.iter().for_each(|query| data.extend_from_slice(&string(query)));
        data
    }

    /// Kinds of the replies in `out`.
    fn kinds(mut out: &[u8]) -> Vec<u32> {
        let mut kinds = Vec::new();
        while let Some((head, rest)) = out.split_first_chunk::<20>() {
            kinds.push(u32::from_be_bytes(head[12..16].try_into().unwrap()));
            let length = u32::from_be_bytes(head[16..20].try_into().unwrap());
            out = &rest[length as usize..];
        }
        kinds
    }

    fn ask(negotiation: &mut Negotiation, code: u32, data: &[u8]) -> (Step, Vec<u32>) {
        let mut out = Vec::new();
        let step = negotiation.apply(code, data, &OFFER, &mut out);
        (step, kinds(&out))
    }

    #[test]
    fn go_tells_size_flags_and_block_sizes_and_starts_transmission() {
        let mut n = Negotiation::new(true);
        let mut out = Vec::new();
        let data = go(b"vol", &[info::BLOCK_SIZE, info::NAME, info::DESCRIPTION]);
        assert_eq!(n.apply(option::GO, &data, &OFFER, &mut out), Step::Transmit);
        let i = option_reply::INFO;
        assert_eq!(kinds(&out), [i, i, i, i, option_reply::ACK]);
        assert_eq!(out[22..30], (1_u64 << 30).to_be_bytes());
        let sizes: Vec<u8> =
            [1_u32, 4096, 32 << 20].iter().flat_map(|size| size.to_be_bytes()).collect();
        assert!(out.windows(12).any(|window| window == sizes));
    }

    #[test]
    fn info_goes_on_and_an_unknown_name_is_refused() {
        let mut n = Negotiation::new(true);
        let ok = vec![option_reply::INFO, option_reply::ACK];
        assert_eq!(ask(&mut n, option::INFO, &go(b"", &[])), (Step::Continue, ok));
        let unknown = (Step::Continue, vec![option_reply::ERR_UNKNOWN]);
        assert_eq!(ask(&mut n, option::GO, &go(b"other", &[])), unknown);
    }

    #[test]
    fn export_name_sends_the_zeroes_unless_they_are_left_out() {
        for (no_zeroes, length) in [(true, 10), (false, 134)] {
            let mut out = Vec::new();
            let step =
                Negotiation::new(no_zeroes).apply(option::EXPORT_NAME, b"vol", &OFFER, &mut out);
            assert_eq!((step, out.len()), (Step::Transmit, length));
        }
        let mut out = Vec::new();
        let step = Negotiation::new(true).apply(option::EXPORT_NAME, b"other", &OFFER, &mut out);
        assert_eq!((step, out.len()), (Step::Close, 0));
    }

    #[test]
    fn contexts_need_structured_replies_first() {
        let mut n = Negotiation::new(true);
        let data = context(b"vol", &[b"base:allocation", b"qemu:dirty"]);
        let refused = (Step::Continue, vec![option_reply::ERR_INVALID]);
        assert_eq!(ask(&mut n, option::SET_META_CONTEXT, &data), refused);
        assert!(!n.agreed().allocation);
        ask(&mut n, option::STRUCTURED_REPLY, b"");
        let one = (Step::Continue, vec![option_reply::META_CONTEXT, option_reply::ACK]);
        assert_eq!(ask(&mut n, option::SET_META_CONTEXT, &data), one);
        assert!(n.agreed().allocation && n.agreed().structured);
        let none = (Step::Continue, vec![option_reply::ACK]);
        assert_eq!(ask(&mut n, option::SET_META_CONTEXT, &context(b"vol", &[b"base:"])), none);
        assert!(!n.agreed().allocation, "a new choice replaces the old one");
    }

    #[test]
    fn contexts_are_listed_by_namespace() {
        let mut n = Negotiation::new(true);
        let one = (Step::Continue, vec![option_reply::META_CONTEXT, option_reply::ACK]);
        for queries in [&[][..], &[b"base:".as_slice()], &[b"base:allocation"]] {
            let data = context(b"", queries);
            assert_eq!(ask(&mut n, option::LIST_META_CONTEXT, &data), one);
        }
        let none = (Step::Continue, vec![option_reply::ACK]);
        assert_eq!(ask(&mut n, option::LIST_META_CONTEXT, &context(b"", &[b"qemu:"])), none);
    }

    #[test]
    fn what_is_not_known_is_refused_and_what_is_malformed_too() {
        let mut n = Negotiation::new(true);
        for code in [0, 4, 5, 11, 12, u32::MAX] {
            assert_eq!(ask(&mut n, code, b"xx"), (Step::Continue, vec![option_reply::ERR_UNSUP]));
        }
        let invalid = (Step::Continue, vec![option_reply::ERR_INVALID]);
        let mut long_count = context(b"", &[b"base:"]);
        long_count[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        for (code, data) in [
            (option::GO, b"".to_vec()),
            (option::GO, u32::MAX.to_be_bytes().to_vec()),
            (option::GO, [go(b"vol", &[3]), vec![0]].concat()),
            (option::LIST, b"x".to_vec()),
            (option::STRUCTURED_REPLY, b"x".to_vec()),
            (option::LIST_META_CONTEXT, long_count),
        ] {
            assert_eq!(ask(&mut n, code, &data), invalid, "{code} {data:?}");
        }
        assert_eq!(ask(&mut n, option::ABORT, b""), (Step::Close, vec![option_reply::ACK]));
    }

    #[test]
    fn a_name_may_be_as_long_as_the_limit_and_no_longer() {
        let mut n = Negotiation::new(true);
        let at = go(&vec![b'x'; NAME_BYTES_MAX], &[]);
        assert_eq!(ask(&mut n, option::INFO, &at).1, [option_reply::ERR_UNKNOWN]);
        let over = go(&vec![b'x'; NAME_BYTES_MAX + 1], &[]);
        assert_eq!(ask(&mut n, option::INFO, &over).1, [option_reply::ERR_INVALID]);
    }

    #[test]
    fn a_handshake_has_so_many_options_and_no_more() {
        let mut n = Negotiation::new(true);
        for _ in 0..OPTIONS_MAX {
            assert_eq!(ask(&mut n, option::LIST, b"").0, Step::Continue);
        }
        assert_eq!(ask(&mut n, option::LIST, b"").0, Step::Close);
    }

    #[test]
    fn a_read_only_export_says_so() {
        let n = Negotiation::new(true);
        let flags = n.flags(&Offer { read_only: true, ..OFFER });
        assert_ne!(flags & transmission::READ_ONLY, 0);
        assert_eq!(flags & (transmission::SEND_TRIM | transmission::SEND_WRITE_ZEROES), 0);
        assert_eq!(n.flags(&OFFER) & (transmission::READ_ONLY | transmission::SEND_DF), 0);
    }
}
