//! A mirror's address: the URL of each file (by the rules of BEP 19, or one by one) and what is told of it.
//!
//! What must stay true: no output of this module but [`Target::login`] holds the user or password, and all
//! files of a target lie at one server.

use std::collections::BTreeMap;
use std::fmt;

use swarmcopy_address::{Shown, ShownAll, debug_shown};
use swarmcopy_layout::{FileEntry, FileIndex, Layout, RelPath, Span};
use url::Url;

use super::error::MirrorError;
use super::netrc::Login;
use super::options::MirrorOptions;
use super::percent;
use super::seal;
use crate::Shape;
use crate::reach::Reach;

/// The kinds of addresses that a source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schemes {
    /// http and https.
    Http,
    /// ftp and ftps.
    #[cfg(feature = "ftp")]
    Ftp,
}

impl Schemes {
    fn has(self, scheme: &str) -> bool {
        match self {
            Self::Http => matches!(scheme, "http" | "https"),
            #[cfg(feature = "ftp")]
            Self::Ftp => matches!(scheme, "ftp" | "ftps"),
        }
    }

    fn complaint(self) -> &'static str {
        match self {
            Self::Http => "neither http nor https",
            #[cfg(feature = "ftp")]
            Self::Ftp => "neither ftp nor ftps",
        }
    }
}

/// Where the files of a mirror are.
pub(crate) struct Target {
    base: Url,
    place: Place,
    login: Option<Login>,
    shown: String,
}

debug_shown!(Target {
    place, login, shown;
    base: Shown(base),
});

enum Place {
    /// At the base or below it, by the rules of BEP 19.
    Below { shape: Shape, name: RelPath },
    /// Each at an address of its own.
    Each(BTreeMap<FileIndex, Url>),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below { shape, name } => write!(f, "Below({shape:?}, {name:?})"),
            Self::Each(urls) => f
                .debug_tuple("Each")
                .field(&ShownAll(urls.values()))
                .finish(),
        }
    }
}

impl Target {
    pub(crate) fn new(
        url: &str,
        schemes: Schemes,
        name: &RelPath,
        shape: Shape,
        options: &MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let (base, login) = read(url, schemes, options)?;
        let shown = Shown(&base).to_string();
        let wrong = |what: String| MirrorError::Url {
            shown: shown.clone(),
            what,
        };
        below(&base, shape, &[name, name], Spelling::Stored)
            .ok_or_else(|| wrong("no file can lie there".to_owned()))?;
        let name = name.clone();
        Ok(Self {
            base,
            place: Place::Below { shape, name },
            login,
            shown,
        })
    }

    /// A target that is one document and holds no file of a content.
    pub(crate) fn of_document(url: &str, options: &MirrorOptions) -> Result<Self, MirrorError> {
        let (base, login) = read(url, Schemes::Http, options)?;
        let shown = Shown(&base).to_string();
        Ok(Self {
            base,
            place: Place::Each(BTreeMap::new()),
            login,
            shown,
        })
    }

    /// A target that holds just these files, all at one server.
    pub(crate) fn of_files(
        files: &[(FileIndex, String)],
        schemes: Schemes,
        options: &MirrorOptions,
    ) -> Result<Self, MirrorError> {
        let Some((_, first)) = files.first() else {
            return Err(MirrorError::Url {
                shown: String::new(),
                what: "no file lies there".to_owned(),
            });
        };
        let (mut base, login) = read(first, schemes, options)?;
        let mut urls = BTreeMap::new();
        for (file, text) in files {
            let (url, its_login) = read(text, schemes, options)?;
            if identity(&url) != identity(&base) || its_login != login {
                return Err(MirrorError::Url {
                    shown: Shown(&url).to_string(),
                    what: format!("not at the same server as {}", Shown(&base)),
                });
            }
            urls.insert(*file, url);
        }
        if files.len() > 1 {
            base.set_path("/");
            base.set_query(None);
        }
        let shown = Shown(&base).to_string();
        Ok(Self {
            base,
            place: Place::Each(urls),
            login,
            shown,
        })
    }

