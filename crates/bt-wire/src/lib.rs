//! BitTorrent formats without I/O: bencode, metainfo, magnet links, peer messages, extensions, tracker and local discovery codecs.
