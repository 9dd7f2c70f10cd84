//! A client that can say anything.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

pub mod code {
    pub const READ: u16 = 0;
    pub const WRITE: u16 = 1;
    pub const DISC: u16 = 2;
    pub const FLUSH: u16 = 3;
    pub const TRIM: u16 = 4;
    pub const WRITE_ZEROES: u16 = 6;
    pub const BLOCK_STATUS: u16 = 7;
}

/// A client that speaks the protocol by hand.
pub struct Client {
    pub stream: UnixStream,
    structured: bool,
    cookie: u64,
}

/// What came back for one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub error: u32,
    pub data: Vec<u8>,
    /// Lengths of the data chunks.
    pub pieces: Vec<usize>,
    /// Length and flags.
    pub extents: Vec<(u32, u32)>,
}

pub fn hello(stream: &mut UnixStream) {
    let mut hello = [0; 18];
    stream.read_exact(&mut hello).unwrap();
    assert_eq!(&hello[..16], b"NBDMAGICIHAVEOPT");
    stream.write_all(&3_u32.to_be_bytes()).unwrap();
}

pub fn send_option(stream: &mut UnixStream, code: u32, data: &[u8]) {
    stream.write_all(b"IHAVEOPT").unwrap();
    stream.write_all(&code.to_be_bytes()).unwrap();
    stream.write_all(&u32::try_from(data.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(data).unwrap();
}

/// Kind and payload of one reply to an option.
pub fn option_reply(stream: &mut UnixStream) -> (u32, Vec<u8>) {
    let mut head = [0; 20];
    stream.read_exact(&mut head).unwrap();
    let kind = u32::from_be_bytes(head[12..16].try_into().unwrap());
    let length = u32::from_be_bytes(head[16..20].try_into().unwrap());
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).unwrap();
    (kind, payload)
}

impl Client {
    pub fn go(stream: UnixStream, structured: bool) -> Self {
        Self::go_to(stream, structured, "disk")
    }

    pub fn go_to(mut stream: UnixStream, structured: bool, name: &str) -> Self {
        hello(&mut stream);
        if structured {
            send_option(&mut stream, 8, b"");
            assert_eq!(option_reply(&mut stream).0, 1);
            let context = b"\0\0\0\0\0\0\0\x01\0\0\0\x0fbase:allocation";
            send_option(&mut stream, 10, context);
            assert_eq!(option_reply(&mut stream).0, 4);
            assert_eq!(option_reply(&mut stream).0, 1);
        }
        let length = u32::try_from(name.len()).unwrap().to_be_bytes();
        send_option(&mut stream, 7, &[&length, name.as_bytes(), &[0, 0]].concat());
        while option_reply(&mut stream).0 != 1 {}
        Self { stream, structured, cookie: 0 }
    }

    /// As [`Self::go_to`], for servers that may die meanwhile.
    pub fn try_go(stream: UnixStream, name: &str) -> Option<Self> {
        let shaken = std::panic::AssertUnwindSafe(|| Self::go_to(stream, true, name));
        std::panic::catch_unwind(shaken).ok()
    }

    /// Sends a request and returns its cookie.
    pub fn send(&mut self, code: u16, flags: u16, offset: u64, length: u32, data: &[u8]) -> u64 {
        let (cookie, sent) = self.try_send(code, flags, offset, length, data);
        sent.unwrap();
        cookie
    }

    /// As [`Self::send`], for servers that may die meanwhile.
    pub fn try_send(
        &mut self,
        code: u16,
        flags: u16,
        offset: u64,
        length: u32,
        data: &[u8],
    ) -> (u64, std::io::Result<()>) {
        self.cookie += 1;
        let mut bytes = 0x2560_9513_u32.to_be_bytes().to_vec();
        bytes.extend_from_slice(&flags.to_be_bytes());
        bytes.extend_from_slice(&code.to_be_bytes());
        bytes.extend_from_slice(&self.cookie.to_be_bytes());
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(data);
        (self.cookie, self.stream.write_all(&bytes))
    }

    /// Cookie and error of the next simple reply.
    pub fn try_receive(&mut self) -> std::io::Result<(u64, u32)> {
        let mut reply = [0; 16];
        self.stream.read_exact(&mut reply)?;
        assert_eq!(reply[..4], 0x6744_6698_u32.to_be_bytes());
        let error = u32::from_be_bytes(reply[4..8].try_into().unwrap());
        Ok((u64::from_be_bytes(reply[8..].try_into().unwrap()), error))
    }

    fn number<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads one whole reply; `data` is the length that a simple reply carries on success.
    pub fn receive(&mut self, data: usize) -> (u64, Answer) {
        self.receive_by(|_| data as u32)
    }

    /// As [`Self::receive`], with a length for each cookie.
    pub fn receive_by(&mut self, data: impl Fn(u64) -> u32) -> (u64, Answer) {
        let mut answer = Answer::default();
        loop {
            match u32::from_be_bytes(self.number()) {
                0x6744_6698 => {
                    answer.error = u32::from_be_bytes(self.number());
                    let cookie = u64::from_be_bytes(self.number());
                    if answer.error == 0 && !self.structured {
                        answer.data = self.bytes(data(cookie) as usize);
                    }
                    return (cookie, answer);
                }
                0x668e_33ef => {
                    let flags = u16::from_be_bytes(self.number());
                    let kind = u16::from_be_bytes(self.number());
                    let cookie = u64::from_be_bytes(self.number());
                    let length = u32::from_be_bytes(self.number()) as usize;
                    let payload = self.bytes(length);
                    match kind {
                        0 => {}
                        1 => {
                            answer.pieces.push(length - 8);
                            answer.data.extend_from_slice(&payload[8..]);
                        }
                        5 => {
                            let pair = |p: &[u8]| {
                                let n = |b: &[u8]| u32::from_be_bytes(b.try_into().unwrap());
                                (n(&p[..4]), n(&p[4..]))
                            };
                            answer.extents = payload[4..].chunks(8).map(pair).collect();
                        }
                        _ => {
                            answer.error = u32::from_be_bytes(payload[..4].try_into().unwrap());
                        }
                    }
                    if flags & 1 != 0 {
                        return (cookie, answer);
                    }
                }
                other => panic!("magic {other:x}"),
            }
        }
    }

    pub fn ask(&mut self, code: u16, flags: u16, offset: u64, length: u32) -> Answer {
        let cookie = self.send(code, flags, offset, length, b"");
        let (answered, answer) = self.receive(length as usize);
        assert_eq!(answered, cookie);
        answer
    }

    pub fn write(&mut self, flags: u16, offset: u64, data: &[u8]) -> u32 {
        let length = u32::try_from(data.len()).unwrap();
        let cookie = self.send(code::WRITE, flags, offset, length, data);
        let (answered, answer) = self.receive(0);
        assert_eq!(answered, cookie);
        answer.error
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0; 1]), Ok(1))
    }
}
