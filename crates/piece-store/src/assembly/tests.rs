//! The assembly against a model of bytes, and the cases that random steps seldom meet.

use super::*;
use proptest::prelude::*;
use swarmcopy_layout::{Layout, RelPath};

fn assembly(len: u64, pool: &Pool) -> Assembly {
    let path = RelPath::parse("f").unwrap();
    // a piece in the middle, so that offsets in the content are not those in the piece
    let layout = Layout::builder(len).file(path, 3 * len).build().unwrap();
    let piece = layout.piece(1).unwrap();
    Assembly::new(piece, layout.piece_span(piece), pool.clone())
}

/// What the byte at `at` is when `sender` sent it.
fn byte(at: u64, sender: u32) -> u8 {
    u8::try_from((at * 7 + u64::from(sender)) % 251).unwrap()
}

fn fill(span: Span, sender: u32, buffer: &mut BytesMut) {
    for (at, to) in (span.start()..).zip(buffer.iter_mut()) {
        *to = byte(at, sender);
    }
}

fn bytes_of(filled: &Filled) -> Vec<u8> {
    filled
        .parts
        .iter()
        .flat_map(|part| part.iter().copied())
        .collect()
}

#[test]
fn a_piece_filled_in_order_is_one_part_and_comes_back_to_the_pool() {
    let pool = Pool::new(8 << 20);
    let assembly = assembly(3_000_000, &pool);
    let mut reserved = Vec::new();
    let mut rest = assembly.span();
    while let Some((span, buffer)) = assembly.reserve(rest.head(16_384), 1) {
        rest = rest.after(span.len());
        reserved.push((span, buffer));
    }
    for (span, mut buffer) in reserved {
        fill(span, 1, &mut buffer);
        assert!(assembly.commit(span, 1, buffer));
    }
    let filled = assembly.take().unwrap();
    assert_eq!(filled.parts.len(), 3);
    assert_eq!(filled.senders, [(assembly.span(), 1)]);
    drop(filled);
    assert_eq!(pool.kept_bytes(), 3 << 20);
}

#[test]
fn a_hung_holder_keeps_its_memory_and_others_get_fresh_memory() {
    let pool = Pool::new(8 << 20);
    let assembly = assembly(100_000, &pool);
    let (hung_span, mut hung) = assembly.reserve(assembly.span().head(20_000), 1).unwrap();
    assert_eq!(assembly.reserve(hung_span, 2), None);
    assembly.abandon(hung_span, 9); // holds nothing
    assert_eq!(assembly.reserve(hung_span, 2), None);
    assembly.abandon(hung_span, 1);
    for _ in 0..2 {
        let (span, mut buffer) = assembly.reserve(assembly.span(), 2).unwrap();
        fill(span, 2, &mut buffer);
        assert!(assembly.commit(span, 2, buffer));
    }
    fill(hung_span, 1, &mut hung);
    assert!(!assembly.commit(hung_span, 1, hung));
    let filled = assembly.take().unwrap();
    assert_eq!(filled.senders, [(assembly.span(), 2)]);
    assert!(
        bytes_of(&filled)
            .iter()
            .zip(filled.span.start()..)
            .all(|(b, at)| *b == byte(at, 2))
    );
}

#[test]
fn an_abandoned_run_is_taken_late_if_nobody_else_was_quicker() {
    let pool = Pool::new(8 << 20);
    let assembly = assembly(20_000, &pool);
    let (span, buffer) = assembly.reserve(assembly.span(), 1).unwrap();
    assembly.abandon(span, 1);
    assert_eq!(assembly.missing(span), Spans::of(span));
    assert!(assembly.commit(span, 1, buffer));
    assert!(assembly.take().is_some());
}

#[test]
fn memory_that_was_not_handed_out_for_a_run_is_not_taken() {
    let pool = Pool::new(8 << 20);
    let assembly = assembly(20_000, &pool);
    let (span, buffer) = assembly.reserve(assembly.span(), 1).unwrap();
    assert!(!assembly.commit(span, 1, BytesMut::zeroed(20_000)));
    assert!(!assembly.commit(span.head(10), 1, BytesMut::zeroed(10)));
    assert!(!assembly.commit(span, 2, buffer));
    assert_eq!(assembly.filled(), 0);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve { start: u64, len: u64, sender: u32 },
    Commit(usize),
    Release(usize),
    Abandon { start: u64, len: u64, sender: u32 },
}

fn steps(len: u64, count: usize) -> impl Strategy<Value = Vec<Step>> {
    let span = move || (0..len, 1..len / 2);
    let step = prop_oneof![
        5 => (span(), 0u32..4).prop_map(|((start, len), sender)| Step::Reserve { start, len, sender }),
        5 => (0usize..8).prop_map(Step::Commit),
        2 => (0usize..8).prop_map(Step::Release),
        1 => (span(), 0u32..4).prop_map(|((start, len), sender)| Step::Abandon { start, len, sender }),
    ];
    prop::collection::vec(step, 0..count)
}

/// What should be so: who filled each byte, and who holds it.
struct Model {
    start: u64,
    filled: Vec<Option<u32>>,
    held: Vec<Option<usize>>,
}

