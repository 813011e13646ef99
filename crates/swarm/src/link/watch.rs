//! The clock of a link: silent peers, and our own sign of life.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_bt_wire::peer::Message;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Shared;
use crate::LinkEnd;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(250);
/// We say something at least this often.
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// A peer that says nothing for this long is gone (it has to every two minutes, BEP 3).
const SILENCE_MAX: Duration = Duration::from_mins(3);

/// Watches until the link is to end.
pub(crate) async fn run(shared: &Arc<Shared>) -> LinkEnd {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let (mute, silent) = {
            let state = shared.state();
            let mute = now.saturating_duration_since(state.last_said) >= KEEP_ALIVE;
            let silent = now.saturating_duration_since(state.last_heard) >= SILENCE_MAX;
            (mute, silent)
        };
        if silent {
            return LinkEnd::Silent;
        }
        if mute && let Err(end) = shared.reply(Message::KeepAlive) {
            return end;
        }
    }
}
