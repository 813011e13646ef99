//! Meeting by the distributed hash table, in one of ten nodes on loopback.

use super::*;
use crate::{Dht, DhtOptions};

fn node(net: &mainline::Testnet) -> Arc<Dht> {
    let options = DhtOptions::new(net.bootstrap.clone(), Some(std::net::Ipv4Addr::LOCALHOST));
    Dht::start(&options).unwrap()
}

#[tokio::test]
async fn machines_meet_by_the_table_unless_the_content_is_private() {
    let net = tokio::task::spawn_blocking(|| mainline::Testnet::new(10).unwrap());
    let net = net.await.unwrap();
    let _private = Machine::start([3; 20], |config| {
        config.dht = Some(node(&net));
        config.private = true;
    });
    let one = Machine::start([1; 20], |config| config.dht = Some(node(&net)));
    let mut two = Machine::start([2; 20], |config| config.dht = Some(node(&net)));
    let link = two.link_up().await;
    assert_eq!(link.peer_id(), [1; 20]);
    assert_eq!((one.swarm.stats().links, two.swarm.stats().links), (1, 1));
}