impl Model {
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        usize_of(span.start() - self.start)..usize_of(span.end() - self.start)
    }

    fn is_open(&self, at: usize) -> bool {
        self.filled[at].is_none() && self.held[at].is_none()
    }
}

struct Held {
    id: usize,
    span: Span,
    sender: u32,
    buffer: BytesMut,
}

/// Runs the steps on both, then fills what is missing; the assembly must agree all the way.
fn run(len: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let pool = Pool::new(64 << 20);
    let assembly = assembly(len, &pool);
    let whole = assembly.span();
    let size = usize_of(len);
    let mut model = Model {
        start: whole.start(),
        filled: vec![None; size],
        held: vec![None; size],
    };
    let mut held: Vec<Held> = Vec::new();
    let mut ids = 0;
    for step in steps {
        match step {
            Step::Reserve { start, len, sender } => {
                let span = Span::new(whole.start() + start, len).intersection(whole);
                let expected = model.range(span).find(|at| model.is_open(*at));
                let Some((got, buffer)) = assembly.reserve(span, sender) else {
                    prop_assert_eq!(expected, None);
                    continue;
                };
                prop_assert_eq!(Some(model.range(got).start), expected);
                prop_assert!(span.contains(got) && u64_of(buffer.len()) == got.len());
                prop_assert!(model.range(got).all(|at| model.is_open(at)));
                ids += 1;
                let range = model.range(got);
                model.held[range].fill(Some(ids));
                held.push(Held {
                    id: ids,
                    span: got,
                    sender,
                    buffer,
                });
            }
            Step::Commit(at) if at < held.len() => commit(&assembly, &mut model, held.remove(at))?,
            Step::Release(at) if at < held.len() => {
                let Held {
                    id,
                    span,
                    sender,
                    buffer,
                } = held.remove(at);
                assembly.release(span, sender, buffer);
                let range = model.range(span);
                model.held[range]
                    .iter_mut()
                    .filter(|by| **by == Some(id))
                    .for_each(|by| *by = None);
            }
            Step::Abandon { start, len, sender } => {
                let span = Span::new(whole.start() + start, len).intersection(whole);
                assembly.abandon(span, sender);
                for held in held.iter().filter(|held| {
                    held.sender == sender && !held.span.intersection(span).is_empty()
                }) {
                    let range = model.range(held.span);
                    let mine = model.held[range]
                        .iter_mut()
                        .filter(|by| **by == Some(held.id));
                    mine.for_each(|by| *by = None);
                }
            }
            _ => {}
        }
        check(&assembly, &model)?;
    }
    finish(&assembly, &mut model, held)
}

fn commit(assembly: &Assembly, model: &mut Model, mut held: Held) -> Result<(), TestCaseError> {
    fill(held.span, held.sender, &mut held.buffer);
    let range = model.range(held.span);
    // its own, or abandoned and wanted by nobody since
    let waits = range
        .clone()
        .all(|at| model.held[at] == Some(held.id) || model.is_open(at));
    let taken = assembly.commit(held.span, held.sender, held.buffer);
    if model.held[range.start] == Some(held.id) {
        prop_assert!(taken);
    }
    prop_assert!(waits || !taken, "late bytes were taken");
    if taken {
        model.filled[range.clone()].fill(Some(held.sender));
        model.held[range].fill(None);
    }
    Ok(())
}

fn check(assembly: &Assembly, model: &Model) -> Result<(), TestCaseError> {
    let missing = model.filled.iter().filter(|by| by.is_none()).count();
    prop_assert_eq!(assembly.missing(assembly.span()).len(), u64_of(missing));
    prop_assert_eq!(assembly.filled(), u64_of(model.filled.len() - missing));
    for (span, sender) in assembly.senders() {
        prop_assert!(
            model.filled[model.range(span)]
                .iter()
                .all(|by| *by == Some(sender))
        );
    }
    Ok(())
}

fn finish(assembly: &Assembly, model: &mut Model, held: Vec<Held>) -> Result<(), TestCaseError> {
    let hung: Vec<Held> = held;
    for held in &hung {
        assembly.abandon(held.span, held.sender);
        let range = model.range(held.span);
        model.held[range]
            .iter_mut()
            .filter(|by| **by == Some(held.id))
            .for_each(|by| *by = None);
    }
    while let Some((span, mut buffer)) = assembly.reserve(assembly.span(), 5) {
        fill(span, 5, &mut buffer);
        prop_assert!(assembly.commit(span, 5, buffer));
        let range = model.range(span);
        model.filled[range].fill(Some(5));
    }
    check(assembly, model)?;
    for held in hung {
        prop_assert!(!assembly.commit(held.span, held.sender, held.buffer));
    }
    let filled = assembly.take().unwrap();
    let expected: Vec<u8> = (filled.span.start()..)
        .zip(&model.filled)
        .map(|(at, by)| byte(at, by.unwrap()))
        .collect();
    prop_assert!(bytes_of(&filled) == expected);
    prop_assert_eq!(
        filled
            .senders
            .iter()
            .map(|(span, _)| span.len())
            .sum::<u64>(),
        filled.span.len()
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_holders_fill_each_byte_once(steps in steps(300, 120)) {
        run(300, steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    #[test]
    fn random_holders_fill_each_byte_once_over_segments(steps in steps(2_200_000, 40)) {
        run(2_200_000, steps)?;
    }
}
