//! AES-256-XTS over 4 KiB units, the cipher of a layer's data file.
//!
//! It refuses to know files and states. Its invariant: one unit is one block, its tweak is the
//! block's number, so equal plaintext at one place is equal ciphertext and a torn write tears
//! between cipher blocks of 16 bytes, never inside one's meaning.
//!
//! aws-lc-rs does not offer XTS, so this is the one place that calls the C functions of
//! aws-lc-sys. Contexts are kept keyed in two small pools: a context serves one thread at a time.
//!
//! Next to read: `engine`.

#![expect(unsafe_code, reason = "aws-lc offers XTS only through its C functions")]

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys as c;
use parking_lot::Mutex;

use crate::layer::keys::LayerKey;
use crate::{BLOCK_SIZE, Error};

/// Bytes of one unit.
const UNIT: usize = BLOCK_SIZE as usize;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

/// A keyed cipher context.
struct Context {
    raw: NonNull<c::EVP_CIPHER_CTX>,
    direction: Direction,
}

// SAFETY: `raw` is uniquely owned by this value (made in `new`, freed in `drop`, never copied),
// and aws-lc keeps no thread-bound state in a cipher context, so it may move between threads.
unsafe impl Send for Context {}

impl Context {
    fn new(key: &LayerKey, direction: Direction) -> Result<Self, Error> {
        // SAFETY: takes nothing; returns a fresh context or null, which is checked.
        let raw = NonNull::new(unsafe { c::EVP_CIPHER_CTX_new() }).ok_or_else(refused)?;
        let context = Self { raw, direction };
        // SAFETY: the context is live; the cipher is a static of aws-lc; the key points to 64
        // readable bytes, which is what AES-256-XTS reads; a null IV means "set it later".
        let done = unsafe {
            let cipher = c::EVP_aes_256_xts();
            let key = key.0.as_ptr();
            context.init(cipher, key, ptr::null())
        };
        if done == 1 { Ok(context) } else { Err(refused()) }
    }

    /// # Safety
    /// `cipher` null or a cipher of aws-lc, `key` null or 64 readable bytes, `iv` null or 16.
    unsafe fn init(&self, cipher: *const c::EVP_CIPHER, key: *const u8, iv: *const u8) -> c_int {
        let raw = self.raw.as_ptr();
        // SAFETY: the context is live; the rest is this function's own contract.
        unsafe {
            match self.direction {
                Direction::Seal => c::EVP_EncryptInit_ex(raw, cipher, ptr::null_mut(), key, iv),
                Direction::Open => c::EVP_DecryptInit_ex(raw, cipher, ptr::null_mut(), key, iv),
            }
        }
    }

    /// Turns one unit in place.
    fn turn(&mut self, tweak: u64, unit: &mut [u8]) -> Result<(), Error> {
        let at = unit.as_mut_ptr();
        // SAFETY: `at` is valid for reading and writing `unit.len()` bytes, and in place is legal.
        unsafe { self.turn_raw(tweak, at, at, unit.len()) }
    }

    /// Turns one unit from one place to another of the same length.
    fn turn_into(&mut self, tweak: u64, from: &[u8], unit: &mut [u8]) -> Result<(), Error> {
        if from.len() != unit.len() {
            return Err(refused());
        }
        // SAFETY: both are valid for that many bytes, and as an exclusive reference `unit` does
        // not overlap `from`.
        unsafe { self.turn_raw(tweak, from.as_ptr(), unit.as_mut_ptr(), unit.len()) }
    }

    /// # Safety
    /// `from` is valid for reading and `to` for writing `length` bytes; they are the same place
    /// or do not overlap.
    unsafe fn turn_raw(
        &mut self,
        tweak: u64,
        from: *const u8,
        to: *mut u8,
        length: usize,
    ) -> Result<(), Error> {
        let mut iv = [0_u8; 16];
        iv[..8].copy_from_slice(&tweak.to_le_bytes());
        let length = c_int::try_from(length).map_err(|_| refused())?;
        let mut done: c_int = 0;
        let raw = self.raw.as_ptr();
        // SAFETY: null cipher and key keep those already set; `iv` is 16 bytes. Of `from` and `to`
        // the caller promises what aws-lc wants: `length` bytes each, the same place or apart; XTS
        // writes exactly `length` bytes and `done` receives that number.
        let ok = unsafe {
            self.init(ptr::null(), ptr::null(), iv.as_ptr()) == 1
                && match self.direction {
                    Direction::Seal => c::EVP_EncryptUpdate(raw, to, &raw mut done, from, length),
                    Direction::Open => c::EVP_DecryptUpdate(raw, to, &raw mut done, from, length),
                } == 1
        };
        if ok && done == length { Ok(()) } else { Err(refused()) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `EVP_CIPHER_CTX_new` and is freed once; it cleanses the key.
        unsafe { c::EVP_CIPHER_CTX_free(self.raw.as_ptr()) };
    }
}

fn refused() -> Error {
    Error::Invalid { what: "the cipher refused its key or a block".to_owned() }
}

/// The cipher of one generation. The layer key lives here and dies with it.
pub(super) struct Xts {
    key: LayerKey,
    sealing: Mutex<Vec<Context>>,
    opening: Mutex<Vec<Context>>,
}

impl Xts {
    pub(super) fn new(key: LayerKey) -> Result<Self, Error> {
        let sealing = Mutex::new(vec![Context::new(&key, Direction::Seal)?]);
        let opening = Mutex::new(vec![Context::new(&key, Direction::Open)?]);
        Ok(Self { key, sealing, opening })
    }

