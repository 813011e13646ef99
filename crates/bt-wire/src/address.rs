//! Whether a text is an address with a scheme that we know.

/// Whether `text` is one. Without the feature `url` its host and port are not read.
#[cfg(feature = "url")]
pub(crate) fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    url::Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()))
}

/// Whether `text` is one. Without the feature `url` its host and port are not read.
#[cfg(not(feature = "url"))]
pub(crate) fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    schemes
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme))
        && !host.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_known_scheme_and_a_host() {
        let schemes = ["http", "udp"];
        for good in ["http://h/a?b", "HTTP://h:1", "udp://me:pw@h:1/announce"] {
            assert!(has_scheme(good, &schemes), "{good}");
        }
        for bad in ["gopher://h/", "http:", "http://", "h/a", "", "http:///?x"] {
            assert!(!has_scheme(bad, &schemes), "{bad}");
        }
    }
}
