//! Jobs under random events.

use std::sync::Arc;

use proptest::prelude::*;
use swarmcopy_layout::BLOCK_LEN;
use swarmcopy_scheduler::spread::depth::REQUESTS_OPEN_MAX;
use swarmcopy_sources::MemorySink;

use super::*;
use crate::testing::{PIECE_LEN, layout};

const LEN: u64 = PIECE_LEN * 30;

/// The job, its bytes and where its answer comes.
type Asked = (JobNumber, Span, oneshot::Receiver<Result<(), JobFailure>>);

fn bring(download: &mut Download, block: Block, now: Instant) {
    let arrival = download.arrive(block.piece.value(), block.begin, block.len);
    if let Some(arrival) = arrival {
        while let Some(chunk) = arrival.sink.reserve(arrival.block.span) {
            chunk.commit();
        }
        download.settle(&arrival, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_job_is_answered_once_and_done_means_filled(
        fast: bool,
        steps in prop::collection::vec((0u8..8, 0u64..LEN, 1u64..PIECE_LEN * 3), 1..200)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let now = runtime.block_on(async { Instant::now() });
        let target = Arc::new(MemorySink::new(usize::try_from(LEN).unwrap(), PIECE_LEN));
        let mut download = Download::new(Cutter::new(layout(LEN), BLOCK_LEN), fast, now);
        let (mut jobs, mut open): (Vec<Asked>, Vec<Block>) = (Vec::new(), Vec::new());
        download.unchoke();
        for (what, at, size) in steps {
            match what {
                0 | 1 => {
                    let span = Span::new(at, size).intersection(Span::new(0, LEN));
                    let (reply, answer) = oneshot::channel();
                    let sink = SpanSink::new(target.clone());
                    if let Some(number) = download.add(span, sink, reply) {
                        jobs.push((number, span, answer));
                    }
                }
                2 | 3 => open.extend(download.requests(now, u64::MAX)),
                4 | 5 if !open.is_empty() => {
                    let at = usize::try_from(at).unwrap() % open.len();
                    bring(&mut download, open.swap_remove(at), now);
                }
                6 if at % 7 == 0 => {
                    download.choke();
                    download.unchoke();
                }
                6 if !open.is_empty() => {
                    let block = open.swap_remove(usize::try_from(at).unwrap() % open.len());
                    download.reject(block.piece.value(), block.begin, block.len);
                }
                7 if !jobs.is_empty() => {
                    let at = usize::try_from(at).unwrap() % jobs.len();
                    download.withdraw(jobs.swap_remove(at).0);
                }
                _ => {}
            }
            prop_assert!(download.open_len() <= REQUESTS_OPEN_MAX);
        }
        // whatever is open comes, and the rest is asked for until nothing is left
        for _ in 0..100 {
            open.extend(download.requests(now, u64::MAX));
            for block in open.drain(..) {
                bring(&mut download, block, now);
            }
        }
        download.end();
        for (_, span, mut answer) in jobs {
            match answer.try_recv() {
                Ok(Ok(())) => prop_assert!(target.filled().covers(span), "{} has a gap", span),
                Ok(Err(failure)) => prop_assert_ne!(failure, JobFailure::LinkGone),
                Err(_) => prop_assert!(false, "a job was never answered"),
            }
        }
        prop_assert_eq!(target.wrong(), 0);
    }
}
