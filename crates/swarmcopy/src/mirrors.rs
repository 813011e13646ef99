//! The mirrors of a content: those that the admin names, and those that a metalink does.
//!
//! What must stay true: a mirror is taken once, and other people's servers are told from the admin's.

use std::sync::Arc;

use futures_util::future::join_all;
use swarmcopy_address::Shown;
use swarmcopy_scheduler::Preference;
use swarmcopy_sources::{
    MirrorOptions, OriginSource, Ownership, Shape, mirror_at, mirror_of_files,
};

use url::Url;

use crate::Content;
use crate::limits::OriginLimits;
use crate::metalink::{Holds, Host};

/// A mirror, or the name of one that can't be used, and why.
pub(crate) type Made = Result<Arc<dyn OriginSource>, (String, String)>;

/// All mirrors, each with how much it is preferred. Names of other people's servers are looked up, side by side.
pub(crate) async fn find(
    content: &Content,
    options: &MirrorOptions,
    limits: &OriginLimits,
) -> Vec<(Made, Preference)> {
    let own = content.mirrors();
    let others = content.advice.hosts.iter();
    let others =
        others.filter(|host| !matches!(&host.holds, Holds::Tree(url) if own.contains(url)));
    let own = own.iter().map(|url| named(content, url, (options, limits)));
    let mut found: Vec<_> = join_all(own)
        .await
        .into_iter()
        .map(|made| (made, Preference::default()))
        .collect();
    let others = others.map(async |host| {
        let made = other(content, host, (options, limits)).await;
        (made, preference(host, &content.options.locations))
    });
    found.extend(join_all(others).await);
    found
}

/// Of servers of equal priority those are preferred that stand in the first of these countries.
fn preference(host: &Host, locations: &[String]) -> Preference {
    let mut preference = Preference::default();
    if !locations.is_empty() {
        let here = host.location.as_deref().unwrap_or_default();
        let place = locations
            .iter()
            .position(|it| it.eq_ignore_ascii_case(here));
        let place = place.unwrap_or(locations.len());
        preference.tier = host.priority;
        preference.place = u32::try_from(place).unwrap_or(u32::MAX);
    }
    preference
}

/// One mirror that was named while the copy runs.
pub(crate) async fn named(
    content: &Content,
    url: &str,
    (options, limits): (&MirrorOptions, &OriginLimits),
) -> Made {
    let mut options = options.clone();
    options.public_only = !content.may_be_private(url);
    at(content, url, (&options, limits), Ownership::Admin).await
}

async fn other(
    content: &Content,
    host: &Host,
    (options, limits): (&MirrorOptions, &OriginLimits),
) -> Made {
    let mut options = options.clone();
    let from = content.advice.from;
    options.public_only = !content.options.trust_document && !from.may_name_private();
    if let Some(most) = host.connections_max {
        options.streams_max = options.streams_max.min(most);
    }
    match &host.holds {
        Holds::Tree(url) => at(content, url, (&options, limits), Ownership::Others).await,
        Holds::Files(files) => {
            let options = owned(&options, Ownership::Others);
            let made = mirror_of_files(files, Arc::clone(&content.layout), options).await;
            let name = files
                .first()
                .map_or_else(String::new, |file| shown(&file.1));
            made.map_err(|error| (name, error.to_string()))
        }
    }
}

async fn at(
    content: &Content,
    url: &str,
    (options, limits): (&MirrorOptions, &OriginLimits),
    ownership: Ownership,
) -> Made {
    let shape = if content.is_tree() {
        Shape::Tree
    } else {
        Shape::File
    };
    let (layout, mut options) = (Arc::clone(&content.layout), owned(options, ownership));
    options.limits = limits.of_mirror(url).await;
    let made = mirror_at(url, &content.name, shape, layout, options).await;
    made.map_err(|error| (shown(url), error.to_string()))
}

/// An address as it may be shown, if it is one.
fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "(no address)".to_owned(), |url| Shown(&url).to_string())
}

fn owned(options: &MirrorOptions, ownership: Ownership) -> MirrorOptions {
    let mut options = options.clone();
    options.ownership = ownership;
    options
}
