"""What trackers answer, what they are asked, and what is called on a local network."""
import zlib

from words import W


def answer(interval: int, *hosts: int, **more: object) -> W:
    return W("Answer", interval=interval, peers=[([10, 0, 0, host], 6881) for host in hosts], **{"compact": True, **more})


ANNOUNCED = b"\0\0\0\1" + b"\0\0\0\0" + (1800).to_bytes(4, "big") + b"\0\0\0\1\0\0\0\2" + b"\x0a\0\0\1\x1a\xe1"

CLIENT = {
    "peers-in-both-forms": [answer(60, 1, 2, 3), answer(60, 1, 2, 3, compact=False), "Completed", answer(1800)],
    "intervals-at-their-ends": [answer(0), answer(1), answer(2**32 - 1), answer(60, min_interval=2**32 - 1), answer(2**32 - 1, min_interval=0)],
    "failures-between": [answer(60, 1), W("Refusal", "torrent not registered"), "Nothing", "Nothing", "Nothing", answer(60, 2), W("Refusal", ""), W("Refusal", "\x1b[31m\n" * 20)],
    "words-of-its-own": [answer(60, 1, warning="slow down", tracker_id=list(b"id")), answer(60, tracker_id=[0xFF] * 30), "Completed", answer(60, warning="x" * 300)],
    "pages-and-packed-answers": [
        W("Body", list(b"<html>404</html>")), W("Body", list(b"d8:intervali60e5:peers0:e\nmore")),
        W("Body", list(zlib.compress(b"d8:intervali60e5:peers0:e", wbits=31))), W("Body", [0x1F, 0x8B, 8, 0]), W("Body", []),
        W("Body", list(b"d5:peersd0:0:ee")), W("Body", list(b"d8:intervali-1e5:peers7:abcdefge"))],
    "datagrams": [W("Datagram", list(ANNOUNCED)), W("Datagram", list(ANNOUNCED[:-1])), W("Datagram", list(b"\0\0\0\3\0\0\0\0no")), W("Datagram", [0] * 16), W("Datagram", [])],
    "port-0-and-no-address": [W("Answer", interval=9, peers=[([0, 0, 0, 0], 1), ([10, 0, 0, 1], 0), ([255] * 4, 65535)], compact=False)],
}

LSD = {
    "machines-meet": [W("Call", 1, 6881, [0]), W("Call", 2, 6881, [0, 1]), "Look", W("Call", 1, 6882, [0], "cookie"), "Look"],
    "one-calls-without-end": [*[W("Call", 1, 6881, [0])] * 40, "Look", W("Call", 2, 6881, [0])],
    "crowds": [W("Crowd", net, 255) for net in range(6)],
    "what-is-no-call": [
        W("Raw", 1, list(b"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 0\r\nInfohash: x\r\n\r\n\r\n")),
        W("Raw", 1, list(b"BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: " + b"zz" * 20 + b"\r\n\r\n")), W("Raw", 2, [0xFF] * 40), W("Raw", 3, []),
        W("Raw", 3, list(b"M-SEARCH * HTTP/1.1\r\n\r\n"))],
    "no-port-and-odd-cookies": [W("Call", 1, 0, [0]), W("Call", 2, 1, [0] * 20, "\r\nPort: 1"), W("Call", 3, 65535, [], ""), "Look"],
}

TRACKERS = {
    "tracker_client": ("swarm/src/trackers/sequences.rs", "Vec<Word>", CLIENT),
    "lsd": ("swarm/src/lsd/sequences.rs", "Vec<Word>", LSD),
}


def get(host: int, path: str) -> bytes:
    """A request of a host; requests end with a zero byte."""
    return bytes([host]) + f"GET {path} HTTP/1.1\r\n\r\n".encode() + b"\0"


def hash_of(number: int) -> str:
    return "info_hash=" + f"%{number + 1:02x}" * 20 + "&peer_id=-XX0000-abcdefghijkl"


def datagram(host: int, data: bytes) -> bytes:
    return bytes([host, len(data)]) + data


def announce(host: int, number: int, left: int, event: int = 0, port: int = 6881, more: bytes = b"") -> bytes:
    """An announce of a host; the connection number of an odd one is put in by the target."""
    head = bytes(8) + (1).to_bytes(4, "big") + bytes(4) + bytes([number]) * 20 + b"-XX0000-abcdefghijkl"
    rest = bytes(8) + left.to_bytes(8, "big") + bytes(8) + event.to_bytes(4, "big") + bytes(8) + b"\xff" * 4 + port.to_bytes(2, "big")
    return datagram(host, head + rest + more)


CONNECT = (0x41727101980).to_bytes(8, "big") + bytes(8)
REQUESTS = {
    "tracker_http": {
        "leeches-and-seeds": b"".join(get(host, f"/announce?{hash_of(0)}&port={6000 + host}&left={host % 2}&compact=1") for host in range(8)),
        "one-host-fills-the-table": b"".join(get(1, f"/announce?{hash_of(n)}&port=1&left=1") for n in range(60)),
        "many-ports-of-one-host": b"".join(get(1, f"/announce?{hash_of(0)}&port={n + 1}&left=0&numwant=200") for n in range(60)),
        "comes-and-goes": b"".join(
            get(2, f"/announce?{hash_of(0)}&port=9&left=1&event={event}") for event in ("started", "completed", "stopped", "stopped", "paused", "")),
        "no-number-left": get(0, f"/announce?{hash_of(0)}&port=1") + get(1, f"/announce?{hash_of(0)}&port=2&left=-1") + get(2, f"/announce?{hash_of(0)}&port=3&left=x"),
        "scrapes": get(0, f"/announce?{hash_of(0)}&port=1&left=0") + get(0, "/scrape") + get(0, f"/scrape?{hash_of(0)}&{hash_of(1)}&{hash_of(2)}") + get(1, "/scrape?info_hash=%zz"),
        "speaks-for-another": get(0, f"/announce?{hash_of(0)}&port=1&left=1&ip=8.8.8.8") + get(0, f"/announce?{hash_of(0)}&port=1&left=1&ip=::1&no_peer_id=1"),
        "what-is-no-request": b"\1\0" + b"\1GET\0" + b"\1POST /announce HTTP/1.1\r\n\r\n\0" + get(1, "/announce?" + "a=b&" * 500) + get(1, "/" + "%00" * 9),
    },
    "tracker_udp": {
        "leeches-and-seeds": b"".join(announce(host, 7, host % 2) for host in range(1, 8, 2)) * 2,
        "one-host-fills-the-table": b"".join(announce(1, number, 1) for number in range(60)),
        "many-ports-of-one-host": b"".join(announce(1, 7, 0, port=n + 1) for n in range(60)),
        "comes-and-goes": b"".join(announce(3, 7, 1, event) for event in (2, 1, 3, 3, 0, 9)),
        "without-a-connection": announce(0, 7, 1) + datagram(2, CONNECT) + datagram(0, CONNECT[:-1]) + announce(2, 7, 0),
        "path-and-query": announce(1, 7, 1, more=b"\2\x09/announce\2\x03?a=\0") + announce(1, 7, 1, more=b"\2\xff") + announce(1, 7, 1, more=b"\1\1\1\2\0"),
        "scrapes-and-odd-acts": announce(1, 7, 0) + b"".join(
            datagram(1, bytes(8) + act.to_bytes(4, "big") + bytes(4) + bytes([7]) * length) for act, length in ((2, 20), (2, 40), (2, 19), (9, 0), (1, 3))),
    },
}
