//! The choice of an instruction set holds for the whole process, so this test has one of its own.

use swarmcopy_digest::{Isa, set_isa, sha1, sha1_many};

#[test]
fn the_first_chosen_instruction_set_stays() {
    assert_eq!(Isa::current(), Isa::best());
    assert!(set_isa(Isa::Scalar));
    assert!(set_isa(Isa::Scalar));
    let others = [Isa::Avx2, Isa::Avx512];
    assert!(others.into_iter().all(|isa| !set_isa(isa)));
    assert_eq!(Isa::current(), Isa::Scalar);
    let parts: [&[u8]; 1] = [b"piece"];
    let pieces: [&[&[u8]]; 16] = [&parts; 16];
    assert_eq!(sha1_many(&pieces), [sha1(b"piece"); 16]);
}
