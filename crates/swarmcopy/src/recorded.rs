//! The recording of a copy, if its options ask for one.

use swarmcopy_recording::{Head, Names, Recorder};

use crate::{Content, Error, ErrorKind, RecordNames};

/// Begins the recording that the options ask for.
pub(crate) async fn begin(content: &Content, head: Head) -> Result<Option<Recorder>, Error> {
    let Some(record) = content.options.record.clone() else {
        return Ok(None);
    };
    let names = match record.names {
        RecordNames::Kept => Names::Kept,
        RecordNames::Hidden => Names::Hidden,
    };
    let path = record.path.clone();
    let salt = swarmcopy_sys::random::seed();
    let begun = tokio::task::spawn_blocking(move || Recorder::create(&path, head, names, salt));
    let begun = begun.await.map_err(|error| error.to_string());
    let begun = begun.and_then(|begun| begun.map_err(|error| error.to_string()));
    begun.map(Some).map_err(|why| {
        let message = format!("cannot record to {}: {why}", record.path.display());
        Error::new(ErrorKind::Disk, message)
    })
}
