use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use blocks::BlockSource;
use export::nbd::{CONNECTIONS_MAX, Device, REQUEST_BYTES_MAX, WRITE_SKIP_MAX};

use crate::client::{Client, code};
use crate::support::{Fault, MemoryDisk, Running, eventually, pattern};

const MIB: usize = 1 << 20;

#[test]
fn simple_replies_serve_clients_that_know_nothing_else() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    let mut client = Client::go(running.connect(), false);
    let data = pattern(1, 700_001);
    assert_eq!(client.write(0, 513, &data), 0);
    let answer = client.ask(code::READ, 0, 513, 700_001);
    assert_eq!((answer.error, answer.data == data), (0, true));
    assert_eq!(client.ask(code::READ, 0, 4 * MIB as u64, 1).error, 22);
    assert_eq!(client.ask(code::READ, 0, 0, 0).error, 0);
    assert_eq!(client.ask(99, 0, 0, 0).error, 22);
    assert_eq!(client.ask(code::FLUSH, 0, 0, 0).error, 0);
    client.send(code::DISC, 0, 0, 0, b"");
    assert!(client.is_closed());
}

#[test]
fn long_reads_come_in_pieces_unless_one_piece_is_demanded() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    let data = pattern(2, 2 * MIB);
    assert_eq!(client.write(0, 1000, &data), 0);
    let answer = client.ask(code::READ, 0, 1000, 2 * MIB as u32);
    assert!(answer.data == data);
    let piece = MIB / 8;
    let mut pieces = vec![piece; 17];
    (pieces[0], pieces[16]) = (piece - 1000, 1000);
    assert_eq!(answer.pieces, pieces);
    let whole = client.ask(code::READ, 1 << 2, 1000, 2 * MIB as u32);
    assert!(whole.data == data);
    assert_eq!(whole.pieces, [2 * MIB]);
}

/// Requests that arrive together may be answered together: each gets its own answer, also the
/// refused ones, the longer ones, and the last before a client leaves.
#[test]
fn requests_that_arrive_together_are_all_answered() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    for structured in [false, true] {
        let mut client = Client::go(running.connect(), structured);
        let data = pattern(3, MIB);
        assert_eq!(client.write(0, 0, &data), 0);
        let mut bytes = Vec::new();
        let mut request = |code: u16, cookie: u64, offset: u64, length: u32, payload: &[u8]| {
            bytes.extend_from_slice(&0x2560_9513_u32.to_be_bytes());
            bytes.extend_from_slice(&[0, 0]);
            bytes.extend_from_slice(&code.to_be_bytes());
            bytes.extend_from_slice(&cookie.to_be_bytes());
            bytes.extend_from_slice(&offset.to_be_bytes());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(payload);
        };
        let length_of = |n: u64| if n.is_multiple_of(7) { 40_000 } else { 512 };
        for n in 0..100 {
            match n % 10 {
                8 => request(code::WRITE, n, 2 * MIB as u64, 512, &[n as u8; 512]),
                9 => request(code::READ, n, 4 * MIB as u64, 1, b""),
                _ => request(code::READ, n, n * 512, length_of(n), b""),
            }
        }
        request(code::DISC, 100, 0, 0, b"");
        let stream = client.stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || (&stream).write_all(&bytes).unwrap());
        let mut answered = std::collections::BTreeSet::new();
        for _ in 0..100 {
            // A simple reply does not say how long it is; in this mode they keep their order
            // unless a long one overtakes, so the length is looked up by the cookie.
            let (n, answer) = client.receive_by(|n| if n % 10 == 8 { 0 } else { length_of(n) });
            assert!(answered.insert(n), "{n} was answered twice");
            match n % 10 {
                8 => assert_eq!((answer.error, answer.data.len()), (0, 0), "{n}"),
                9 => assert_eq!(answer.error, 22, "{n}"),
                _ => {
                    let at = n as usize * 512;
                    let expected = &data[at..at + length_of(n) as usize];
                    assert!(answer.error == 0 && answer.data == expected, "{n}");
                }
            }
        }
        sending.join().unwrap();
        assert!(client.is_closed());
    }
}

#[test]
fn a_request_that_waits_does_not_hold_up_the_next() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    disk.close_gate();
    let flush = client.send(code::FLUSH, 0, 0, 0, b"");
    eventually("the flush", || disk.waiting.load(Ordering::SeqCst) == 1);
    assert_eq!(client.ask(code::READ, 0, 0, 4096).error, 0);
    assert_eq!(client.write(0, 0, &[7; 4096]), 0);
    disk.open_gate();
    assert_eq!(client.receive(0).0, flush);
}

/// More flushes than may be in flight: none is lost, none is answered twice.
#[test]
fn more_requests_than_threads_wait_their_turn() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    disk.close_gate();
    let mut sent: Vec<u64> = (0..100).map(|_| client.send(code::FLUSH, 0, 0, 0, b"")).collect();
    let most = export::nbd::REQUESTS_IN_FLIGHT_MAX as u64;
    eventually("the flushes", || disk.waiting.load(Ordering::SeqCst) == most);
    disk.open_gate();
    let mut answered: Vec<u64> = sent.iter().map(|_| client.receive(0).0).collect();
    answered.sort_unstable();
    sent.sort_unstable();
    assert_eq!(answered, sent);
    assert_eq!(disk.flushes.load(Ordering::SeqCst), 100);
}

