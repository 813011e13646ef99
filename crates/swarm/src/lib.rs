//! Peer links, listener, dialer, trackers, local discovery and uploads of a BitTorrent swarm.
