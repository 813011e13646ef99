//! The limits of the reader, by name: what a document may hold before it, or an entry, is refused.
//!
//! Each is far above what honest documents need. Together they bound the time and the memory
//! of reading by the length of the document, whatever the document says.

/// Longest document in bytes.
pub const DOCUMENT_LEN_MAX: usize = 64 << 20;
/// Most elements open at once.
pub const DEPTH_MAX: usize = 32;
/// Most elements in a document.
pub const ELEMENTS_MAX: usize = 1_500_000;
/// Longest start tag in bytes, with its attributes.
pub const TAG_LEN_MAX: usize = 64 << 10;
/// Most attributes on one element, namespace declarations included.
pub const ATTRIBUTES_MAX: usize = 32;
/// Most namespace declarations in scope at once.
pub const BINDINGS_MAX: usize = 64;
/// Longest text of one element in bytes.
pub const TEXT_LEN_MAX: usize = 64 << 10;
/// Most `file` elements in a document.
pub const FILES_MAX: usize = 200_000;
/// Most mirrors of one file, and most metaurls; the rest is dropped.
pub const URLS_MAX: usize = 1024;
/// Most shares; the rest is dropped.
pub const SHARES_MAX: usize = 64;
/// Longest location of a share in bytes.
pub const SHARE_LEN_MAX: usize = 4096;
/// Longest URL in bytes.
pub const URL_LEN_MAX: usize = 8192;
/// Longest name in a file's path in units of UTF-16, as Windows stores it.
pub const NAME_LEN_MAX: usize = 255;
/// Most names in a file's path.
pub const NAMES_MAX: usize = 256;
/// Most dropped entries that are told one by one; the rest is counted.
pub const DROPPED_MAX: usize = 1000;
/// Longest piece of the document that is repeated in a report, in characters.
pub const EXCERPT_LEN_MAX: usize = 120;
/// The priority that is taken where none, or none that can be read, is given: the lowest.
pub const PRIORITY_MAX: u32 = 999_999;
