use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use blocks::BlockDevice;
use export::nbd::{Device, OPTION_BYTES_MAX, OPTION_SKIP_MAX};

use crate::client::{Client, code, hello, option_reply, send_option};
use crate::support::{MemoryDisk, Running, eventually, pattern};

const MIB: usize = 1 << 20;

/// Whether the server hangs up, by whatever form that reaches us.
fn closed(mut stream: &UnixStream) -> bool {
    let read = stream.read_to_end(&mut Vec::new());
    read.map_or_else(|fault| fault.kind() == ErrorKind::ConnectionReset, |_| true)
}

/// Invariant 27: garbage of any kind ends the connection and nothing else.
#[test]
fn garbage_ends_its_own_connection_only() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    for seed in 0..40 {
        let mut stream = running.connect();
        let garbage = pattern(seed, 5_000);
        match seed % 4 {
            0 => {}
            1 => hello(&mut stream),
            2 => {
                hello(&mut stream);
                let _ = stream.write_all(b"IHAVEOPT");
            }
            _ => stream = Client::go(stream, true).stream,
        }
        // The server may hang up in the middle of it.
        let _ = stream.write_all(&garbage);
        let _ = stream.shutdown(Shutdown::Write);
        assert!(closed(&stream), "seed {seed}");
    }
    assert_eq!(running.client().ask(code::READ, 0, 0, 4096).data, [0; 4096]);
    assert!(disk.content(0, MIB).iter().all(|byte| *byte == 0), "nothing was written");
}

#[test]
fn a_client_that_is_slow_to_negotiate_is_dropped_at_the_deadline() {
    let disk = MemoryDisk::new(MIB);
    let device = Device::Writable(disk as Arc<dyn BlockDevice>);
    let running = Running::with_deadline(device, Duration::from_millis(150));
    let silent = running.connect();
    let mut dripping = running.connect();
    hello(&mut dripping);
    // Each byte comes in time, all together do not.
    let dripped = b"IHAVEOPT".iter().cycle().take(1_000).take_while(|byte| {
        std::thread::sleep(Duration::from_millis(10));
        dripping.write_all(&[**byte]).is_ok()
    });
    assert!(dripped.count() < 1_000);
    assert!(closed(&silent));
    eventually("the end of both", || running.server.stats().connections == 0);
}

#[test]
fn an_option_that_is_too_long_is_refused_and_one_that_is_far_too_long_ends_it() {
    let disk = MemoryDisk::new(MIB);
    let running = Running::writable(&disk);
    let mut stream = running.connect();
    hello(&mut stream);
    send_option(&mut stream, 99, &vec![0; OPTION_BYTES_MAX as usize]);
    assert_eq!(option_reply(&mut stream).0, 1 << 31 | 1, "looked at: unsupported");
    send_option(&mut stream, 99, &vec![0; OPTION_BYTES_MAX as usize + 1]);
    assert_eq!(option_reply(&mut stream).0, 1 << 31 | 9, "too big");
    send_option(&mut stream, 99, &vec![0; OPTION_SKIP_MAX as usize]);
    assert_eq!(option_reply(&mut stream).0, 1 << 31 | 9, "too big");
    stream.write_all(b"IHAVEOPT\0\0\0\x63").unwrap();
    stream.write_all(&(OPTION_SKIP_MAX + 1).to_be_bytes()).unwrap();
    assert!(closed(&stream));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_write_writes_nothing() {
    let disk = MemoryDisk::new(4 * MIB);
    let running = Running::writable(&disk);
    for sent in [0, 1, 4095, 100_000] {
        let mut client = running.client();
        client.send(code::WRITE, 0, 0, MIB as u32, &vec![0xEE; sent]);
        drop(client);
    }
    eventually("the end of all", || running.server.stats().connections == 0);
    assert!(disk.content(0, 4 * MIB).iter().all(|byte| *byte == 0));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_read_costs_nothing() {
    let disk = MemoryDisk::new(32 * MIB);
    let running = Running::writable(&disk);
    for _ in 0..5 {
        let mut client = running.client();
        client.send(code::READ, 0, 0, 32 * MIB as u32, b"");
        client.send(code::READ, 0, 0, 32 * MIB as u32, b"");
    }
    eventually("the end of all", || running.server.stats().connections == 0);
}

#[test]
fn a_client_that_takes_no_answers_holds_up_nobody_else() {
    let disk = MemoryDisk::new(8 * MIB);
    let running = Running::writable(&disk);
    let mut greedy = running.client();
    for _ in 0..20 {
        greedy.send(code::READ, 0, 0, 8 * MIB as u32, b"");
    }
    let mut other = running.client();
    for _ in 0..50 {
        assert_eq!(other.ask(code::READ, 0, 0, 4096).error, 0);
    }
}
