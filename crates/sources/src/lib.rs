//! Where bytes come from: the piece source trait, shares and HTTP mirrors, and the contract they pass.
