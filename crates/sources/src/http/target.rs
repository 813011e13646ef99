//! A mirror's address: the URL of each file (BEP 19) and what is told of it.
//!
//! What must stay true: no output of this module but [`Target::login`] holds the user or password.

use swarmcopy_layout::RelPath;
use url::Url;

use super::netrc::Login;
use super::options::MirrorOptions;
use super::percent;
use crate::Shape;

/// Why a mirror cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// Its address is no http or https URL.
    #[error("cannot use the mirror {shown}: {what}")]
    Url {
        /// The address without credentials.
        shown: String,
        /// What is wrong with it.
        what: String,
    },
    /// The proxy's address is no http or https URL.
    #[error("cannot use the proxy {0}")]
    Proxy(String),
    /// The additional certificates cannot be read.
    #[error("cannot read the certificates: {0}")]
    Certificates(String),
}

/// Where the files of a mirror are.
#[derive(Debug)]
pub(super) struct Target {
    base: Url,
    shape: Shape,
    /// The content's name, percent-encoded.
    name: String,
    login: Option<Login>,
    shown: String,
}

impl Target {
    pub(super) fn new(
        url: &str,
        name: &str,
        shape: Shape,
        options: &MirrorOptions,
    ) -> Result<Self, MirrorError> {
        if let Some(proxy) = options.proxy.as_deref() {
            check_proxy(proxy)?;
        }
        let wrong = |what: &str| MirrorError::Url {
            shown: redacted(url),
            what: what.to_owned(),
        };
        let mut base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("neither http nor https"));
        }
        let host = base.host_str().ok_or_else(|| wrong("no host"))?;
        let in_url = (!base.username().is_empty()).then(|| Login {
            user: percent::decoded(base.username()),
            password: percent::decoded(base.password().unwrap_or_default()),
        });
        let in_netrc = || {
            options
                .netrc
                .as_ref()
                .and_then(|netrc| netrc.login(host).cloned())
        };
        let login = in_url.or_else(in_netrc);
        without_credentials(&mut base);
        let shown = base.to_string();
        let target = Self {
            base,
            shape,
            name: percent::encoded(name),
            login,
            shown,
        };
        let probe = RelPath::from_names([name]).map_err(|error| wrong(&error.to_string()))?;
        target
            .file_url(&probe)
            .ok_or_else(|| wrong("no file can lie there"))?;
        Ok(target)
    }

    /// The mirror's URL, without credentials.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The mirror's URL as it may be shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Scheme, host and port, joined by NUL.
    pub(super) fn identity(&self) -> String {
        let port = self.base.port_or_known_default().unwrap_or(0);
        format!("{}\0{}\0{port}", self.base.scheme(), self.host())
    }

    /// The host in lower case, as the URL has it.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The URL of a file.
    pub(super) fn file_url(&self, path: &RelPath) -> Option<Url> {
        let base = self.base.as_str();
        let slash = if base.ends_with('/') { "" } else { "/" };
        match self.shape {
            Shape::File if slash.is_empty() => Url::parse(&format!("{base}{}", self.name)).ok(),
            Shape::File => Some(self.base.clone()),
            Shape::Tree => {
                let mut url = format!("{base}{slash}{}", self.name);
                for name in path.names() {
                    url.push('/');
                    url.push_str(&percent::encoded(name));
                }
                Url::parse(&url).ok()
            }
        }
    }

    /// The login to use for `url`: none outside the mirror's own origin.
    pub(super) fn login(&self, url: &Url) -> Option<&Login> {
        self.login
            .as_ref()
            .filter(|_| url.origin() == self.base.origin())
    }
}

/// A proxy that cannot be understood must not be passed by.
fn check_proxy(proxy: &str) -> Result<(), MirrorError> {
    let url = Url::parse(proxy)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(Url::has_host)
        .map(drop)
        .ok_or_else(|| MirrorError::Proxy(redacted(proxy)))
}

/// Takes user, password and fragment out of `url`.
pub(super) fn without_credentials(url: &mut Url) {
    // fails only for URLs that can hold neither
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
}

/// An address as written, without what may be a password.
fn redacted(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("..@{rest}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, name: &str, shape: Shape) -> Target {
        Target::new(url, name, shape, &MirrorOptions::default()).unwrap()
    }

    fn url(base: &str, name: &str, shape: Shape, path: &str) -> String {
        let path = RelPath::parse(path).unwrap();
        target(base, name, shape)
            .file_url(&path)
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_single_file_lies_at_the_url_or_below_its_slash() {
        assert_eq!(
            url("http://h/x.iso", "n", Shape::File, "n"),
            "http://h/x.iso"
        );
        assert_eq!(
            url("http://h/d/", "n 1", Shape::File, "n 1"),
            "http://h/d/n%201"
        );
        assert_eq!(
            url("http://h/get?f=1", "n", Shape::File, "n"),
            "http://h/get?f=1"
        );
    }

    #[test]
    fn a_tree_lies_below_url_and_name() {
        let want = "http://h/d/CS%235/a%20b/%5Bc%5D%3F";
        assert_eq!(url("http://h/d", "CS#5", Shape::Tree, "a b/[c]?"), want);
        assert_eq!(url("http://h/d/", "CS#5", Shape::Tree, "a b/[c]?"), want);
        assert_eq!(
            url("http://h", "n", Shape::Tree, "%2e%2e/x"),
            "http://h/n/%252e%252e/x"
        );
    }

    #[test]
    fn credentials_are_used_at_home_and_never_shown() {
        let target = target("http://me:p%40ss@h:8080/d/", "n", Shape::Tree);
        let login = target
            .login(&Url::parse("http://h:8080/other").unwrap())
            .unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.as_str()),
            ("me", "p@ss")
        );
        for abroad in ["http://h/", "https://h:8080/", "http://g:8080/"] {
            assert!(
                target.login(&Url::parse(abroad).unwrap()).is_none(),
                "{abroad}"
            );
        }
        assert_eq!(target.shown(), "http://h:8080/d/");
        assert_eq!(target.identity(), "http\0h\x008080");
        let shown = format!(
            "{target:?}{}",
            target.file_url(&RelPath::parse("x").unwrap()).unwrap()
        );
        assert!(
            !shown.contains("p@ss") && !shown.contains("p%40ss"),
            "{shown}"
        );
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused() {
        let proxy = Some("me:secret@proxy:3128".to_owned());
        let options = MirrorOptions {
            proxy,
            ..MirrorOptions::default()
        };
        let error = Target::new("http://h/", "n", Shape::File, &options).unwrap_err();
        assert_eq!(error.to_string(), "cannot use the proxy ..@proxy:3128");
    }

    #[test]
    fn an_address_that_is_no_http_url_is_refused_without_its_password() {
        for bad in [
            "ftp://me:secret@h/x",
            "http://me:secret@",
            "//me:secret@h",
            "x",
            "",
        ] {
            let error = Target::new(bad, "n", Shape::File, &MirrorOptions::default()).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