    /// Encrypts whole blocks in place; `first` is the number of the first one.
    pub(super) fn seal(&self, first: u64, blocks: &mut [u8]) -> Result<(), Error> {
        self.turn(Direction::Seal, first, blocks)
    }

    /// Encrypts whole blocks of `plain` into `blocks`, which is as long.
    pub(super) fn seal_into(
        &self,
        first: u64,
        plain: &[u8],
        blocks: &mut [u8],
    ) -> Result<(), Error> {
        debug_assert!(plain.len() == blocks.len() && plain.len().is_multiple_of(UNIT));
        self.with_context(Direction::Seal, |context| {
            let units = plain.chunks_exact(UNIT).zip(blocks.chunks_exact_mut(UNIT));
            (first..).zip(units).try_for_each(|(n, (from, to))| context.turn_into(n, from, to))
        })
    }

    /// Decrypts whole blocks in place.
    pub(super) fn open(&self, first: u64, blocks: &mut [u8]) -> Result<(), Error> {
        self.turn(Direction::Open, first, blocks)
    }

    fn turn(&self, direction: Direction, first: u64, blocks: &mut [u8]) -> Result<(), Error> {
        debug_assert_eq!(blocks.len() % UNIT, 0);
        self.with_context(direction, |context| {
            let mut units = (first..).zip(blocks.chunks_exact_mut(UNIT));
            units.try_for_each(|(block, unit)| context.turn(block, unit))
        })
    }

    /// Lends a context, which goes back to its pool unless it failed.
    fn with_context(
        &self,
        direction: Direction,
        work: impl FnOnce(&mut Context) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let pool = match direction {
            Direction::Seal => &self.sealing,
            Direction::Open => &self.opening,
        };
        let pooled = pool.lock().pop();
        let mut context = match pooled {
            Some(context) => context,
            None => Context::new(&self.key, direction)?,
        };
        work(&mut context)?;
        pool.lock().push(context);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn ieee_key() -> LayerKey {
        let hex = "2718281828459045235360287471352662497757247093699959574966967627\
                   3141592653589793238462643383279502884197169399375105820974944592";
        LayerKey(Zeroizing::new(bytes(hex).try_into().unwrap()))
    }

    #[test]
    fn published_vector_10_of_ieee_1619_holds() {
        let expected = bytes(
            "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b\
             5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd\
             5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0\
             c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca\
             2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0\
             b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f\
             93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec\
             583e9645e07b8d9670655ba5bbcfecc6dc3966380ad8fecb17b6ba02469a020a\
             84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1\
             505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae\
             9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29\
             a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac\
             6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f\
             645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed5376441a77ed4385\
             1ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa\
             773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151",
        );
        let plain: Vec<u8> = (0..512_u32).map(|i| i as u8).collect();
        let mut unit = plain.clone();
        Context::new(&ieee_key(), Direction::Seal).unwrap().turn(0xff, &mut unit).unwrap();
        assert_eq!(unit, expected);
        Context::new(&ieee_key(), Direction::Open).unwrap().turn(0xff, &mut unit).unwrap();
        assert_eq!(unit, plain);
    }

    #[test]
    fn every_block_has_its_own_tweak_and_comes_back() {
        let xts = Xts::new(ieee_key()).unwrap();
        let plain = vec![0x5a_u8; 3 * UNIT];
        let mut blocks = plain.clone();
        xts.seal(7, &mut blocks).unwrap();
        assert_ne!(blocks[..UNIT], blocks[UNIT..2 * UNIT]);
        let mut second = plain[..UNIT].to_vec();
        xts.seal(8, &mut second).unwrap();
        assert_eq!(second, blocks[UNIT..2 * UNIT]);
        let mut apart = vec![0; blocks.len()];
        xts.seal_into(7, &plain, &mut apart).unwrap();
        assert_eq!(apart, blocks);
        xts.open(7, &mut blocks).unwrap();
        assert_eq!(blocks, plain);
    }

    #[test]
    fn threads_share_one_cipher() {
        let xts = Xts::new(ieee_key()).unwrap();
        std::thread::scope(|scope| {
            for t in 0..4_u64 {
                let xts = &xts;
                scope.spawn(move || {
                    for i in 0..50 {
                        let mut block = vec![t as u8; UNIT];
                        xts.seal(i, &mut block).unwrap();
                        xts.open(i, &mut block).unwrap();
                        assert!(block.iter().all(|b| *b == t as u8));
                    }
                });
            }
        });
    }
}
