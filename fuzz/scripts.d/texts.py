"""What people, servers and documents write: logins, pauses, ranges, links, names, documents, policies."""
from words import W

NETRC = {
    "in-quotes": [W("Machine", "h"), W("Login", "me"), W("Quoted", 'a "b\\ c'), W("Machine", "i"), W("Quoted", "")],
    "a-macro-between": [W("Machine", "h"), W("Macro", ["init", "cd x", "machine y login z"]), W("Machine", "i"), W("Login", "me"), W("Password", "p")],
    "a-default-first": ["Default", W("Login", "anonymous"), W("Password", "x"), W("Machine", "h"), W("Login", "me"), W("Account", "a")],
    "several-users-of-a-host": [W("Machine", "h"), W("Login", "me"), W("Password", "1"), W("Machine", "h"), W("Login", "you"), W("Password", "2")],
    "comments-and-ends": [W("Comment", "machine z password S"), W("Text", "machine"), "Line", W("Text", "login \\"), W("Text", '"'), W("Machine", "ü.example")],
}

PAUSES = {
    "seconds": (W("Seconds", 120), 0),
    "far-too-long": (W("Seconds", 2**64 - 1), 1),
    "a-date-to-come": (W("Date", 6, 10, 1994, 8, 49, 37), 784_111_700),
    "a-date-that-was": (W("Date", 1, 0, 1970, 0, 0, 0), 2**32 - 1),
    "a-day-that-is-none": (W("Date", 31, 1, 2023, 24, 60, 61), 9),
    "the-last-year": (W("Date", 31, 11, 2**64 - 1, 23, 59, 60), 9),
    "words": (W("Text", "soon"), 9),
    "a-negative-number": (W("Text", " -5 "), 9),
    "a-right-date-to-come": (W("Time", 1_000_020), 1_000_000),
    "a-right-date-that-was": (W("Time", 5), 1_000_000),
}


def asked(status: int, *headers: W, tag: str | None = None) -> tuple[object, ...]:
    """An answer with this status to the bytes from 100 to 300 of 1000."""
    return ((100, 199, 1000), status - 100, tag, False, list(headers))


RANGES = {
    "as-asked": asked(206, W("Range", 100, 299, 1000), W("Length", 200)),
    "of-another-length": asked(206, W("Range", 100, 299, 999)),
    "of-no-length": asked(206, W("Range", 100, 299, None)),
    "from-elsewhere": asked(206, W("Range", 0, 299, 1000)),
    "backwards": asked(206, W("Range", 299, 100, 1000), W("Length", 0)),
    "to-the-end-of-numbers": asked(206, W("Range", 100, 2**64 - 1, 2**64 - 1)),
    "none-at-all": asked(206, W("Length", 200)),
    "two-of-them": asked(206, W("Range", 100, 299, 1000), W("RangeText", "bytes 0-1/2")),
    "in-other-units": asked(206, W("RangeText", "items 100-299/1000"), W("RangeText", "bytes */1000")),
    "the-whole-file": asked(200, W("Length", 1000)),
    "a-page": asked(200, W("Kind", True), W("LengthText", "many")),
    "packed": asked(200, W("Encoding", True), W("Length", 1000)),
    "another-tag": asked(206, W("Range", 100, 299, 1000), W("Tag", "b"), tag="a"),
    "not-satisfiable": asked(416, W("RangeText", "bytes */5")),
    "later": asked(503, W("RetryAfter", "99999999999999999999")),
    "elsewhere": asked(302, W("Location", "//[::1")),
}

MAGNETS = {
    "all-parameters": [
        W("Topic", W("Hex", list(range(20)))), W("Topic", W("Multihash", list(range(32)))), W("Name", "a b&c"), W("Tracker", "t.example/a?k=1"),
        W("Mirror", "m.example/"), W("Source", "s.example/x.torrent"), W("Peer4", [10, 0, 0, 1], 6881), W("Peer6", [0xFD] + [0] * 14 + [1], 1),
        W("Peer", "h.example:6881"), W("Numbered", 1, "u.example:1/announce")],
    "topics-that-are-none": [W("Topic", W("Base32", "MFRGG" * 6 + "ME")), W("Topic", W("Text", "urn:btih:12")), W("Topic", W("Text", "urn:btmh:1220" + "0" * 63)), W("Topic", W("Base32", ""))],
    "peers-that-are-none": [W("Peer", text) for text in ("", "h", "h:", ":1", "h:0", "h:65536", "[::1]", "[::1:1", "ü.example:1", "me:S3CR3T@h:1", "\u202eh:1")],
    "far-too-many": [W("Tracker", f"t{number}") for number in range(110)],
    "odd-percents": [W("Other", "dn", "%"), W("Other", "dn", "%zz%"), W("Other", "tr", "http%3A%2F%2F%00"), W("Other", "", ""), W("Raw", "&&=&xt"), W("Raw", "#?")],
}

