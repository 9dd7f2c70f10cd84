//! Guests: one port, QEMU behind it, and a fake with the same states.
