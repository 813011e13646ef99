//! Shares: where they are found, what they lack, and what happens when a read hangs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::Span;
use swarmcopy_sources::contract::PermitKeeper;
use swarmcopy_sources::share::ShareError;
use swarmcopy_sources::{
    Blame, Limiter, MemorySink, OriginSource, PieceSource, Shape, ShareSource, SourceError,
    SpanSink,
};

use crate::support::content::{Content, awkward, content, name};
use crate::support::permit::permit;

const DEADLINE: Duration = Duration::from_secs(20);

fn located(content: &Content, location: &Path) -> Result<ShareSource, ShareError> {
    let layout = Arc::clone(&content.layout);
    ShareSource::find(location, &name("tree"), Shape::Tree, layout)
}

/// A share with a sink beside it.
struct Rig {
    content: Content,
    folder: tempfile::TempDir,
    #[cfg(unix)]
    share: ShareSource,
    sink: Arc<MemorySink>,
    source: Arc<dyn PieceSource>,
    _scheduler: PermitKeeper,
}

impl Rig {
    async fn new(content: Content, change: impl Fn(ShareSource) -> ShareSource) -> Self {
        let folder = tempfile::tempdir().unwrap();
        content.write(&folder.path().join("tree"));
        let share = change(located(&content, folder.path()).unwrap());
        let (permit, scheduler) = permit(&content.layout);
        let source = share.open(permit).await.unwrap();
        let sink = Arc::new(MemorySink::new(
            content.bytes.len(),
            content.layout.piece_len(),
        ));
        Self {
            content,
            folder,
            #[cfg(unix)]
            share,
            sink,
            source,
            _scheduler: scheduler,
        }
    }

    async fn fetch(&self, span: Span) -> Result<(), SourceError> {
        let sink = SpanSink::new(self.sink.clone());
        tokio::time::timeout(DEADLINE, self.source.fetch(span, &sink))
            .await
            .unwrap()
    }

    fn whole(&self) -> Span {
        Span::new(0, self.content.layout.len())
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join("tree").join(file)
    }

