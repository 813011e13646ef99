//! Tests against files that nobody in this project wrote; without them they say so and pass.

#[cfg(test)]
mod mktorrent;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