HOST = [W("Scheme", 0), W("Login"), W("Host", 0)]
WHATS = {
    "addresses-with-logins": [*HOST, W("Port", 8080), W("Path", "a.torrent"), W("Query", "x")],
    "an-international-name": [W("Scheme", 0), W("Host", 1), W("Path", "ü")],
    "capitals": [W("Scheme", 2), "Login", W("Host", 2), W("Path", "x")],
    "of-this-machine": [W("Scheme", 1), W("Host", 3), W("Port", 0)],
    "no-host": [W("Scheme", 0), W("Host", 5), W("Path", "x")],
    "servers-of-files": [W("Scheme", 3), "Login", W("Host", 0), W("Path", "a/b%2F;type=i")],
    "a-share": [W("Text", "\\\\server\\share\\a.torrent")],
    "a-drive": [W("Text", "C:\\a.torrent")],
    "a-link-with-an-address": ["Magnet", *HOST],
    "words-that-look-alike": [W("Text", "http:/x"), W("Text", "magnet:"), W("Text", "\u202ehttp://")],
}


def entry(*path: str, length: int = 10, bits: int = 0) -> W:
    return W("Entry", list(path), length, bits)


URL = [W("Scheme", 0), W("Host", 0), W("Path", "x")]
PAPERS = {
    "a-tree": W("Torrent", "tree", 0, [entry("a", "b", length=40_000), entry("c", bits=1), entry("empty", length=0)], False, [URL], []),
    "a-single-file": W("Torrent", "file.bin", 1, [entry("x", length=65_535)], True, [URL, [W("Text", "/srv/files")]], []),
    "names-that-meet": W("Torrent", "t", 0, [entry("a"), entry("A"), entry("a"), entry("a", "b"), entry("aux.txt"), entry("x.")], False, [], []),
    "names-that-lead-out": W("Torrent", "..", 0, [entry("..", "x"), entry("", "y"), entry("/", "z"), entry("C:\\w"), entry("\u202ea")], False, [], []),
    "shares-and-private-addresses": W(
        "Torrent", "t", 0, [entry("a")], False, [[W("Text", "\\\\evil\\share")], [W("Scheme", 6), W("Path", "etc")], [W("Scheme", 0), W("Host", 2)], [W("Scheme", 5), W("Host", 4)]], []),
    "bytes-that-turned": W("Torrent", "t", 0, [entry("a"), entry("b")], False, [URL], [(at, 1) for at in range(1, 200, 23)]),
    "a-metalink": W("Metalink", [("a/b", 100_000, 3), ("c", 5, 2), ("d", 0, 1)], [URL], [], ""),
    "a-metalink-of-odd-names": W("Metalink", [("../x", 1, 1), ("/x", 1, 1), ("a", 1, 1), ("a", 2, 2), ("", 1, 1), ("a/", 1, 0)], [URL], ["\\\\evil\\share", "/etc"], ""),
    "a-metalink-with-more": W("Metalink", [("a", 2**32 - 1, 3)], [[W("Text", "file:///etc/x")]], [], "<metaurl mediatype=\"torrent\">http://h/x.torrent</metaurl><!--"),
    "no-document": W("Any", list(b"<html><body>404</body></html>")),
}

POLICIES = {
    "all-keys": (0, [
        W("Mode", 0), W("Readers", 3), W("Rate", 30, 2), W("Isolated", 1), W("Hours", [(18, 0, 6, 0), (12, 0, 13, 0)]), W("Group", "south"),
        W("Class", 1), W("Guard", 1), W("NoLimit", [([10, 1, 0, 0], 16)])]),
    "stricter-than-the-flags": (0, [W("Mode", 2), W("Readers", 1)]),
    "laxer-than-the-flags": (2, [W("Mode", 1), W("Readers", 64), W("Guard", 1)]),
    "numbers-out-of-bounds": (1, [W("Readers", 65), W("Readers", 0)]),
    "a-negative-number": (1, [W("Readers", -(2**63))]),
    "hours-that-are-none": (0, [W("Hours", [(24, 60, 0, 0)]), W("Hours", [])]),
    "a-key-twice": (0, [W("Mode", 0), W("Mode", 2)]),
    "a-key-that-nobody-knows": (0, [W("Mode", 0), W("Unknown", "rule")]),
    "words-for-words": (0, [W("Text", key, "protect") for key in (0, 2, 4)]),
    "a-group-that-is-too-long": (0, [W("Group", "ü" * 40)]),
    "a-rate-of-nothing": (0, [W("Rate", 0, 0)]),
    "what-is-no-toml": (0, [W("Raw", "= 5"), W("Raw", "[origin]"), W("Raw", "mode = 'never'")]),
    "tables-within-tables": (0, [W("Raw", "hours = " + "[" * 200), W("Raw", "a.b.c.d = 1")]),
}

TEXTS = {
    "netrc": ("sources/src/http/fuzzing.rs", "Vec<Word>", NETRC),
    "retry_after": ("sources/src/http/fuzzing.rs", "(Pause, u32)", PAUSES),
    "content_range": ("sources/src/http/fuzzing.rs", "((u32, u32, u32), u16, Option<String>, bool, Vec<Header>)", RANGES),
    "magnet": ("bt-wire/src/fuzzing.rs", "Vec<Parameter>", MAGNETS),
    "what": ("swarmcopy/src/fuzzing.rs", "Vec<Part>", WHATS),
    "document_content": ("swarmcopy/src/fuzzing.rs", "Paper", PAPERS),
    "policy_file": ("cli/src/policy/sequences.rs", "(u8, Vec<Line>)", POLICIES),
}
