//! What a document from elsewhere names, looked at before anything of it is opened.
//!
//! What must stay true: what is left out is told once, with the flag that allows it.

use std::sync::Arc;

use swarmcopy_address::Shown;

use super::Content;
use crate::reach::url_is_private;

impl Content {
    /// Tells of shares that are not opened, and drops trackers at private addresses, where the documents
    /// that name them are not trusted that far.
    pub(crate) async fn check_named(&mut self) {
        if self.options.trust_document {
            return;
        }
        let mut notes = Vec::new();
        let own = self.torrent.iter().flat_map(|it| &it.own.shares).count();
        let hidden = [
            (self.from, own),
            (self.advice.from, self.advice.shares.len()),
        ];
        if hidden
            .iter()
            .any(|(from, count)| *count > 0 && !from.may_name_paths())
        {
            let note = "shares that the document names are not opened, as it was fetched: \
                        `trust_document` allows that";
            notes.push(note.to_owned());
        }
        if !self.from.may_name_private() {
            self.drop_private_trackers(&mut notes).await;
        }
        if !notes.is_empty() {
            Arc::make_mut(&mut self.advice).notes.append(&mut notes);
        }
    }

    async fn drop_private_trackers(&mut self, notes: &mut Vec<String>) {
        let Some(torrent) = &self.torrent else { return };
        let mut torrent = torrent.as_ref().clone();
        for tier in &mut torrent.trackers {
            let mut kept = Vec::new();
            for tracker in tier.drain(..) {
                if url_is_private(&tracker).await {
                    notes.push(format!(
                        "the tracker {} is not asked: a document from the internet names a private \
                         address (`trust_document` allows that)",
                        Shown(&tracker)
                    ));
                } else {
                    kept.push(tracker);
                }
            }
            *tier = kept;
        }
        self.torrent = Some(Arc::new(torrent));
    }
}