    /// The files of a content that are known not to lie there.
    pub(crate) fn lacked(&self, layout: &Layout) -> Vec<Span> {
        let Place::Each(urls) = &self.place else {
            return Vec::new();
        };
        let is_lacked = |index: &FileIndex, file: &FileEntry| {
            !file.attributes().pad && !file.is_empty() && !urls.contains_key(index)
        };
        let lacked = layout
            .files()
            .filter(|(index, file)| is_lacked(index, file));
        lacked.map(|(_, file)| file.span()).collect()
    }

    /// The mirror's URL, without credentials.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The mirror's URL as it may be shown.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Scheme, host and port, joined by NUL.
    pub(crate) fn identity(&self) -> String {
        identity(&self.base)
    }

    /// The host in lower case, as the URL has it.
    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The URL of a file; `None` if it has none.
    pub(crate) fn file_url(
        &self,
        file: FileIndex,
        path: &RelPath,
        spelling: Spelling,
    ) -> Option<Url> {
        match &self.place {
            Place::Below { shape, name } => below(&self.base, *shape, &[name, path], spelling),
            Place::Each(urls) => urls.get(&file).cloned(),
        }
    }

    /// How else a file may be called that is not there under a name of `spelling`.
    pub(crate) fn other_spelling(&self, path: &RelPath, spelling: Spelling) -> Option<Spelling> {
        let Place::Below { name, .. } = &self.place else {
            return None;
        };
        let differs = name.given_names().is_some() || path.given_names().is_some();
        (differs && spelling == Spelling::Given).then_some(Spelling::Stored)
    }

    /// The login to use for `url`: none outside the mirror's own origin.
    pub(crate) fn login(&self, url: &Url) -> Option<&Login> {
        self.login
            .as_ref()
            .filter(|_| identity(url) == identity(&self.base))
    }
}

/// Which names a mirror's files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Spelling {
    /// Those that whoever made the content gave them.
    #[default]
    Given,
    /// Those that a copy of ours has.
    Stored,
}

impl Spelling {
    /// The names of a path, each percent-encoded.
    fn encoded(self, path: &RelPath) -> Vec<String> {
        match path.given_names().filter(|_| self == Self::Given) {
            Some(names) => names.map(percent::encoded).collect(),
            None => path.names().map(percent::encoded).collect(),
        }
    }
}

/// Takes an address apart: the URL without credentials, and the login for it.
fn read(
    url: &str,
    schemes: Schemes,
    options: &MirrorOptions,
) -> Result<(Url, Option<Login>), MirrorError> {
    if let Some(proxy) = options.proxy.as_deref() {
        check_proxy(proxy)?;
    }
    let wrong = |what: &str| MirrorError::Url {
        shown: Shown(url).to_string(),
        what: what.to_owned(),
    };
    let mut base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    if !schemes.has(base.scheme()) {
        return Err(wrong(schemes.complaint()));
    }
    if let Some(complaint) = seal::complaint(base.scheme()) {
        return Err(wrong(complaint));
    }
    let host = base.host_str().ok_or_else(|| wrong("no host"))?;
    if options.public_only && Reach::Public.check_host(host).is_err() {
        return Err(wrong(
            "a private address that a document from the internet names",
        ));
    }
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
    // a user without a password may have one in the file
    let has_no_password = base.password().is_none();
    let named = options.netrc.as_ref().zip(in_url.as_ref());
    let named = named.and_then(|(netrc, login)| netrc.login_of(host, &login.user).cloned());
    let login = named
        .filter(|_| has_no_password)
        .or(in_url)
        .or_else(in_netrc);
    without_credentials(&mut base);
    Ok((base, login))
}

/// Scheme, host and port, joined by NUL.
fn identity(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or(0);
    let host = url.host_str().unwrap_or_default();
    format!("{}\0{host}\0{port}", url.scheme())
}

