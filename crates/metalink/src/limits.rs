//! The limits of the reader, by name: what a document may hold before it, or an entry, is refused.
//!
//! Each is far above what honest documents need. Together they bound the time and the memory
//! of reading by the length of the document, whatever the document says.

#![expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]

/// Longest document in bytes.
pub const document_len_max: usize = 64 << 20;
/// Most elements open at once.
pub const depth_max: usize = 32;
/// Most elements in a document.
pub const elements_max: usize = 1_500_000;
/// Longest start tag in bytes, with its attributes.
pub const tag_len_max: usize = 64 << 10;
/// Most attributes on one element, namespace declarations included.
pub const attributes_max: usize = 32;
/// Most namespace declarations in scope at once.
pub const bindings_max: usize = 64;
/// Longest text of one element in bytes.
pub const text_len_max: usize = 64 << 10;
/// Most `file` elements in a document.
pub const files_max: usize = 200_000;
/// Most mirrors of one file, and most metaurls; the rest is dropped.
pub const urls_max: usize = 1024;
/// Most shares; the rest is dropped.
pub const shares_max: usize = 64;
/// Longest location of a share in bytes.
pub const share_len_max: usize = 4096;
/// Longest URL in bytes.
pub const url_len_max: usize = 8192;
/// Longest name in a file's path in units of UTF-16, as Windows stores it.
pub const name_len_max: usize = 255;
/// Most names in a file's path.
pub const names_max: usize = 256;
/// Most dropped entries that are told one by one; the rest is counted.
pub const dropped_max: usize = 1000;
/// Longest piece of the document that is repeated in a report, in characters.
pub const excerpt_len_max: usize = 120;
/// The priority that is taken where none, or none that can be read, is given: the lowest.
pub const priority_max: u32 = 999_999;