#[test]
fn a_full_disk_is_told_as_no_space_and_damage_with_its_place() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    disk.fail(Fault::NoSpace, 0);
    assert_eq!(client.write(0, 0, &[1; 512]), 28);
    assert_eq!(client.ask(code::WRITE_ZEROES, 0, 0, 512).error, 28);
    disk.fail(Fault::Corrupt, MIB as u64);
    let answer = client.ask(code::READ, 0, 0, 2 * MIB as u32);
    assert_eq!((answer.error, answer.data.len()), (5, MIB), "what came before the damage");
    assert_eq!(client.ask(code::READ, 1 << 2, 0, 2 * MIB as u32).error, 5);
    assert_eq!(running.server.stats().errors, 4);
}

#[test]
fn a_write_may_be_as_long_as_the_limit_and_a_longer_one_is_refused() {
    let disk = MemoryDisk::new(REQUEST_BYTES_MAX as usize + 4096);
    let running = Running::writable(&disk);
    let mut client = running.client();
    let data = vec![3; REQUEST_BYTES_MAX as usize + 1];
    assert_eq!(client.write(0, 0, &data[1..]), 0);
    assert_eq!(client.write(0, 0, &data), 22);
    assert_eq!(client.ask(code::READ, 0, 0, 512).error, 0, "the connection lives on");
    client.send(code::WRITE, 0, 0, WRITE_SKIP_MAX + 1, b"");
    assert!(client.is_closed());
}

#[test]
fn extents_are_told_and_only_one_when_one_is_asked_for() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    client.write(0, 8192, &[1; 4096]);
    let (hole, data) = (3, 0);
    let answer = client.ask(code::BLOCK_STATUS, 0, 0, 4 * MIB as u32);
    assert_eq!(answer.extents, [(8192, hole), (4096, data), (4 * MIB as u32 - 12288, hole)]);
    let one = client.ask(code::BLOCK_STATUS, 1 << 3, 4096, MIB as u32);
    assert_eq!(one.extents, [(4096, hole)]);
    let mut plain = Client::go(running.connect(), false);
    assert_eq!(plain.ask(code::BLOCK_STATUS, 0, 0, 4096).error, 22);
}

#[test]
fn trims_zeroes_and_forced_writes_reach_the_device_as_such() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    assert_eq!(client.write(1, 0, &[9; 65536]), 0);
    assert_eq!(disk.fua.load(Ordering::SeqCst), 1);
    assert_eq!(client.ask(code::TRIM, 1, 4096, 4096).error, 0);
    assert_eq!(disk.fua.load(Ordering::SeqCst), 2);
    assert_eq!(client.ask(code::WRITE_ZEROES, 1 << 1, 8192, 4096).error, 0);
    assert_eq!(client.ask(code::WRITE_ZEROES, 1 << 4, 12288, 4096).error, 0);
    assert_eq!(client.ask(code::WRITE_ZEROES, 1 << 4 | 1 << 1, 12288, 4096).error, 95);
    let extents = client.ask(code::BLOCK_STATUS, 0, 0, 65536).extents;
    assert_eq!(extents, [(4096, 0), (4096, 3), (4096, 0), (4096, 3), (49152, 0)]);
    assert!(disk.content(4096, 12288).iter().all(|byte| *byte == 0));
}

#[test]
fn a_read_only_export_refuses_every_write() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::new(Device::ReadOnly(Arc::clone(&disk) as Arc<dyn BlockSource>));
    let mut client = running.client();
    assert_eq!(client.write(0, 0, &[1; 4096]), 1);
    assert_eq!(client.ask(code::TRIM, 0, 0, 4096).error, 1);
    assert_eq!(client.ask(code::WRITE_ZEROES, 0, 0, 4096).error, 1);
    assert_eq!(client.ask(code::FLUSH, 0, 0, 0).error, 0);
    assert_eq!(client.ask(code::READ, 0, 0, 4096).data, [0; 4096]);
}

#[test]
fn so_many_connections_are_served_and_no_more() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut clients: Vec<_> = (0..CONNECTIONS_MAX).map(|_| running.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(code::READ, 0, 0, 512).error, 0);
    }
    let mut over = running.connect();
    assert!(matches!(std::io::Read::read(&mut over, &mut [0; 1]), Ok(0)));
    clients.pop();
    eventually("a place", || running.server.stats().connections < CONNECTIONS_MAX as u64);
    running.client();
}

#[test]
fn a_stop_answers_what_has_arrived_and_then_closes() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    disk.close_gate();
    client.send(code::FLUSH, 0, 0, 0, b"");
    eventually("the flush", || disk.waiting.load(Ordering::SeqCst) == 1);
    std::thread::scope(|scope| {
        let stop = scope.spawn(|| running.server.stop(Duration::from_secs(20)));
        disk.open_gate();
        assert_eq!(client.receive(0).1.error, 0);
        assert!(client.is_closed());
        assert!(stop.join().unwrap(), "all went in order");
    });
    eventually("the end of the listener", || running.is_deaf());
}

#[test]
fn a_client_that_takes_no_answers_cannot_hold_a_stop_up() {
    let disk = MemoryDisk::new(8 * MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    for _ in 0..8 {
        client.send(code::READ, 0, 0, 4 * MIB as u32, b"");
    }
    eventually("the reads", || running.server.stats().requests > 0);
    assert!(!running.server.stop(Duration::from_millis(100)));
    assert_eq!(running.server.stats().connections, 0);
}

#[test]
fn connections_can_be_ended_while_new_ones_are_welcome() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut client = running.client();
    assert!(running.server.reconnect(Duration::from_secs(20)));
    assert!(client.is_closed());
    assert_eq!(running.client().ask(code::READ, 0, 0, 512).error, 0);
}
