"""What peers say and what they tell of others: a live link, a description, the address book, slots."""
from words import W

GREETING = W("Greeting", port=6881, requests=100, own=None, ids=[1, 2, 3, 4])
OURS = W("Greeting", port=6881, requests=500, own=(65536, [7] * 8, False), ids=[1, 2, 3, 4])


def say(*words: str | W) -> list[W]:
    return [W("Say", word) for word in words]


def do(*acts: str | W) -> list[W]:
    return [W("Do", act) for act in acts]


def at(piece: int, block: int = 0, short: int | None = None) -> W:
    return W("Place", piece, block, short)


LINK = {
    "a-seed-is-asked-and-answers": [
        *say("HaveAll", GREETING, "Unchoke"), *do("Want", W("Fetch", 0)),
        *say(W("Piece", at(0, 0), 16384), W("Piece", at(0, 1), 16384)), *do(W("Have", 0), W("Fetch", 1)),
        *say(W("Piece", at(1, 0), 16384), W("Reject", at(1, 1)))],
    "a-leech-takes-and-cancels": [
        *say("HaveNone", GREETING, "Interested"), *do("Serve"),
        *say(*(W("Request", at(piece, block)) for piece in range(3) for block in range(2)), W("Cancel", at(1, 1)), W("Have", 0)),
        *do("Choke"), *say(W("Request", at(2)), "NotInterested"), *do("Serve"), *say("Interested", W("Request", at(2)))],
    "it-chokes-in-the-middle-of-jobs": [
        *say("HaveAll", "Unchoke"), *do("Want", W("Fetch", 0), W("Fetch", 1), W("Fetch", 2)),
        *say(W("Piece", at(0), 16384), "Choke", W("Piece", at(1), 16384), "Unchoke"), *do(W("Fetch", 3), "Drop"),
        *say("Choke", "Unchoke", W("Piece", at(3), 16384))],
    "blocks-that-nobody-asked-for": say(
        "HaveAll", W("Piece", at(0), 16384), W("Piece", at(5, 5), 1), W("Piece", at(0, 0), 0), W("Piece", at(3), 65535)),
    "one-block-again-and-again": [
        *say("HaveAll", "Unchoke"), *do("Want", W("Fetch", 0)), *say(*[W("Piece", at(0), 16384)] * 5, W("Piece", at(0), 100))],
    "requests-that-can-not-be": say(
        "Interested", W("Request", at(0, 0, 16384)), W("Request", at(5, 5)), W("Request", at(4, 0, 1)), W("Cancel", at(5, 5)),
        W("Reject", at(0))),
    "requests-without-end": [*say(GREETING, "Interested"), *do("Serve"), *say(*[W("Request", at(n % 4, n % 2)) for n in range(60)])],
    "greetings-with-new-ports": say(*(W("Greeting", port=1000 + n, ids=[1, 2, 3, n]) for n in range(40))),
    "addresses-in-crowds": say(GREETING, *(W("Pex", [([10, 0, n, m], 6881) for m in range(20)]) for n in range(6))),
    "what-it-has-changes": say(
        W("Bitfield", [0xF0]), W("Bitfield", [0xFF, 0xFF, 0xFF]), W("Have", 7), W("DontHave", 0), W("DontHave", 0xFFFFFFFF),
        "HaveNone", "HaveAll", W("AllowedFast", 1), W("Suggest", 2), W("Suggest", 7)),
    "slots-and-descriptions": [
        *say(OURS, W("Slots", 1, 5, [9] * 8, "south"), W("Slots", 255, 2**64 - 1, [0] * 8, ""), W("Metadata", 0), W("Metadata", 1),
             W("Metadata", 2**32 - 1)), *do(W("Slots", 1), W("Suggest", 1), "WantNothing", "Want")],
    "extensions-that-nobody-knows": say(
        W("Extended", 0, list(b"d1:md6:ut_pexi0eee")), W("Extended", 0, list(b"d1:pi99999e4:reqqi-1ee")), W("Extended", 200, [1, 2, 3]),
        W("Extended", 1, list(b"de")), W("Extended", 2, list(b"d8:msg_typei9e5:piecei0ee")), W("Extended", 3, [0] * 30)),
    "a-frame-of-a-false-length": say("Interested", W("Raw", [0, 0, 0, 5, 4, 0, 0]), W("Raw", [0xFF] * 12), "Choke"),
    "a-word-that-breaks-off": say("Unchoke", W("Raw", [0, 0, 0, 13, 6, 0, 0, 0])),
}

