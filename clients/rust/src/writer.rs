use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(1);

/// How the writer of the attached region is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriterState {
    /// Its heartbeat moves.
    Live,
    /// No heartbeat for a second: killed, stopped, or its machine was asleep. A stopped one may come back.
    Silent,
    /// It ended cleanly; everything it published can still be read.
    Closed,
    /// A new writer took the name over; this region will not change any more.
    Replaced,
}

impl WriterState {
    /// `live`, `silent`, `closed` or `replaced`.
    pub fn as_str(self) -> &'static str {
        match self {
            WriterState::Live => "live",
            WriterState::Silent => "silent",
            WriterState::Closed => "closed",
            WriterState::Replaced => "replaced",
        }
    }
}

impl fmt::Display for WriterState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Times the heartbeat with the reader's own monotonic clock, so that steps of the wall clock do not matter.
#[derive(Default)]
pub struct Liveness {
    last: Option<(i64, Instant)>,
}

impl Liveness {
    pub fn judge(&mut self, writer_state: u32, heartbeat_time_ns: i64) -> WriterState {
        match writer_state {
            2 => return WriterState::Closed,
            3 => return WriterState::Replaced,
            _ => {}
        }
        let now = Instant::now();
        let changed = match self.last {
            Some((beat, changed)) if beat == heartbeat_time_ns => changed,
            Some(_) => now,
            None => now.checked_sub(age(heartbeat_time_ns)).unwrap_or(now),
        };
        self.last = Some((heartbeat_time_ns, changed));
        if now.duration_since(changed) < HEARTBEAT_TIMEOUT {
            WriterState::Live
        } else {
            WriterState::Silent
        }
    }
}

/// How old a heartbeat is by the wall clock, within 0 … 1 s; needed once, when there is no earlier look at it.
fn age(heartbeat_time_ns: i64) -> Duration {
    let wall_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as i128);
    let age_ns = (wall_ns - i128::from(heartbeat_time_ns)).clamp(0, HEARTBEAT_TIMEOUT.as_nanos() as i128);
    Duration::from_nanos(age_ns as u64)
}
