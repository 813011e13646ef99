"""One stock client at a time: it takes the whole tree from `swarmcopy seed`, and gives it to `swarmcopy get`."""
from clients import Client, aria2, complete, end, finished, get, libtorrent, make, seed, transmission
from harness import WAIT_SECONDS, Trial
from servers import our_tracker


def libtorrent_takes_the_tree_from_our_seed(t: Trial) -> None:
    torrent = make(t)
    ours = seed(t, torrent)
    theirs = libtorrent(t, t.host("leech"), torrent, "--peer", ours.peer)
    _takes_all(t, theirs)


def aria2_takes_the_tree_from_our_seed(t: Trial) -> None:
    # aria2 learns of peers from trackers alone
    torrent = make(t, "--tracker", our_tracker(t))
    seed(t, torrent)
    _takes_all(t, aria2(t, t.host("leech"), torrent))


def transmission_takes_the_tree_from_our_seed(t: Trial) -> None:
    torrent = make(t, "--tracker", our_tracker(t))
    seed(t, torrent)
    # Transmission 3.00 makes no empty files, not even when it is done
    _takes_all(t, transmission(t, t.host("leech"), torrent), empty_files_too=False)


def we_take_the_tree_from_libtorrent(t: Trial) -> None:
    torrent = make(t)
    t.copy_tree(t.dir / "theirs")
    _gives_all(t, libtorrent(t, t.host("theirs"), torrent, folder=t.dir / "theirs"))


def we_take_the_tree_from_aria2(t: Trial) -> None:
    torrent = make(t)
    t.copy_tree(t.dir / "theirs")
    _gives_all(t, aria2(t, t.host("theirs"), torrent, folder=t.dir / "theirs"))


def we_take_the_tree_from_transmission(t: Trial) -> None:
    torrent = make(t)
    t.copy_tree(t.dir / "theirs")
    # it lets others in every ten seconds and looks at their requests twice a second
    _gives_all(t, transmission(t, t.host("theirs"), torrent, folder=t.dir / "theirs"), seconds=60)


def libtorrent_takes_a_tree_of_version_2_from_our_seed(t: Trial) -> None:
    torrent = make(t, "--format", "v2")
    ours = seed(t, torrent)
    _takes_all(t, libtorrent(t, t.host("leech"), torrent, "--peer", ours.peer))


def we_take_a_tree_of_version_2_from_libtorrent(t: Trial) -> None:
    torrent = make(t, "--format", "v2")
    t.copy_tree(t.dir / "theirs")
    _gives_all(t, libtorrent(t, t.host("theirs"), torrent, folder=t.dir / "theirs"))


def libtorrent_is_found_by_local_discovery(t: Trial) -> None:
    torrent = make(t)
    t.copy_tree(t.dir / "theirs")
    libtorrent(t, t.host("theirs"), torrent, "--lsd", folder=t.dir / "theirs")
    finished(t, get(t, t.host("ours"), torrent, "--lsd", "--timeout", "60s", "--seed-for", "0s"))


def _takes_all(t: Trial, theirs: Client, empty_files_too: bool = True) -> None:
    """Waits for a stock client to be complete and compares its copy."""
    complete(t, theirs)
    end(theirs)
    t.check_copy(theirs.to / t.tree.name, empty_files_too)


def _gives_all(t: Trial, theirs: Client, seconds: float = WAIT_SECONDS) -> None:
    """Takes the tree from a stock client alone."""
    ours = get(t, t.host("ours"), t.dir / "it.torrent", "--peer", theirs.peer, "--timeout", "60s", "--seed-for", "0s")
    told = finished(t, ours, seconds)
    t.check(told["from_peers"] == t.tree.bytes and told["origin_bytes"] == 0, f"not all came from the peer: {told}")
