//! Every decision of a content's distribution as a deterministic state machine without I/O.
