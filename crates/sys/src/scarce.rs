//! Memory that the system does not grant.
//!
//! What must stay true: the program ends with a sentence and an exit code, by no signal. Nothing is allocated on the way,
//! and nothing is cleaned up: what is on the disk is what an interrupted program leaves.

use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;

/// An allocator that ends the program with an exit code where another one has no more memory.
#[derive(Debug)]
pub struct Ending<A> {
    /// Who allocates.
    pub allocator: A,
    /// The exit code.
    pub code: u8,
}

impl<A> Ending<A> {
    fn granted(&self, block: *mut u8, len: usize) -> *mut u8 {
        if block.is_null() {
            end(len, self.code)
        }
        block
    }
}

// SAFETY: all is what the inner allocator does, which is one; a null is never returned.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Ending<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        self.granted(unsafe { self.allocator.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { self.allocator.alloc_zeroed(layout) };
        self.granted(block, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { self.allocator.realloc(block, layout, len) };
        self.granted(block, len)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { self.allocator.dealloc(block, layout) }
    }
}

/// Says what could not be had, and ends.
fn end(len: usize, code: u8) -> ! {
    let mut text = [0_u8; 160];
    let room = text.len();
    let mut rest = text.as_mut_slice();
    // it fits; what does not is cut
    let _ = writeln!(rest, "error: cannot get {len} bytes of memory");
    let _ = writeln!(rest, "  hint: raise the limit of memory, or free some");
    let used = room.saturating_sub(rest.len());
    // whether anybody reads it or not, this is the end
    let _ = std::io::stderr().write_all(text.get(..used).unwrap_or_default());
    leave(code.into())
}

/// Ends without handlers: they might allocate, and other threads may hold what they need.
#[cfg(unix)]
fn leave(code: i32) -> ! {
    // SAFETY: it has no conditions, and does not return.
    unsafe { libc::_exit(code) }
}

#[cfg(not(unix))]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    #[test]
    fn what_is_granted_is_passed_on() {
        let ending = Ending {
            allocator: System,
            code: 1,
        };
        let layout = Layout::from_size_align(100, 8).unwrap();
        let longer = Layout::from_size_align(200, 8).unwrap();
        // SAFETY: the layouts are not empty, and each block is given back with its own.
        unsafe {
            let block = ending.alloc_zeroed(layout);
            assert_eq!(*block.add(99), 0);
            *block = 7;
            let block = ending.realloc(block, layout, 200);
            assert_eq!(*block, 7);
            ending.dealloc(block, longer);
        }
    }
}