METADATA = {
    "an-honest-peer": [W("Greeting", 7, None, True), W("Data", 0, right=True), W("Data", 1, right=True)],
    "in-the-wrong-order": [W("Greeting", 7, None, True), W("Data", 1, right=True), W("Data", 0, right=True), W("Data", 0, right=True)],
    "a-liar": [W("Greeting", 7, None, True), W("Data", 0, 17384, 16384, False), W("Data", 1, 17384, 1000, False)],
    "no-description": [W("Greeting", 7, 0, False), W("Greeting", 0, None, False), "Choke", W("Have", 3)],
    "far-too-long": [W("Greeting", 7, 2**32 - 1, False), W("Data", 255, 2**32 - 1, 65535, False)],
    "it-rejects-and-asks": [W("Greeting", 7, None, True), W("Reject", 0), W("Request", 0), W("Request", 2**32 - 1), W("Reject", 9), W("Data", 0, right=True)],
    "its-length-changes": [W("Greeting", 7, None, True), W("Data", 0, right=True), W("Greeting", 8, 5, False), W("Data", 1, 5, 5, False)],
    "words-of-others-between": [
        W("Extended", 1, list(b"d5:added0:e")), W("Greeting", 7, None, True), W("Extended", 77, [1]), W("Data", 0, right=True),
        W("Raw", [0, 0, 0, 0]), W("Data", 1, right=True)],
    "a-greeting-that-is-none": [W("Extended", 0, list(b"d1:m")), W("Raw", [0, 0, 1, 0, 20, 0])],
}


def compact(*hosts: tuple[int, int, int, int, int]) -> list[int]:
    """A message of peer exchange with these hosts."""
    peers = b"".join(bytes(host[:4]) + host[4].to_bytes(2, "big") for host in hosts)
    return list(b"d5:added%d:%s7:added.f%d:%se" % (len(peers), peers, len(hosts), bytes(len(hosts))))


BOOK = {
    "told-in-crowds": [*(W("Told", teller, teller * 4 + part, 255) for teller in range(4) for part in range(2)), *["Dial"] * 8, W("Wait", 60000), *["Dial"] * 8],
    "one-host-with-many-ports": [*(W("Learn", 1, port, port) for port in range(1, 60)), *["Dial"] * 5],
    "each-way-of-discovery": [*(W("Learn", way, 6881, way) for way in range(6)), *["Dial", W("Fail", 0)] * 6, W("Wait", 65535), *["Dial"] * 6],
    "linked-lost-and-linked": [W("Learn", 1, 6881, 3), "Dial", W("Link", 0), W("Unlink", 0), W("Wait", 1000), "Dial", W("Link", 0), W("Unlink", 0), "Dial"],
    "a-liar-comes-back": [
        W("Learn", 1, 6881, 2), W("Link", 0), W("Ban", 0, True), W("Learn", 1, 7000, 2), "Dial", W("Wait", 65535), "Dial", W("Ban", 1, False), "Dial"],
    "we-find-ourselves": [W("Learn", 1, 6881, 4), "Dial", W("Ourselves", 0), W("Learn", 1, 6881, 4), "Dial"],
    "messages-of-exchange": [
        W("Pex", 1, compact((10, 2, 0, 1, 6881), (10, 2, 0, 2, 6881))), W("Pex", 2, compact((10, 2, 0, 1, 6881), (127, 0, 0, 1, 1))),
        W("Pex", 3, list(b"d5:added5:abcdee")), W("Pex", 3, [0xFF]), *["Dial"] * 4, W("Fail", 1), W("Fail", 2)],
    "failures-for-long": [W("Learn", 1, 6881, 5), *["Dial", W("Fail", 0), W("Wait", 30000)] * 20],
}


