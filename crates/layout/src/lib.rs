//! What the bytes of a content are: files, pieces, spans, piece sets, safe relative paths and digests.
