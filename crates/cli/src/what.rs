//! The argument WHAT: a path, an address or a magnet link.

use std::convert::Infallible;
use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser, ValueParserFactory};

/// What is to be copied, served, checked or shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct What(pub(crate) swarmcopy::What);

impl What {
    /// The path, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.0 {
            swarmcopy::What::Path(path) => Some(path),
            _ => None,
        }
    }
}

impl ValueParserFactory for What {
    type Parser = ValueParser;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new()
            .try_map(|text| Ok::<_, Infallible>(Self(swarmcopy::What::of(text))))
            .into()
    }
}