def met(peer: int, node: int | None = None) -> W:
    return W("Up", peer, peer if node is None else node, False)


def claims(peer: int, slot: int, term: int, **more: object) -> W:
    record = W("Record", slot=slot, term=term, holder=peer, heartbeat=1, goodput=10_000_000, extents=4)
    return W("Say", peer, W("Said", readers=3, node=peer, records=[record], **more))


SLOTS = {
    "a-room-that-agrees": [
        *(met(peer) for peer in range(3)), *(claims(peer, peer, 1) for peer in range(3)), W("Wait", 500), W("Finish", 0), W("Has", 0, 0xFF),
        W("Unchoke", 0), W("Finish", 0), W("Wait", 2000), *[W("Finish", 0)] * 10],
    "two-claim-one-slot": [met(0), met(1), claims(0, 0, 5), claims(1, 0, 5), W("Wait", 1000), claims(0, 0, 6), claims(1, 0, 2**63), W("Wait", 10000)],
    "a-holder-dies": [met(0), met(1), claims(0, 0, 3), W("Wait", 300), W("Down", 0, 1), W("Dead", 0), W("Wait", 6000), W("Finish", 0), W("Wait", 6000)],
    "a-holder-says-that-all-is-bad": [met(0), claims(0, 1, 2, bad=[(1, piece) for piece in range(40)], claims=[(1, 0, 40)]), W("Wait", 3000), W("Break", 0), W("Wait", 3000)],
    "groups-and-readers-that-differ": [
        met(0), met(1), W("Say", 0, W("Said", "south", 1, 0)), W("Say", 1, W("Said", "north", 64, 1)), W("Say", 1, W("Said", "x" * 65, 2**32 - 1, 1)), W("Wait", 5000)],
    "one-machine-twice": [met(0, 1), met(1, 1), claims(0, 0, 1), claims(1, 0, 1), W("Down", 1, 0), W("Wait", 1000)],
    "numbers-at-their-ends": [met(0), W("Say", 0, W("Said", None, 2**32 - 1, 0, 255, *[2**64 - 1] * 4, [W("Record", 255, 2**64 - 1, 255, 2**64 - 1, 2**32 - 1, 2**64 - 1, 2**32 - 1, 2**32 - 1, 2**64 - 1)], [(2**32 - 1,) * 3], [(255, 2**32 - 1)], [(255, 2**64 - 1)])), W("Wait", 65535)],
    "no-messages-at-all": [met(0), W("Raw", 0, []), W("Raw", 0, [0] * 60), W("Raw", 0, [0xFF] * 60), W("Raw", 4, [1]), W("Wait", 9)],
    "peers-that-have-all-and-choke": [*(met(peer) for peer in range(5)), *(W("HasAll", peer) for peer in range(5)), W("Wait", 2000), W("Unchoke", 2), W("Finish", 0), W("Choke", 2), W("Wait", 9000), W("Break", 0)],
    "hours-end-in-the-middle": [W("Discovery", 3), W("Wait", 500), W("Hours", False), W("Finish", 0), W("Wait", 60000), W("Hours", True), W("Wait", 500), W("Finish", 0)],
}

PEERS = {
    "link": ("swarm/src/link/sequences.rs", "Vec<Step>", LINK),
    "metadata": ("swarm/src/metadata/sequences.rs", "Vec<Word>", METADATA),
    "address_book": ("swarm/src/address_book/sequences.rs", "Vec<Word>", BOOK),
    "slot_gossip": ("scheduler/src/fuzzing.rs", "Vec<Word>", SLOTS),
}
