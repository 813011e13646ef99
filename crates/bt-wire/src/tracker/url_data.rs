//! The address of a tracker as options behind a UDP announce (BEP 41).
//!
//! What must stay true: the options say the address's path and query, or nothing.

use url::Url;

/// The kind of an option that carries a part of the address.
const URL_DATA: u8 = 2;
/// Longest part that one option carries, in bytes.
const PART_LEN_MAX: usize = 255;
/// Most options: what is longer is no address that a tracker gave out.
const PARTS_MAX: usize = 4;

/// The path and query of an address as options that follow an announce; nothing if it has neither.
/// A tracker tells by them who asks.
///
/// ```
/// use swarmcopy_bt_wire::tracker::url_data;
/// let url = "udp://tracker.example:80/a?key=1".parse()?;
/// assert_eq!(url_data(&url), b"\x02\x08/a?key=1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn url_data(url: &Url) -> Vec<u8> {
    let query = url.query().map(|query| format!("?{query}"));
    let text = format!("{}{}", url.path(), query.unwrap_or_default());
    let mut options = Vec::new();
    if text == "/" || text.len() > PART_LEN_MAX * PARTS_MAX {
        return options;
    }
    for part in text.as_bytes().chunks(PART_LEN_MAX) {
        options.extend([URL_DATA, u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        options.extend_from_slice(part);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(url: &str) -> Vec<u8> {
        url_data(&url.parse().unwrap())
    }

    #[test]
    fn long_addresses_are_cut_into_options() {
        let path = format!("/{}", "a".repeat(299));
        let told = data(&format!("udp://t:1{path}"));
        assert_eq!((told[0], told[1], told[257], told[258]), (2, 255, 2, 45));
        let read = [&told[2..257], &told[259..]].concat();
        assert_eq!(read, path.as_bytes());
    }

    #[test]
    fn an_address_without_a_path_says_nothing() {
        assert!(data("udp://t:1").is_empty() && data("udp://t:1/").is_empty());
        assert_eq!(data("udp://t:1?k"), b"\x02\x02?k");
        assert!(data(&format!("udp://t:1/{}", "a".repeat(5000))).is_empty());
    }
}
