//! Copies large trees to many machines from shares, mirrors and peers at once: the facade that tools embed.
