//! Plays the corpus of a fuzz target in a test of the crate that the target is about.

/// Calls a fuzz target with each input of its corpus, and with some that chance makes, the same in each run.
pub(crate) fn replay(name: &str, target: fn(&[u8])) {
    const RANDOM: u64 = 100;
    const LEN_MAX: u64 = 700;
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&corpus).unwrap() {
        target(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "no input in {}", corpus.display());
    let mut state = 1u64;
    let mut next = || {
        // Knuth's linear generator: the upper bits are good
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for _ in 0..RANDOM {
        let len = next() % LEN_MAX;
        let bytes: Vec<u8> = (0..len).map(|_| (next() & 0xff) as u8).collect();
        target(&bytes);
    }
}