/// Where BEP 19 says that the file `path` of the content `name` lies.
fn below(
    base: &Url,
    shape: Shape,
    [name, path]: &[&RelPath; 2],
    spelling: Spelling,
) -> Option<Url> {
    let text = base.as_str();
    let slash = if text.ends_with('/') { "" } else { "/" };
    let name = spelling.encoded(name).join("/");
    match shape {
        Shape::File if slash.is_empty() => Url::parse(&format!("{text}{name}")).ok(),
        Shape::File => Some(base.clone()),
        Shape::Tree => {
            let path = spelling.encoded(path).join("/");
            Url::parse(&format!("{text}{slash}{name}/{path}")).ok()
        }
    }
}

/// A proxy that cannot be understood must not be passed by.
fn check_proxy(proxy: &str) -> Result<(), MirrorError> {
    let url = Url::parse(proxy)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(Url::has_host)
        .map(drop)
        .ok_or_else(|| MirrorError::Proxy(Shown(proxy).to_string()))
}

/// Takes user, password and fragment out of `url`.
pub(crate) fn without_credentials(url: &mut Url) {
    // fails only for URLs that can hold neither
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, name: &str, shape: Shape) -> Target {
        let name = RelPath::parse(name).unwrap();
        Target::new(url, Schemes::Http, &name, shape, &MirrorOptions::default()).unwrap()
    }

    fn name(name: &str) -> RelPath {
        RelPath::parse(name).unwrap()
    }

    #[test]
    fn a_file_is_asked_for_by_the_name_that_was_given_and_then_by_ours() {
        let name = name("caf_").with_given([b"caf\xe9"]);
        let path = RelPath::parse("ab").unwrap().with_given(["a\u{202e}b"]);
        let options = MirrorOptions::default();
        let target =
            Target::new("http://h/d", Schemes::Http, &name, Shape::Tree, &options).unwrap();
        let url = |spelling| target.file_url(first_file(), &path, spelling).unwrap();
        let given = url(Spelling::Given);
        assert_eq!(given.as_str(), "http://h/d/caf%E9/a%E2%80%AEb");
        let other = target.other_spelling(&path, Spelling::Given);
        assert_eq!(url(other.unwrap()).as_str(), "http://h/d/caf_/ab");
        assert!(target.other_spelling(&path, Spelling::Stored).is_none());
    }

    fn first_file() -> FileIndex {
        let layout = swarmcopy_layout::Layout::builder(16).file(RelPath::parse("x").unwrap(), 1);
        layout.build().unwrap().files().next().unwrap().0
    }

    fn url(base: &str, name: &str, shape: Shape, path: &str) -> String {
        let path = RelPath::parse(path).unwrap();
        let target = target(base, name, shape);
        let url = target.file_url(first_file(), &path, Spelling::Given);
        url.unwrap().to_string()
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
            target
                .file_url(first_file(), &RelPath::parse("x").unwrap(), Spelling::Given)
                .unwrap()
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
        let error = Target::new(
            "http://h/",
            Schemes::Http,
            &name("n"),
            Shape::File,
            &options,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "cannot use the proxy proxy:3128");
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
            let error = Target::new(
                bad,
                Schemes::Http,
                &name("n"),
                Shape::File,
                &MirrorOptions::default(),
            )
            .unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn files_of_one_mirror_lie_at_one_server() {
        let at = |url: &str| (first_file(), url.to_owned());
        let options = MirrorOptions::default();
        let sealed = cfg!(feature = "tls").then_some("https://h/b");
        let others = ["http://g/b", "http://h:81/b", "http://u@h/b"];
        for other in others.into_iter().chain(sealed) {
            let files = [at("http://h/a"), at(other)];
            let error = Target::of_files(&files, Schemes::Http, &options).unwrap_err();
            assert!(error.to_string().contains("same server"), "{error}");
        }
        let files = [at("http://h/a"), at("http://h:80/b?c")];
        let target = Target::of_files(&files, Schemes::Http, &options).unwrap();
        let path = RelPath::parse("x").unwrap();
        let url = target
            .file_url(first_file(), &path, Spelling::Given)
            .unwrap();
        assert_eq!(url.as_str(), "http://h/b?c");
        assert_eq!(target.shown(), "http://h/");
        assert!(Target::of_files(&[], Schemes::Http, &options).is_err());
    }
}
