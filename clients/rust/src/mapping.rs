//! The only unsafe code: mapping the file, and loading words that another process may be writing.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};

const PROT_READ: c_int = 1;
const MAP_SHARED: c_int = 1;

extern "C" {
    fn mmap(
        address: *mut c_void,
        length: usize,
        protection: c_int,
        flags: c_int,
        descriptor: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn munmap(address: *mut c_void, length: usize) -> c_int;
}

/// A read-only shared mapping of a file's first bytes. Words are loaded one by one; no reference to the bytes is ever made.
pub struct Mapping {
    base: *const u8,
    length: usize,
}

// SAFETY: the mapping belongs to the value, and loads from it may come from any thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `length` bytes, which the file must hold: an access beyond a file's end would kill the process.
    pub fn new(file: &File, length: usize) -> io::Result<Mapping> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let address = unsafe { mmap(std::ptr::null_mut(), length, PROT_READ, MAP_SHARED, file.as_raw_fd(), 0) };
        if address as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { base: address.cast(), length })
    }

    /// One aligned 8-byte load, unordered: order it with `fence(Acquire)`.
    #[inline]
    pub fn word(&self, offset: usize) -> u64 {
        assert!(offset % 8 == 0 && offset < self.length && self.length - offset >= 8, "load outside of the region");
        // SAFETY: in bounds and aligned as just asserted (the base is page-aligned); mapped until drop. Relaxed loads of
        // this size are allowed on read-only memory (std::sync::atomic, "Atomic accesses to read-only memory").
        unsafe { (*self.base.add(offset).cast::<AtomicU64>()).load(Ordering::Relaxed) }
    }

    /// Loads `words.len()` consecutive words.
    #[inline]
    pub fn copy_words(&self, offset: usize, words: &mut [u64]) {
        for (i, word) in words.iter_mut().enumerate() {
            *word = self.word(offset + i * 8);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped, and nothing can use it after the drop.
        unsafe { munmap(self.base.cast_mut().cast(), self.length) };
    }
}
