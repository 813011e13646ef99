"""What servers reply, and what a disk does to a journal."""
from words import W


def code(number: int, text: str) -> W:
    return W("Code", number, text)


def script(*replies: str | W, data: int = 5000) -> W:
    return W("Script", list(replies), data)


# what is asked: a greeting, USER, PASS, OPTS, TYPE, SIZE, PASV, REST, RETR, and what follows the data
IN = ["Right"] * 5
FTP = {
    "an-honest-server": script(*["Right"] * 9, code(226, "done"), "Right"),
    "no-password-wanted": script("Right", code(230, "in"), *["Right"] * 8),
    "a-password-that-is-superfluous": script("Right", "Right", code(202, "no need"), *["Right"] * 8),
    "a-long-greeting": script(W("Long", 220, ["hello", " 220 not yet", "220", "\x1b[31mred"]), *["Right"] * 9),
    "not-ready-yet": script(code(120, "in two minutes")),
    "nobody-is-let-in": script("Right", "Right", code(530, "who are you \x1b[2J")),
    "too-many": script("Right", code(421, "too many users"), "HangUp"),
    "a-port-in-words": script(*IN, "Right", code(227, "=127,0,0,1,1,2"), "Right", "Right"),
    "a-port-that-is-none": script(*IN, "Right", code(227, "Entering Passive Mode"), "Right"),
    "a-port-of-nobody": script(*IN, "Right", W("Passive", 1), "Right", "Right"),
    "extended-replies-alone": script(*IN, "Right", code(502, "no"), code(229, "(|||9|)"), "Right"),
    "no-pasv-and-no-epsv": script(*IN, "Right", code(502, "no"), code(500, "no"), code(522, "neither")),
    "another-size": script(*IN, code(213, "4999")),
    "a-size-in-words": script(*IN, code(213, "5000 bytes"), *["Right"] * 4),
    "no-size-and-no-rest": script(*IN, code(502, "what"), "Right", code(502, "what")),
    "it-ends-early": script(*["Right"] * 9, code(226, "done"), data=100),
    "it-breaks-off": script(*["Right"] * 9, code(426, "broken"), "HangUp", data=2500),
    "more-than-the-file": script(*["Right"] * 9, code(226, "done"), data=65535),
    "a-reply-before-it-is-asked": script("Right", W("Raw", list(b"331 a\r\n230 b\r\n200 c\r\n200 d\r\n213 5000\r\n")), "HangUp"),
    "lines-without-end": script(W("Raw", list(b"220-" + b"x" * 600))),
    "bytes-that-are-no-reply": script(W("Raw", [0, 255, 13, 10, 10, 13]), W("Raw", list(b"22"))),
}

JOURNAL = {
    "recorded-and-read": [W("Append", [(piece, None) for piece in range(50)]), "Reopen", W("Append", [(0, None), (1, 7)]), "Reopen"],
    "stamps-between": [W("Append", [(1, None), (0, 2**32 - 1), (2, None), (0, 0)]), "Reopen", "Reopen"],
    "cut-within-a-record": [W("Append", [(1, None), (2, None), (3, None)]), *(W("Cut", length) for length in (90, 89, 65, 64, 63, 40, 1, 0))],
    "a-bit-of-each-part": [W("Append", [(1, None), (2, 9)]), *(W("Flip", place, 1 << place % 8) for place in range(0, 100, 7)), W("Append", [(3, None)]), "Reopen"],
    "another-file": [W("Append", [(1, None)]), W("Replace", list(b"no journal")), W("Append", [(2, None)]), W("Replace", []), "Reopen", W("Append", [(3, None)]), "Reopen"],
    "more-behind-its-end": [W("Append", [(1, None)]), W("Grow", [0] * 40), W("Append", [(2, None)]), W("Grow", [0xFF] * 3), "Reopen"],
    "damaged-and-written-on": [W("Append", [(1, None), (2, None)]), W("Flip", 70, 255), W("Append", [(3, None)]), "Reopen", W("Cut", 80), W("Append", [(4, None)]), "Reopen"],
}

ORIGINS = {
    "ftp_replies": ("sources/src/ftp/fuzzing.rs", "Script", FTP),
    "journal": ("piece-store/src/journal/sequences.rs", "Vec<Word>", JOURNAL),
}
