//! Facts of this build on this machine.

use swarmcopy_digest::Isa;

/// How pieces are hashed here, in words.
pub fn digest_lanes() -> String {
    match Isa::current() {
        Isa::Avx512 => "sixteen pieces side by side (AVX-512)".to_owned(),
        Isa::Avx2 => "eight pieces side by side (AVX2)".to_owned(),
        _ => "one piece after another".to_owned(),
    }
}
