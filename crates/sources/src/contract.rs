//! The suite that every piece source must pass.
