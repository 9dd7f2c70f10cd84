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
        let step = Negotiation::new(no_zeroes).apply(option::EXPORT_NAME, b"vol", &OFFER, &mut out);
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
