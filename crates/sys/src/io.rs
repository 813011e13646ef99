//! Positional reads and writes that need no seek and may run side by side on one file.
//!
//! What must stay true: a call is repeated as [`retry`] says, a short one goes on where it ended, and nothing
//! depends on the file's cursor (Windows moves it; nobody may rely on where it stands).

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};

use crate::retry::retry;

/// Buffers handed to the kernel in one call; the lowest limit among the supported systems is 1024.
pub const SLICES_MAX: usize = 1024;

/// Reads some bytes at `offset` into `buf` and returns how many; 0 means the end of the file or an empty `buf`.
pub fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    retry(|| platform::read_at(file, buf, offset))
}

/// Fills all of `buf` from `offset`.
///
/// # Errors
/// [`ErrorKind::UnexpectedEof`] when the file ends before `buf` is full; `buf` then holds what was there.
pub fn read_exact_at(file: &File, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        let read = read_at(file, buf, offset)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        buf = buf.get_mut(read..).unwrap_or_default();
        offset = advanced(offset, read)?;
    }
    Ok(())
}

/// Writes all of `buf` at `offset`, growing the file when needed.
///
/// # Errors
/// Some bytes may have been written before an error.
pub fn write_all_at(file: &File, buf: &[u8], offset: u64) -> io::Result<()> {
    write_all_vectored_at(file, &mut [IoSlice::new(buf)], offset)
}

/// Writes some bytes of `bufs`, one after the other, at `offset` and returns how many.
///
/// One system call where the system has it; elsewhere only the first buffer that is not empty is written.
/// At most [`SLICES_MAX`] buffers are looked at.
pub fn write_vectored_at(file: &File, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    let bufs = bufs.get(..SLICES_MAX).unwrap_or(bufs);
    retry(|| platform::write_vectored_at(file, bufs, offset))
}

/// Writes all bytes of `bufs`, one after the other, at `offset`; `bufs` is used up.
///
/// # Errors
/// [`ErrorKind::WriteZero`] when the system takes no more bytes. Some may have been written before an error.
pub fn write_all_vectored_at(
    file: &File,
    mut bufs: &mut [IoSlice<'_>],
    mut offset: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut bufs, 0); // drops empty buffers at the front
    while !bufs.is_empty() {
        let written = write_vectored_at(file, bufs, offset)?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut bufs, written);
        offset = advanced(offset, written)?;
    }
    Ok(())
}

fn advanced(offset: u64, by: usize) -> io::Result<u64> {
    u64::try_from(by)
        .ok()
        .and_then(|by| offset.checked_add(by))
        .ok_or_else(|| ErrorKind::FileTooLarge.into())
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io::{self, IoSlice};
    use std::os::unix::fs::FileExt;

    pub(super) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buf, offset)
    }

    pub(super) fn write_vectored_at(
        file: &File,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        match bufs {
            [one] => file.write_at(one, offset),
            many => Ok(rustix::io::pwritev(file, many, offset)?),
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::File;
    use std::io::{self, ErrorKind, IoSlice};
    use std::os::windows::fs::FileExt;

    /// Reading at or behind the end is an error on Windows; here it is 0 bytes as everywhere.
    pub(super) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match file.seek_read(buf, offset) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            done => done,
        }
    }

    pub(super) fn write_vectored_at(
        file: &File,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        let first = bufs.iter().find(|buf| !buf.is_empty());
        first.map_or(Ok(0), |buf| file.seek_write(buf, offset))
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::fs::File;
    use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};

    /// Needs the cursor, so calls on one file must not overlap here.
    pub(super) fn read_at(mut file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek(SeekFrom::Start(offset))?;
        file.read(buf)
    }

    pub(super) fn write_vectored_at(
        mut file: &File,
        bufs: &[IoSlice<'_>],
        offset: u64,
    ) -> io::Result<usize> {
        file.seek(SeekFrom::Start(offset))?;
        file.write_vectored(bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_at_an_offset_is_read_there() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"world", 6).unwrap();
        write_all_at(&file, b"hello ", 0).unwrap();
        let mut all = [0; 11];
        read_exact_at(&file, &mut all, 0).unwrap();
        assert_eq!(&all, b"hello world");
    }

    #[test]
    fn reading_behind_the_end_is_zero_bytes() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"abc", 0).unwrap();
        let mut buf = [0; 8];
        assert_eq!(read_at(&file, &mut buf, 3).unwrap(), 0);
        assert_eq!(read_at(&file, &mut buf, 100).unwrap(), 0);
        assert_eq!(read_at(&file, &mut buf, 1).unwrap(), 2);
    }

    #[test]
    fn a_file_that_ends_early_is_told() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"abc", 0).unwrap();
        let error = read_exact_at(&file, &mut [0; 4], 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn many_buffers_arrive_in_order_and_empty_ones_do_no_harm() {
        let file = tempfile::tempfile().unwrap();
        let parts: Vec<Vec<u8>> = (0..3000_u32)
            .map(|i| vec![u8::try_from(i % 251).unwrap(); usize::try_from(i % 5).unwrap()])
            .collect();
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        write_all_vectored_at(&file, &mut slices, 7).unwrap();

        let whole = parts.concat();
        let mut read = vec![0; whole.len()];
        read_exact_at(&file, &mut read, 7).unwrap();
        assert_eq!(read, whole);
        assert_eq!(
            file.metadata().unwrap().len(),
            7 + u64::try_from(whole.len()).unwrap()
        );
    }

    #[test]
    fn writing_nothing_is_no_error() {
        let file = tempfile::tempfile().unwrap();
        write_all_at(&file, b"", 9).unwrap();
        write_all_vectored_at(&file, &mut [], 9).unwrap();
        write_all_vectored_at(&file, &mut [IoSlice::new(b""), IoSlice::new(b"")], 9).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
