//! Numbers and strings of bytes, written short.
//!
//! What must stay true: a reader never takes more than is there, and never believes a length beyond its limit.

use crate::Broken;

/// Longest string of bytes: a head holds the pieces of the largest content twice, a bit each.
pub(crate) const BYTES_MAX: usize = 4 << 20;

/// Writes into a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits in a byte, the lowest first.
    pub(crate) fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(crate) fn maybe(&mut self, number: Option<u64>) {
        self.flag(number.is_some());
        if let Some(number) = number {
            self.number(number);
        }
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.fixed(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

/// Reads from bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Broken> {
        let (byte, rest) = self.0.split_first().ok_or(Broken::Short)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Broken> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            number |= part
                .checked_shl(shift)
                .filter(|shifted| shifted >> shift == part)
                .ok_or(Broken::Field("number"))?;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken::Field("number"))
    }

    pub(crate) fn small(&mut self) -> Result<u32, Broken> {
        u32::try_from(self.number()?).map_err(|_| Broken::Field("number"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Broken> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Broken::Field("flag")),
        }
    }

    pub(crate) fn maybe(&mut self) -> Result<Option<u64>, Broken> {
        if self.flag()? {
            self.number().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(Broken::Short)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Broken> {
        let len = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if len > BYTES_MAX {
            return Err(Broken::Field("length"));
        }
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Broken::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String, Broken> {
        let text = std::str::from_utf8(self.bytes()?);
        text.map(str::to_owned).map_err(|_| Broken::Field("text"))
    }

    /// How many entries follow, at most `max`.
    pub(crate) fn count(&mut self, max: usize) -> Result<usize, Broken> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > max {
            return Err(Broken::Field("count"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number: u64) {
            let mut writer = Writer::default();
            writer.number(number);
            let mut reader = Reader(&writer.0);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert_eq!(Reader(&[0xff; 11]).number(), Err(Broken::Field("number")));
        assert_eq!(Reader(&[0x80]).number(), Err(Broken::Short));
        assert_eq!(Reader(&[5, 1]).bytes(), Err(Broken::Short));
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0x7f]).bytes(),
            Err(Broken::Field("length"))
        );
    }
}