    /// Fetches everything, of which `file` is lacked with these words and all else comes.
    async fn lacks(&self, file: &str, words: &str) {
        let error = self.fetch(self.whole()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let span = self.content.span(file);
        assert_eq!(error.blame(), Blame::Lacks(span));
        let missing = self.sink.filled().gaps(self.whole());
        assert!(
            missing.iter().all(|gap| span.contains(gap)),
            "{missing:?} besides {span}"
        );
    }
}

#[tokio::test]
async fn a_share_is_found_in_its_folder_and_as_the_folder_itself() {
    let content = awkward();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    content.write(&root);
    assert_eq!(located(&content, folder.path()).unwrap().root(), root);
    assert_eq!(located(&content, &root).unwrap().root(), root);
    let renamed = folder.path().join("renamed");
    std::fs::rename(&root, &renamed).unwrap();
    assert_eq!(located(&content, &renamed).unwrap().root(), renamed);
}

#[tokio::test]
async fn a_tree_that_holds_a_folder_of_its_own_name_is_told_by_its_files() {
    let content = content(16_384, &[("tree/x", 10), ("y", 20)]);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    content.write(&root);
    assert_eq!(located(&content, &root).unwrap().root(), root);
    assert_eq!(located(&content, folder.path()).unwrap().root(), root);
}

#[tokio::test]
async fn a_single_file_is_found_in_its_folder_and_as_itself() {
    let content = content(16_384, &[("tree", 100)]);
    let folder = tempfile::tempdir().unwrap();
    content.write(folder.path());
    let file = folder.path().join("tree");
    for location in [folder.path(), &file] {
        let layout = Arc::clone(&content.layout);
        let share = ShareSource::find(location, &name("tree"), Shape::File, layout).unwrap();
        assert_eq!(share.root(), file);
        let (permit, _scheduler) = permit(&content.layout);
        let source = share.open(permit).await.unwrap();
        let sink = Arc::new(MemorySink::new(100, 16_384));
        source
            .fetch(Span::new(0, 100), &SpanSink::new(sink.clone()))
            .await
            .unwrap();
        assert_eq!(sink.to_vec(), content.bytes);
    }
}

#[tokio::test]
async fn a_folder_without_the_content_and_no_folder_are_told_apart() {
    let content = awkward();
    let folder = tempfile::tempdir().unwrap();
    let error = located(&content, folder.path()).unwrap_err();
    assert!(matches!(error, ShareError::NotThere { .. }), "{error}");
    let error = located(&content, &folder.path().join("none")).unwrap_err();
    assert!(matches!(error, ShareError::Absent { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_lacked_and_the_others_come() {
    let rig = Rig::new(awkward(), |share| share).await;
    std::fs::remove_file(rig.path("small 2")).unwrap();
    rig.lacks("small 2", "not there").await;
}

#[tokio::test]
async fn a_shorter_file_is_lacked_and_the_others_come() {
    let rig = Rig::new(awkward(), |share| share).await;
    std::fs::write(rig.path("big"), &rig.content.file("big")[..150_000]).unwrap();
    rig.lacks("big", "shorter").await;
}

#[tokio::test]
async fn a_folder_in_a_files_place_is_lacked_and_the_others_come() {
    let rig = Rig::new(awkward(), |share| share).await;
    std::fs::remove_file(rig.path("big")).unwrap();
    std::fs::create_dir(rig.path("big")).unwrap();
    rig.lacks("big", "folder").await;
}

#[cfg(windows)]
#[tokio::test]
async fn a_file_that_another_program_holds_is_lacked_until_it_is_let_go() {
    use std::os::windows::fs::OpenOptionsExt;

    let rig = Rig::new(awkward(), |share| share).await;
    let mut options = std::fs::File::options();
    let holder = options.read(true).share_mode(0).open(rig.path("big"));
    let holder = holder.unwrap();
    rig.lacks("big", "another program holds it").await;
    drop(holder);
    rig.fetch(rig.whole()).await.unwrap();
    assert_eq!(rig.sink.to_vec(), rig.content.bytes);
}

#[tokio::test]
async fn a_share_that_is_gone_is_broken() {
    let rig = Rig::new(awkward(), |share| share).await;
    std::fs::remove_dir_all(rig.folder.path().join("tree")).unwrap();
    let error = rig.fetch(rig.whole()).await.unwrap_err();
    assert_eq!(error.blame(), Blame::Broken);
    assert!(error.to_string().contains("gone"), "{error}");
}

#[tokio::test]
async fn a_limited_share_keeps_to_its_rate() {
    let limit = Arc::new(Limiter::new(Some(1_000_000)));
    let limits = vec![Arc::clone(&limit)];
    let rig = Rig::new(awkward(), |share| share.with_limits(limits.clone())).await;
    let start = std::time::Instant::now();
    rig.fetch(rig.whole()).await.unwrap();
    assert_eq!(rig.sink.to_vec(), rig.content.bytes);
    // 415 kB, of which the burst and the last quantum are free
    assert!(
        start.elapsed() >= Duration::from_millis(230),
        "{:?}",
        start.elapsed()
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_share_that_was_let_go_of_has_no_file_open() {
    let rig = Rig::new(content(1 << 20, &[("large", 4 << 20)]), |share| share).await;
    rig.fetch(rig.whole()).await.unwrap();
    let tree = rig.folder.path().join("tree");
    let open = || {
        let fds = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut files = fds.filter_map(|fd| std::fs::read_link(fd.path()).ok());
        files.any(|file| file.starts_with(&tree))
    };
    assert!(open(), "files stay open while the share is read");
    let Rig {
        source,
        share: _share,
        ..
    } = rig;
    drop(source);
    let end = std::time::Instant::now() + DEADLINE;
    while open() {
        assert!(std::time::Instant::now() < end, "a file is still open");
        std::thread::yield_now();
    }
}

/// Reads that hang as those of a dead server do: a named pipe that nobody writes to.
#[cfg(unix)]
mod hanging {
    use super::*;

    fn make_pipe(path: &Path) {
        std::fs::remove_file(path).unwrap();
        assert!(
            std::process::Command::new("mkfifo")
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    }

    /// Lets the reads that hang in opening `path` come back.
    fn wake(path: &Path) {
        drop(
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .unwrap(),
        );
    }

    async fn gives_up(rig: &Rig, span: Span, after: Duration) {
        let sink = SpanSink::new(rig.sink.clone());
        assert!(
            tokio::time::timeout(after, rig.source.fetch(span, &sink))
                .await
                .is_err()
        );
    }

    /// Waits until no thread hangs any more.
    async fn recovers(rig: &Rig) {
        let all_back = async {
            while rig.share.abandoned() > 0 {
                wake(&rig.path("big"));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, all_back).await.unwrap();
    }

    #[tokio::test]
    async fn a_read_that_hangs_is_given_up_and_the_share_probed_until_it_answers() {
        let rig = Rig::new(awkward(), |share| share).await;
        make_pipe(&rig.path("big"));
        let big = rig.content.span("big");
        gives_up(&rig, big, Duration::from_millis(1100)).await;
        assert_eq!(rig.share.abandoned(), 1);
        // the probe hangs too: meanwhile others are told at once
        let sink = SpanSink::new(rig.sink.clone());
        let mut probe = Box::pin(rig.source.fetch(Span::new(big.end() - 10, 10), &sink));
        assert!(
            tokio::time::timeout(Duration::from_millis(50), &mut probe)
                .await
                .is_err()
        );
        let error = rig.fetch(rig.content.span("last")).await.unwrap_err();
        assert_eq!(error.blame(), Blame::Broken);
        drop(probe);
        // the next probe is answered: all is well again
        rig.fetch(rig.content.span("last")).await.unwrap();
        rig.fetch(rig.content.span("small 1")).await.unwrap();
        recovers(&rig).await;
    }

    #[tokio::test]
    async fn a_share_whose_reads_all_hang_is_broken_until_they_come_back() {
        let rig = Rig::new(awkward(), |share| share).await;
        make_pipe(&rig.path("big"));
        let big = rig.content.span("big");
        for at in 0..8 {
            gives_up(
                &rig,
                Span::new(big.start() + at, 1),
                Duration::from_millis(20),
            )
            .await;
        }
        assert_eq!(rig.share.abandoned(), 8);
        let error = rig.fetch(rig.content.span("last")).await.unwrap_err();
        assert!(error.to_string().contains("8 reads hang"), "{error}");
        assert_eq!(error.blame(), Blame::Broken);
        recovers(&rig).await;
        rig.fetch(rig.content.span("last")).await.unwrap();
        assert_eq!(rig.sink.wrong(), 0);
    }
}
