//! How many bytes the requests of one connection may hold at a time.

use parking_lot::{Condvar, Mutex};

/// Most bytes that the requests of one connection hold in memory: two of the largest.
pub const BYTES_IN_FLIGHT_MAX: usize = 64 * 1024 * 1024;

/// A number of bytes to be lent out.
pub struct Budget {
    free: Mutex<usize>,
    returned: Condvar,
}

/// Bytes on loan; given back when dropped.
pub struct Loan<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Budget {
    /// A budget of `bytes`.
    pub const fn new(bytes: usize) -> Self {
        Self { free: Mutex::new(bytes), returned: Condvar::new() }
    }

    /// Waits until `bytes` are free. INVARIANT: nobody asks for more than the whole budget,
    /// and nobody who waits here holds a loan.
    pub fn take(&self, bytes: usize) -> Loan<'_> {
        let mut free = self.free.lock();
        while *free < bytes {
            self.returned.wait(&mut free);
        }
        *free -= bytes;
        Loan { budget: self, bytes }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock() += self.bytes;
        // Only the thread that reads requests ever waits.
        self.budget.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loan_waits_for_bytes_to_come_back() {
        let budget = Budget::new(10);
        let first = budget.take(10);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| drop(budget.take(1)));
            drop(first);
            second.join().unwrap();
        });
        assert_eq!(*budget.free.lock(), 10);
    }
}
